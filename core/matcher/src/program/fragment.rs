//! Fragments: a piece of pattern as its first and last positions and the ways through it.
//!
//! The construction is Glushkov's, with a *hop* on every way: what is passed between one taken event and the next.

use ensue_rule::{Bound, Contiguity, Element, Group, Pattern, Quantifier, Stage};

use super::conditions::{Conditions, Forbid};
use super::{GroupId, PositionId, StageId, TestId, Want};
use crate::error::Kind;
use crate::{Error, Limits};

/// What lies between one taken event and the next (or the begin, or the end).
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Hop {
    /// The arrow before the next event; `None` until the element stands in a sequence.
    pub(super) arrow: Option<Contiguity>,
    pub(super) bound: Option<Bound>,
    /// The bound is the gap of a loop whose minimum is reached: violating it is no timeout.
    pub(super) surplus: bool,
    /// `-> !n` passed on the way.
    pub(super) forbids: Vec<Forbid>,
    /// `-> !n` that the way goes around: in a group left or skipped, in another alternative.
    pub(super) around: Vec<StageId>,
    /// `=> !n` passed on the way, with the greedy loops before it.
    pub(super) next_forbids: Vec<(Forbid, Vec<Greedy>)>,
    /// Greedy loops left or skipped, with something after them on the way.
    pub(super) held: Vec<Greedy>,
    /// Greedy loops left or skipped, with nothing after them yet.
    pub(super) tail: Vec<Greedy>,
    /// UNTIL of the loops that the way stays in.
    pub(super) untils: Vec<TestId>,
    /// UNTIL of the loops that the way begins: their first event passes it by too.
    pub(super) begun: Vec<TestId>,
    /// Stages left or skipped.
    pub(super) leaves: Vec<StageId>,
    /// Groups of which a turn begins.
    pub(super) turns: Vec<GroupId>,
    /// See [`super::Wait::blockers`].
    pub(super) blockers: Vec<Want>,
    /// Tests over several members of `&` that are asked of the next event besides its stage's own.
    pub(super) also: Vec<TestId>,
}

/// A greedy loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Greedy {
    pub(super) test: TestId,
    pub(super) until: Option<TestId>,
    /// Its gap, where the loop has begun.
    pub(super) gap: Option<Bound>,
}

impl Hop {
    /// This way and then `next`.
    fn then(&self, next: &Self) -> Self {
        let mut hop = next.clone();
        let front = |a: &[StageId], b: &[StageId]| a.iter().chain(b).copied().collect();
        hop.forbids = self.forbids.iter().chain(&next.forbids).copied().collect();
        hop.leaves = front(&self.leaves, &next.leaves);
        hop.around = front(&self.around, &next.around);
        // A greedy loop before the negation keeps what it would take from being judged.
        let after =
            next.next_forbids.iter().map(|(n, unless)| (*n, unless.iter().chain(&self.held).cloned().collect()));
        hop.next_forbids = self.next_forbids.iter().cloned().chain(after).collect();
        hop.held = self.held.iter().chain(&next.held).cloned().collect();
        hop.turns = self.turns.iter().chain(&next.turns).copied().collect();
        hop.untils = self.untils.iter().chain(&next.untils).copied().collect();
        hop.begun = self.begun.iter().chain(&next.begun).copied().collect();
        hop.blockers = self.blockers.iter().chain(&next.blockers).cloned().collect();
        hop.also = self.also.iter().chain(&next.also).copied().collect();
        hop
    }

    /// Whether a negation stands on the way.
    pub(super) fn passes(&self, n: Forbid) -> bool {
        self.forbids.iter().any(|forbid| forbid.stage == n.stage)
    }

    /// The same way, with an element after it.
    pub(super) fn followed(&self) -> Self {
        let mut hop = self.clone();
        hop.held.append(&mut hop.tail);
        hop
    }

    /// The same way into an element, by `arrow` where the element's inside does not say (a skipped head leaves it to what
    /// is behind). What bounds and closes holds for whatever comes first.
    fn entered(&self, by: &Arrow) -> Self {
        let mut hop = self.clone();
        hop.arrow = hop.arrow.or(Some(by.arrow));
        hop.untils.extend(&by.untils);
        let own = hop.bound.map(Bound::violated_at);
        if let Some(bound) = by.bound.filter(|b| own.is_none_or(|own| b.violated_at() < own)) {
            (hop.bound, hop.surplus) = (Some(bound), by.surplus);
        }
        hop
    }
}

/// How one element follows another.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrow {
    arrow: Contiguity,
    bound: Option<Bound>,
    surplus: bool,
    untils: Vec<TestId>,
}

/// A piece of pattern.
#[derive(Clone, Debug, Default)]
pub(super) struct Fragment {
    pub(super) first: Vec<(PositionId, Hop)>,
    pub(super) last: Vec<(PositionId, Hop)>,
    /// Ways through it that take no event.
    pub(super) skip: Vec<Hop>,
}

/// Positions and edges as they are made.
#[derive(Debug)]
pub(super) struct Weaver<'a> {
    pub(super) limits: &'a Limits,
    /// The stage of each position.
    pub(super) positions: Vec<StageId>,
    pub(super) edges: Vec<(PositionId, PositionId, Hop)>,
    /// Whether one match can be reached in two ways.
    pub(super) ambiguous: bool,
    pub(super) conditions: &'a Conditions,
    /// How deep in repeated groups.
    depth: usize,
}

/// Where in the pattern the weaver stands: how many stages and quantifiers came before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    stage: usize,
    quantifier: usize,
    group: u16,
}

impl<'a> Weaver<'a> {
    pub(super) fn new(limits: &'a Limits, conditions: &'a Conditions) -> Self {
        let (positions, edges) = (Vec::new(), Vec::new());
        Self { limits, positions, edges, ambiguous: false, conditions, depth: 0 }
    }

    /// The whole pattern.
    pub(super) fn weave(&mut self, pattern: &Pattern) -> Result<Fragment, Error> {
        self.sequence(pattern, &mut Cursor::default())
    }

    pub(super) fn position(&mut self, stage: StageId, span: ensue_rule::Span) -> Result<PositionId, Error> {
        let limit = self.limits.states;
        if self.positions.len() >= limit {
            return Err(Error::new(Kind::TooManyStates { limit }, span));
        }
        self.positions.push(stage);
        Ok(PositionId(u16::try_from(self.positions.len() - 1).unwrap_or(u16::MAX)))
    }

    pub(super) fn edge(&mut self, from: PositionId, to: PositionId, hop: Hop) -> Result<(), Error> {
        self.bound(self.edges.len())?;
        self.edges.push((from, to, hop));
        Ok(())
    }

    /// Edges and ways around are waits to be: a pattern in which they multiply is refused before it grows.
    fn bound(&self, ways: usize) -> Result<(), Error> {
        let limit = self.limits.states.saturating_mul(32);
        if ways < limit {
            return Ok(());
        }
        Err(Error::new(Kind::TooManyStates { limit }, ensue_rule::Span::default()))
    }

    fn sequence(&mut self, pattern: &Pattern, at: &mut Cursor) -> Result<Fragment, Error> {
        let mut whole = self.element(&pattern.first, Contiguity::Relaxed, at)?;
        for step in &pattern.then {
            let next = self.element(&step.element, step.arrow, at)?;
            let by = Arrow { arrow: step.arrow, bound: step.bound, ..Arrow::default() };
            whole = self.join(whole, &by, next)?;
        }
        Ok(whole)
    }

    /// `a`, then `b`.
    fn join(&mut self, a: Fragment, by: &Arrow, b: Fragment) -> Result<Fragment, Error> {
        self.follow(&a.last, by, &b.first)?;
        let mut first = a.first;
        for pass in &a.skip {
            first.extend(b.first.iter().map(|(q, entry)| (*q, pass.followed().then(&entry.entered(by)))));
        }
        let mut last = b.last;
        for (p, exit) in &a.last {
            last.extend(b.skip.iter().map(|pass| (*p, exit.followed().then(pass))));
        }
        self.bound(first.len().max(last.len()).max(a.skip.len().saturating_mul(b.skip.len())))?;
        let skip = a.skip.iter().flat_map(|x| b.skip.iter().map(|y| x.followed().then(y))).collect();
        Ok(Fragment { first, last, skip })
    }

    fn element(&mut self, e: &Element, arrow: Contiguity, at: &mut Cursor) -> Result<Fragment, Error> {
        match e {
            Element::Stage(s) => self.stage(s, at),
            Element::Group(g) => self.group(g, at),
            Element::Not(_) => Ok(Self::negation(arrow, at)),
            Element::AnyOf(branches) => {
                let (mut all, from) = (Fragment::default(), at.stage);
                let mut parts = Vec::new();
                for b in branches {
                    let begin = at.stage;
                    let one = self.element(b, Contiguity::Relaxed, at)?;
                    parts.push((begin, at.stage, one));
                }
                let within = self.forbidden(from, at.stage);
                for (begin, end, mut one) in parts {
                    let own = self.forbidden(begin, end);
                    let others: Vec<StageId> = within.iter().filter(|n| !own.contains(n)).copied().collect();
                    let ways = one.first.iter_mut().map(|(_, hop)| hop).chain(&mut one.skip);
                    ways.for_each(|hop| hop.around.extend(&others));
                    all.first.append(&mut one.first);
                    all.last.append(&mut one.last);
                    all.skip.append(&mut one.skip);
                }
                // Two ways of taking nothing are one match.
                self.ambiguous |= all.skip.len() > 1;
                Ok(all)
            }
            Element::AllOf(members) => self.any_order(members, at),
        }
    }

    fn negation(arrow: Contiguity, at: &mut Cursor) -> Fragment {
        let stage = Self::next_stage(at);
        let mut hop = Hop::default();
        if arrow == Contiguity::Strict {
            hop.next_forbids.push((Forbid::here(stage), Vec::new()));
        } else {
            hop.forbids.push(Forbid::here(stage));
        }
        Fragment { skip: vec![hop], ..Fragment::default() }
    }

    pub(super) fn next_stage(at: &mut Cursor) -> StageId {
        at.stage += 1;
        StageId(u16::try_from(at.stage - 1).unwrap_or(u16::MAX))
    }

    pub(super) fn next_until(&self, at: &mut Cursor) -> Option<TestId> {
        at.quantifier += 1;
        self.conditions.untils.get(at.quantifier - 1).copied().flatten()
    }

    fn stage(&mut self, s: &Stage, at: &mut Cursor) -> Result<Fragment, Error> {
        let stage = Self::next_stage(at);
        let Some(q) = &s.quantifier else {
            let p = self.position(stage, s.span)?;
            return Ok(Fragment {
                first: vec![(p, Hop::default())],
                last: vec![(p, self.exit(stage))],
                skip: Vec::new(),
            });
        };
        let until = self.next_until(at);
        let test = TestId(stage.0);
        let hold = |begun: bool| {
            let greedy = Greedy { test, until, gap: q.gap.filter(|_| begun) };
            if q.greedy { vec![greedy] } else { Vec::new() }
        };
        let out = Hop { tail: hold(true), ..self.exit(stage) };
        let past = Hop { tail: hold(false), ..self.exit(stage) };
        let copies = q.max.unwrap_or(q.min).max(1);
        let mut positions = Vec::new();
        for n in 0..copies {
            let p = self.position(stage, s.span)?;
            if let Some(before) = positions.last() {
                self.edge(*before, p, Hop::default().entered(&again(q, until, n >= q.min)))?;
            }
            positions.push(p);
        }
        if let (None, Some(p)) = (q.max, positions.last()) {
            self.edge(*p, *p, Hop::default().entered(&again(q, until, true)))?;
        }
        let from = usize::try_from(q.min.max(1)).unwrap_or(usize::MAX) - 1;
        let last = positions.iter().skip(from).map(|p| (*p, out.clone())).collect();
        let entry = Hop { begun: until.into_iter().collect(), ..Hop::default() };
        let first = positions.first().map(|p| (*p, entry)).into_iter().collect();
        Ok(Fragment { first, last, skip: if q.optional { vec![past] } else { Vec::new() } })
    }

    /// A group turn by turn: the turns up to the minimum, those up to the maximum, or one more that loops. An empty turn
    /// counts for nothing: it is followed by empty ones only.
    fn group(&mut self, g: &Group, at: &mut Cursor) -> Result<Fragment, Error> {
        let Some(q) = &g.quantifier else { return self.sequence(&g.pattern, at) };
        if q.greedy {
            return Err(Error::refused("GREEDY stands on a group", "put GREEDY on the stages inside", g.span));
        }
        let id = GroupId(at.group);
        at.group += 1;
        let inside = *at;
        // A group's UNTIL comes after those inside it.
        let until = self.conditions.untils.get(at.quantifier + g.pattern.quantifiers().len()).copied().flatten();
        self.depth += usize::from(q.repeats());
        let mut whole = self.turn(g, (id, until), at)?;
        self.note_ambiguity(q, &whole, &g.pattern);
        let mut last = completed(&whole, q, 0);
        let mut before = std::mem::take(&mut whole.last);
        for n in 1..q.max.unwrap_or(q.min + 1).max(1) {
            *at = inside;
            let body = self.turn(g, (id, until), at)?;
            self.follow(&before, &again(q, until, n >= q.min), &body.first)?;
            if q.max.is_none() && n == q.min {
                self.follow(&body.last, &again(q, until, true), &body.first)?;
            }
            last.extend(completed(&body, q, n));
            before = body.last;
        }
        let stages = (inside.stage..at.stage).filter_map(|s| u16::try_from(s).ok()).map(StageId);
        self.next_until(at);
        self.depth -= usize::from(q.repeats());
        let leaves: Vec<StageId> = if self.depth == 0 { stages.collect() } else { Vec::new() };
        let around = self.forbidden(inside.stage, at.stage);
        last.iter_mut().for_each(|(_, hop)| hop.around.extend(&around));
        if q.repeats() {
            // Turns may have taken different ways, so what ends them all leaves every stage.
            let ends = last.iter_mut().map(|(_, hop)| hop).chain(&mut whole.skip);
            ends.for_each(|hop| hop.leaves.clone_from(&leaves));
        }
        if q.optional {
            whole.skip.push(Hop { around, leaves, ..Hop::default() });
        }
        Ok(Fragment { first: whole.first, last, skip: whole.skip })
    }

    /// One turn of a group.
    fn turn(&mut self, g: &Group, (id, until): (GroupId, Option<TestId>), at: &mut Cursor) -> Result<Fragment, Error> {
        let before = self.edges.len();
        let mut body = self.sequence(&g.pattern, at)?;
        for (_, hop) in &mut body.first {
            hop.turns.insert(0, id);
            let forbids = hop.forbids.iter_mut().chain(hop.next_forbids.iter_mut().map(|(forbid, _)| forbid));
            forbids.for_each(|forbid| *forbid = self.conditions.in_new_turn(*forbid));
            let unless = hop.next_forbids.iter_mut().flat_map(|(_, unless)| unless);
            let greedy = hop.held.iter_mut().chain(&mut hop.tail).chain(unless);
            greedy.for_each(|g| g.test = self.conditions.test_in_new_turn(g.test));
            hop.begun.extend(until);
        }
        self.edges.iter_mut().skip(before).for_each(|(_, _, hop)| hop.untils.extend(until));
        Ok(body)
    }

    /// One turn after another.
    fn follow(&mut self, from: &[(PositionId, Hop)], by: &Arrow, to: &[(PositionId, Hop)]) -> Result<(), Error> {
        for (p, exit) in from {
            for (q, entry) in to {
                self.edge(*p, *q, exit.followed().then(&entry.entered(by)))?;
            }
        }
        Ok(())
    }

    fn note_ambiguity(&mut self, q: &Quantifier, body: &Fragment, pattern: &Pattern) {
        let inner = pattern.quantifiers().iter().any(|q| q.repeats() || q.optional);
        let branches = pattern.elements().any(|e| matches!(e, Element::AnyOf(_)));
        self.ambiguous |= !body.skip.is_empty() || (q.repeats() && (inner || branches));
    }

    /// The forbidden ones of a range of stages.
    fn forbidden(&self, from: usize, to: usize) -> Vec<StageId> {
        let stages = self.conditions.stages.iter().skip(from).take(to.saturating_sub(from));
        stages.filter(|(_, s)| s.forbidden).map(|(id, _)| id).collect()
    }

    /// Leaving a stage; inside a repeated group it is left with the outermost one.
    pub(super) fn exit(&self, stage: StageId) -> Hop {
        Hop { leaves: if self.depth == 0 { vec![stage] } else { Vec::new() }, ..Hop::default() }
    }
}

/// How a repetition follows the one before.
fn again(q: &Quantifier, until: Option<TestId>, surplus: bool) -> Arrow {
    Arrow { arrow: q.inner, bound: q.gap, surplus, untils: until.into_iter().collect() }
}

/// Where a group may end after turn `n` (from 0): at once from the minimum on, before it by empty turns.
fn completed(body: &Fragment, q: &Quantifier, n: u32) -> Vec<(PositionId, Hop)> {
    if n + 1 >= q.min {
        return body.last.clone();
    }
    let empty = |(p, exit): &(PositionId, Hop)| -> Vec<(PositionId, Hop)> {
        body.skip.iter().map(|pass| (*p, exit.followed().then(pass))).collect()
    };
    body.last.iter().flat_map(empty).collect()
}
