//! Edges to waits: what may be passed over on the way, what ends it, and what changes when an event passes.

use std::collections::{BTreeMap, BTreeSet};

use ensue_rule::{Bound, Contiguity, Element, Rule, Within, WithinKind};

use super::conditions::{Conditions, Forbid};
use super::fragment::{Fragment, Greedy, Hop, Weaver};
use super::watch::{Watched, next_forbids, watch};
use super::{
    Completion, Correlation, Held, NextForbid, Position, PositionId, StageId, Target, TestId, Wait, WaitId, Want,
};
use crate::error::Kind;
use crate::expr::Code;
use crate::registers::RegisterSet;
use crate::table::Table;
use crate::{Error, Limits};

/// Positions with their waits, and where runs begin.
#[derive(Debug, Default)]
pub(super) struct Automaton {
    pub(super) positions: Table<PositionId, Position>,
    pub(super) waits: Table<WaitId, Wait>,
    pub(super) starts: Vec<WaitId>,
}

/// One way from a position (or the begin) to a target, with everything that holds on it.
#[derive(Debug)]
struct Way<'a> {
    target: Target,
    takes: Want,
    hop: &'a Hop,
    watch: Vec<TestId>,
    forbids: Vec<TestId>,
    next: Vec<(Forbid, Vec<Greedy>)>,
    bound: Option<Bound>,
    bound_times_out: bool,
}

/// What judges the events on a way besides what stands on it.
#[derive(Debug, Default)]
struct Judges {
    watch: Vec<TestId>,
    forbids: Vec<TestId>,
    next: Vec<(Forbid, Vec<Greedy>)>,
}

/// A state of a way: whether the very next event is still to come, and which greedy loops have closed.
type Phase = (bool, Vec<bool>);

/// Makes the waits of all ways of a woven pattern.
pub(super) fn waits(rule: &Rule, woven: &Fragment, weaver: &Weaver<'_>) -> Result<Automaton, Error> {
    let conditions = weaver.conditions;
    let watched = watch(woven, weaver)?;
    let (limits, previous) = (weaver.limits, previous(rule, conditions));
    let mut maker = Maker { conditions, limits, previous, watched: &watched, out: Automaton::default() };
    for (q, hop) in &watched.first {
        let judges = Judges { forbids: forbidden(&BTreeSet::new(), hop, conditions), ..Judges::default() };
        let way = maker.way(Target::Take(*q), hop, judges);
        let id = maker.wait(&way)?;
        maker.out.starts.push(id);
    }
    for i in 0..watched.positions.len() {
        let position = maker.position(PositionId(u16::try_from(i).unwrap_or(u16::MAX)))?;
        maker.out.positions.push(position);
    }
    Ok(maker.out)
}

/// `WITHIN d OF PREVIOUS`: the bound and the stage whose step it bounds.
fn previous(rule: &Rule, conditions: &Conditions) -> Option<(Bound, Option<StageId>)> {
    let Some(Within { duration, kind: WithinKind::Previous }) = rule.within else { return None };
    let last = rule.pattern.then.last().map_or(&rule.pattern.first, |s| &s.element);
    let positive = !matches!(last, Element::Not(_));
    let stage = conditions.stages.iter().last().map(|(id, _)| id).filter(|_| positive);
    Some((Bound { limit: duration, inclusive: false }, stage))
}

struct Maker<'a> {
    conditions: &'a Conditions,
    limits: &'a Limits,
    /// Bounds the step to this stage, and always the wait for the end.
    previous: Option<(Bound, Option<StageId>)>,
    watched: &'a Watched,
    out: Automaton,
}

impl Maker<'_> {
    fn position(&mut self, p: PositionId) -> Result<Position, Error> {
        let (watched, conditions) = (self.watched, self.conditions);
        let next = next_forbids(p, watched);
        let none = BTreeSet::new();
        let (stage, at) = watched.positions.get(usize::from(p.0)).map_or((StageId(0), &none), |w| (w.stage, &w.at));
        let judges = |hop: &Hop| Judges {
            watch: at.iter().filter(|n| !hop.passes(**n)).map(|n| conditions.test_of(*n)).collect(),
            forbids: forbidden(at, hop, conditions),
            next: next.clone(),
        };
        let mut waits = Vec::new();
        for (_, q, hop) in watched.edges.iter().filter(|(from, _, _)| *from == p) {
            let way = self.way(Target::Take(*q), hop, judges(hop));
            waits.push(self.wait(&way)?);
        }
        let mut complete = Vec::new();
        for (_, hop) in watched.last.iter().filter(|(from, _)| *from == p) {
            if hop.forbids.is_empty() && hop.next_forbids.is_empty() {
                let held =
                    hop.held.iter().map(|g| Held { test: g.test, until: g.until, then: None, gap: None }).collect();
                complete.push(Completion { leaves: hop.leaves.clone(), held });
            }
        }
        for (_, hop) in watched.last.iter().filter(|(from, _)| *from == p && complete.is_empty()) {
            // Waiting for the end passes over events, so a greedy loop at the end holds them back after all.
            let hop = &hop.followed();
            let target = if hop.forbids.is_empty() { Target::Next } else { Target::Absence };
            let way = self.way(target, hop, judges(hop));
            waits.push(self.wait(&way)?);
        }
        Ok(Position { stage, waits, complete, live: RegisterSet::default() })
    }

    fn way<'h>(&self, target: Target, hop: &'h Hop, judges: Judges) -> Way<'h> {
        let stage = match target {
            Target::Take(q) => self.watched.positions.get(usize::from(q.0)).map(|w| w.stage),
            Target::Absence | Target::Next => None,
        };
        let previous = self.previous.filter(|(_, of)| stage.is_none() || *of == stage).map(|(bound, _)| bound);
        let (bound, bound_times_out) = match (hop.bound, previous) {
            // Where both end together, the window's end is told.
            (Some(own), Some(p)) if own.violated_at() < p.violated_at() => (Some(own), !hop.surplus),
            (_, Some(p)) => (Some(p), true),
            (own, None) => (own, !hop.surplus),
        };
        let takes = stage.map(|s| TestId(s.0)).into_iter().chain(hop.also.iter().copied()).collect();
        Way {
            target,
            takes,
            hop,
            watch: judges.watch,
            forbids: judges.forbids,
            next: judges.next,
            bound,
            bound_times_out,
        }
    }

    /// The wait of a way as it begins.
    fn wait(&mut self, way: &Way<'_>) -> Result<WaitId, Error> {
        let begin = (!way.next.is_empty(), vec![false; way.hop.held.len()]);
        self.phase(way, &begin, &mut BTreeMap::new())
    }

    fn phase(&mut self, way: &Way<'_>, phase: &Phase, made: &mut BTreeMap<Phase, WaitId>) -> Result<WaitId, Error> {
        if let Some(id) = made.get(phase) {
            return Ok(*id);
        }
        let limit = self.limits.states.saturating_mul(32);
        if self.out.waits.len() >= limit {
            return Err(Error::new(Kind::TooManyStates { limit }, ensue_rule::Span::default()));
        }
        let (fresh, closed) = phase;
        let blank = blank(way, *fresh, self.conditions);
        let id = self.out.waits.push(blank);
        made.insert(phase.clone(), id);
        let strict = way.hop.arrow == Some(Contiguity::Strict) && matches!(way.target, Target::Take(_));
        let then = if *fresh && !strict && way.target != Target::Next {
            Some(self.phase(way, &(false, closed.clone()), made)?)
        } else {
            None
        };
        let mut held = Vec::new();
        for (i, loop_) in way.hop.held.iter().enumerate() {
            if closed.get(i) == Some(&true) {
                continue;
            }
            let mut after = closed.clone();
            after.iter_mut().skip(i).take(1).for_each(|c| *c = true);
            let then = if loop_.until.is_some() { Some(self.phase(way, &(*fresh, after), made)?) } else { None };
            held.push(Held { test: loop_.test, until: loop_.until, then, gap: loop_.gap });
        }
        let wait = &mut self.out.waits[id];
        (wait.then, wait.held) = (then, held);
        let (bits, plain, correlation) = (self.bits(id), self.plain(id), self.correlation(id));
        let wait = &mut self.out.waits[id];
        (wait.bits, wait.plain, wait.correlation) = (bits, plain, correlation);
        Ok(id)
    }

    /// See [`Wait::plain`].
    fn plain(&self, id: WaitId) -> Option<u64> {
        let (w, c) = (&self.out.waits[id], self.conditions);
        let judged = !(w.forbids.is_empty() && w.watch.is_empty() && w.next_forbids.is_empty() && w.held.is_empty());
        let closes = !(w.untils.is_empty() && w.begun.is_empty() && w.blockers.is_empty() && w.turns.is_empty());
        let leaves = w.then.is_some() || w.leaves.iter().any(|s| !c.stages[*s].leave.is_empty());
        let [test] = w.takes.as_slice() else { return None };
        let test = Some(&c.tests[*test]).filter(|t| t.conditions.is_empty() && !judged && !closes && !leaves)?;
        test.bit.map(|bit| 1 << bit)
    }

    /// See [`Correlation`]: an event with another value is neither taken nor ends anything, unless it passes one of the
    /// other tests.
    fn correlation(&self, id: WaitId) -> Option<Correlation> {
        let (w, c) = (&self.out.waits[id], self.conditions);
        let passes_over = matches!(w.target, Target::Take(_)) && w.arrow != Contiguity::Strict;
        if !passes_over || !w.next_forbids.is_empty() || !w.held.is_empty() || !w.turns.is_empty() {
            return None;
        }
        let test = w.takes.first().map(|t| &c.tests[*t])?;
        let (slot, register) = test.conditions.iter().find_map(Code::correlates)?;
        let others = w.forbids.iter().chain(&w.watch).chain(&w.untils).chain(&w.begun).copied();
        let mut others = others.chain(w.blockers.iter().filter_map(decisive));
        let others = others.try_fold(0_u64, |bits, t| Some(bits | 1_u64 << c.tests[t].bit?))?;
        Some(Correlation { slot, register, others })
    }

    /// Which predicates can change anything for a wait; `None` where any event can.
    fn bits(&self, id: WaitId) -> Option<u64> {
        let wait = &self.out.waits[id];
        let strict = matches!(wait.target, Target::Take(_)) && wait.arrow == Contiguity::Strict;
        if strict || !wait.next_forbids.is_empty() {
            return None;
        }
        let held = wait.held.iter().flat_map(|h| std::iter::once(h.test).chain(h.until));
        let tests = wait.forbids.iter().chain(&wait.watch).chain(&wait.untils).chain(&wait.begun).copied().chain(held);
        let mut tests = tests.chain(decisive(&wait.takes)).chain(wait.blockers.iter().filter_map(decisive));
        tests.try_fold(0_u64, |bits, t| Some(bits | 1_u64 << self.conditions.tests[t].bit?))
    }
}

/// The negations that a way passes, as it passes them and as the run is at them before.
fn forbidden(at: &BTreeSet<Forbid>, hop: &Hop, conditions: &Conditions) -> Vec<TestId> {
    let all = hop.forbids.iter().chain(at.iter().filter(|n| hop.passes(**n)));
    let mut tests: Vec<TestId> = all.map(|n| conditions.test_of(*n)).collect();
    tests.sort_unstable();
    tests.dedup();
    tests
}

/// A wait without what it leads to.
fn blank(way: &Way<'_>, fresh: bool, conditions: &Conditions) -> Wait {
    let next = |(n, unless): &(Forbid, Vec<Greedy>)| NextForbid {
        test: conditions.test_of(*n),
        unless: unless.iter().map(|g| Held { test: g.test, until: g.until, then: None, gap: g.gap }).collect(),
    };
    Wait {
        target: way.target,
        takes: way.takes.clone(),
        arrow: way.hop.arrow.unwrap_or_default(),
        blockers: way.hop.blockers.clone(),
        bound: way.bound,
        bound_times_out: way.bound_times_out,
        forbids: way.forbids.clone(),
        watch: way.watch.clone(),
        next_forbids: if fresh { way.next.iter().map(next).collect() } else { Vec::new() },
        wants_next: fresh && !way.hop.next_forbids.is_empty(),
        then: None,
        begun: way.hop.begun.clone(),
        untils: way.hop.untils.clone(),
        held: Vec::new(),
        timed: way.bound.is_some() || way.hop.held.iter().any(|h| h.gap.is_some()),
        leaves: way.hop.leaves.clone(),
        turns: way.hop.turns.clone(),
        bits: None,
        plain: None,
        correlation: None,
        live: RegisterSet::default(),
    }
}

/// The test of the stage itself: where it fails, the others are not asked.
fn decisive(want: &Want) -> Option<TestId> {
    want.first().copied()
}
