//! The ways that lead on from a place in the pattern, and what lies on each: what may be taken next, what is left or skipped
//! for it, which negations hold meanwhile.

use ensue_rule::{Bound, Contiguity, Element, Group, Pattern, Quantifier, Stage};

use super::place::{Frame, Members, Place, Turn, groups, in_loop, least, may_skip, most, turns};

/// A negation that a way leads over.
#[derive(Clone, Debug)]
pub(super) struct Negation<'a> {
    pub(super) name: &'a str,
    /// `=> !n`: the next event only.
    pub(super) strict: bool,
    /// The turns in which it stands.
    pub(super) turns: Vec<Turn>,
    /// Greedy loops that the way left before it.
    pub(super) behind: Vec<Left<'a>>,
}

impl Negation<'_> {
    /// Whether it is the same one in the same turn.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.name == other.name && self.turns == other.turns
    }
}

/// A stage that a way left or skipped.
#[derive(Clone, Debug)]
pub(super) struct Left<'a> {
    pub(super) stage: &'a Stage,
    /// Whether it had taken an event in this turn.
    pub(super) begun: bool,
    /// Whether the way skips something after it.
    pub(super) then_skipped: bool,
    pub(super) turns: Vec<Turn>,
}

/// What lies on a way.
#[derive(Clone, Debug, Default)]
pub(super) struct Path<'a> {
    pub(super) nots: Vec<Negation<'a>>,
    /// Negations that the way goes around: in groups skipped or left, in other alternatives.
    pub(super) around: Vec<&'a str>,
    /// Greedy loops left or skipped.
    pub(super) greedy: Vec<Left<'a>>,
    /// Stages whose leaving is judged on this way.
    pub(super) left: Vec<&'a str>,
    /// Bounds on the step into groups whose head it skips, and how many groups the way is in behind each.
    within: Vec<(usize, Limit)>,
}

/// Within which time of the run's last event the next is taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) bound: Bound,
    /// It is the gap of a loop that has its minimum: that one takes no more, and that is all.
    pub(super) enough: bool,
}

impl Path<'_> {
    /// The same into a group: what bounds the step holds for its first event, also where it skips its head.
    fn group_path(&self, manner: Manner<'_>, inside: &Place<'_>) -> Self {
        let mut path = self.clone();
        path.within.extend(manner.limit.map(|limit| (groups(inside).len(), limit)));
        path
    }

    /// Notes that something that may be empty is skipped here.
    fn skips(&mut self) {
        self.greedy.iter_mut().for_each(|g| g.then_skipped = true);
    }
}

/// How a way comes to its stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner<'a> {
    pub(super) contiguity: Contiguity,
    limit: Option<Limit>,
    /// The loop that a repetition repeats.
    repeats: Option<&'a Quantifier>,
}

impl Manner<'_> {
    fn plain(contiguity: Contiguity) -> Self {
        Self { contiguity, limit: None, repeats: None }
    }
}

/// A way that leads on: to a stage, or (`None`) to the end.
#[derive(Clone, Debug)]
pub(super) struct Way<'a> {
    pub(super) to: Option<&'a Stage>,
    pub(super) contiguity: Contiguity,
    /// Within which time it is gone.
    pub(super) limits: Vec<Limit>,
    /// Loops that it stays in: their UNTIL closes it.
    pub(super) stays: Vec<&'a Quantifier>,
    /// Groups that it begins: no event of their UNTIL begins them.
    pub(super) begins: Vec<&'a Quantifier>,
    pub(super) path: Path<'a>,
    /// Where the run stands when the stage has taken the event.
    pub(super) place: Place<'a>,
    /// Members of the same `&` that still lack events.
    pub(super) beside: Vec<&'a Stage>,
}

/// The ways from the beginning.
pub(super) fn beginnings(pattern: &Pattern) -> Vec<Way<'_>> {
    let mut ways = Ways { from: Vec::new(), events: 0, out: Vec::new() };
    let begin = Manner::plain(Contiguity::Any);
    ways.enter(&pattern.first, begin, vec![Frame::Rest(&pattern.then)], Path::default());
    ways.out
}

/// The ways from `place`, for a run with so many events.
pub(super) fn ways<'a>(place: &Place<'a>, events: usize) -> Vec<Way<'a>> {
    let mut ways = Ways { from: groups(place), events, out: Vec::new() };
    ways.on(place.clone(), Path::default());
    ways.out
}

fn repetition(q: &Quantifier, taken: u32) -> Manner<'_> {
    let limit = q.gap.map(|bound| Limit { bound, enough: taken >= q.min });
    Manner { contiguity: q.inner, limit, repeats: Some(q) }
}

struct Ways<'a> {
    /// The groups that the place is in.
    from: Vec<(&'a Group, u32)>,
    events: usize,
    out: Vec<Way<'a>>,
}

impl<'a> Ways<'a> {
    /// Notes a way that leads to `to`, where the run then stands at `place`.
    fn lead(&mut self, to: Option<&'a Stage>, manner: Manner<'a>, path: Path<'a>, place: Place<'a>) {
        let limits = manner.limit.into_iter().chain(path.within.iter().map(|(_, limit)| *limit)).collect();
        let (mut stays, mut begins) = (manner.repeats.into_iter().collect::<Vec<_>>(), Vec::new());
        let mut same = true;
        for (i, (group, turn)) in groups(&place).into_iter().enumerate() {
            let was = self.from.get(i).filter(|(g, _)| same && std::ptr::eq(*g, group));
            if was.is_some() { &mut stays } else { &mut begins }.extend(&group.quantifier);
            // A further turn begins what is inside anew.
            same = was.is_some_and(|(_, t)| *t == turn);
        }
        let contiguity = manner.contiguity;
        self.out.push(Way { to, contiguity, limits, stays, begins, path, place, beside: Vec::new() });
    }

    /// Goes on from the innermost frame.
    fn on(&mut self, mut place: Place<'a>, path: Path<'a>) {
        let Some(frame) = place.pop() else {
            let manner = Manner::plain(Contiguity::Any);
            self.lead(None, manner, path, place);
            return;
        };
        match frame {
            Frame::Rest([]) => self.on(place, path),
            Frame::Rest([step, rest @ ..]) => {
                place.push(Frame::Rest(rest));
                let limit = step.bound.map(|bound| Limit { bound, enough: false });
                let manner = Manner { limit, ..Manner::plain(step.arrow) };
                self.enter(&step.element, manner, place, path);
            }
            Frame::Stage { stage, taken } => self.on_from_stage(stage, taken, place, path),
            Frame::Turn { group, turn, began } => self.on_from_turn((group, turn, began), place, path),
            Frame::All(members) => self.on_from_all(&members, place, path),
        }
    }

    fn on_from_stage(&mut self, stage: &'a Stage, taken: u32, place: Place<'a>, path: Path<'a>) {
        let q = stage.quantifier.as_ref();
        if let Some(q) = q.filter(|_| taken < most(q)) {
            let mut after = place.clone();
            after.push(Frame::Stage { stage, taken: taken + 1 });
            let manner = repetition(q, taken);
            self.lead(Some(stage), manner, path.clone(), after);
        }
        if taken >= least(q) {
            self.on_past(stage, true, place, path);
        }
    }

    /// Goes on past a stage, left or skipped.
    fn on_past(&mut self, stage: &'a Stage, begun: bool, place: Place<'a>, mut path: Path<'a>) {
        pass_by(stage, begun, &place, &mut path);
        self.on(place, path);
    }

    fn on_from_turn(
        &mut self,
        (group, turn, began): (&'a Group, u32, usize),
        mut place: Place<'a>,
        mut path: Path<'a>,
    ) {
        let q = group.quantifier.as_ref();
        // An empty turn can only be followed by empty ones: it will do for all that lack.
        let empty = self.events == began;
        if let Some(q) = q.filter(|_| turn < most(q) && !empty) {
            let mut inside = place.clone();
            inside.push(Frame::Turn { group, turn: turn + 1, began: self.events });
            let manner = repetition(q, turn);
            let path = path.group_path(manner, &inside);
            inside.push(Frame::Rest(&group.pattern.then));
            self.enter(&group.pattern.first, manner, inside, path);
        }
        // One that is not lacking counts for nothing at all.
        let enough = if empty { turn <= least(q) } else { turn >= least(q) };
        if enough {
            if most(q) > 1 && !in_loop(&place) {
                stages_of(&group.pattern, &mut path.left);
            }
            nots_of(&group.pattern, &mut path.around);
            path.within.retain(|(depth, _)| *depth <= groups(&place).len());
            self.on(std::mem::take(&mut place), path);
        }
    }

    fn on_from_all(&mut self, members: &Members<'a>, place: Place<'a>, mut path: Path<'a>) {
        for (i, (member, n)) in members.each().enumerate() {
            let q = member.quantifier.as_ref();
            if n >= most(q) {
                continue;
            }
            let manner = match q.filter(|_| n > 0) {
                Some(q) => repetition(q, n),
                None => Manner::plain(Contiguity::Relaxed),
            };
            self.member(members, (i, manner), place.clone(), path.clone());
        }
        if members.lacking().is_empty() {
            members.each().for_each(|(member, n)| pass_by(member, n > 0, &place, &mut path));
            self.on(place, path);
        }
    }

    /// To the member number `i`.
    fn member(
        &mut self,
        members: &Members<'a>,
        (i, manner): (usize, Manner<'a>),
        mut place: Place<'a>,
        path: Path<'a>,
    ) {
        let mut after = members.clone();
        after.taken[i] += 1;
        place.push(Frame::All(after));
        self.lead(Some(&members.stages[i]), manner, path, place);
        self.out.iter_mut().last().into_iter().for_each(|way| way.beside = members.lacking());
    }

    /// Goes into an element.
    fn enter(&mut self, element: &'a Element, manner: Manner<'a>, mut place: Place<'a>, mut path: Path<'a>) {
        match element {
            Element::Stage(stage) => {
                let mut after = place.clone();
                after.push(Frame::Stage { stage, taken: 1 });
                self.lead(Some(stage), manner, path.clone(), after);
                if may_skip(stage.quantifier.as_ref()) {
                    path.skips();
                    self.on_past(stage, false, place, path);
                }
            }
            Element::Not(name) => {
                let (turns, behind) = (turns(&place), path.greedy.clone());
                let strict = manner.contiguity == Contiguity::Strict;
                path.nots.push(Negation { name: &name.name, strict, turns, behind });
                self.on(place, path);
            }
            Element::Group(group) => {
                let mut inside = place.clone();
                inside.push(Frame::Turn { group, turn: 1, began: self.events });
                let within = path.group_path(manner, &inside);
                inside.push(Frame::Rest(&group.pattern.then));
                self.enter(&group.pattern.first, manner, inside, within);
                if may_skip(group.quantifier.as_ref()) {
                    path.skips();
                    if !in_loop(&place) {
                        stages_of(&group.pattern, &mut path.left);
                    }
                    nots_of(&group.pattern, &mut path.around);
                    self.on(place, path);
                }
            }
            Element::AnyOf(branches) => {
                for (i, branch) in branches.iter().enumerate() {
                    let mut path = path.clone();
                    let others = branches.iter().enumerate().filter(|(j, _)| *j != i);
                    others.for_each(|(_, other)| nots_in(other, &mut path.around));
                    self.enter(branch, manner, place.clone(), path);
                }
            }
            Element::AllOf(members) => {
                let all = Members { stages: members, taken: vec![0; members.len()] };
                for i in 0..members.len() {
                    self.member(&all, (i, manner), place.clone(), path.clone());
                }
                if members.iter().all(|m| may_skip(m.quantifier.as_ref())) {
                    for member in members {
                        path.skips();
                        pass_by(member, false, &place, &mut path);
                    }
                    self.on(std::mem::take(&mut place), path);
                }
            }
        }
    }
}

/// Notes on the path that it leads past a stage.
fn pass_by<'a>(stage: &'a Stage, begun: bool, place: &Place<'a>, path: &mut Path<'a>) {
    if !in_loop(place) {
        path.left.push(&stage.name);
    }
    if stage.quantifier.as_ref().is_some_and(|q| q.greedy) {
        path.greedy.push(Left { stage, begun, then_skipped: false, turns: turns(place) });
    }
}

fn stages_of<'a>(pattern: &'a Pattern, out: &mut Vec<&'a str>) {
    out.extend(pattern.stages().into_iter().filter(|s| !s.forbidden).map(|s| &**s.name));
}

fn nots_in<'a>(element: &'a Element, out: &mut Vec<&'a str>) {
    match element {
        Element::Group(group) => nots_of(&group.pattern, out),
        Element::AnyOf(branches) => branches.iter().for_each(|branch| nots_in(branch, out)),
        Element::Not(name) => out.push(&name.name),
        Element::Stage(_) | Element::AllOf(_) => {}
    }
}

fn nots_of<'a>(pattern: &'a Pattern, out: &mut Vec<&'a str>) {
    out.extend(pattern.stages().into_iter().filter(|s| s.forbidden).map(|s| &**s.name));
}
