//! Runs: what each event and the passing of time do to them.

use ensue_rule::{
    Condition, Contiguity, Duration, Element, Moment, Pattern, Quantifier, Rule, Stage, Timestamp, WithinKind,
};

use super::Seen;
use super::after::Complete;
use super::eval::{Question, Taken};
use super::place::{Turn, turns};
use super::way::{Left, Limit, Negation, Way, beginnings, ways};

/// A partial match.
#[derive(Clone, Debug)]
pub(super) struct Run<'a> {
    pub(super) taken: Vec<Taken<'a>>,
    ways: Vec<Open<'a>>,
    /// Negations that hold until the stage after them takes an event.
    watched: Vec<Negation<'a>>,
    /// Negations that judge the event after the last one.
    strict: Vec<Negation<'a>>,
    /// Whether that event has come.
    judged: bool,
}

/// A way that may still be gone.
#[derive(Clone, Debug)]
struct Open<'a> {
    way: Way<'a>,
    /// From this time on it may not.
    ends: Timestamp,
}

impl Run<'_> {
    /// When time next takes one of its ways.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.ways.iter().map(|w| w.ends).min()
    }

    /// The index of its first event.
    pub(super) fn start(&self) -> usize {
        self.taken[0].event
    }

    fn last(&self) -> usize {
        self.taken[self.taken.len() - 1].event
    }
}

/// What an event leaves behind: the runs after it, and the matches that it completed.
#[derive(Debug, Default)]
pub(super) struct After<'a> {
    pub(super) runs: Vec<Run<'a>>,
    /// One for each way to the end.
    pub(super) found: Vec<Complete<'a>>,
}

/// What does not change while a stream is read.
pub(super) struct Known<'a> {
    rule: &'a Rule,
    events: &'a [Seen],
    beginnings: Vec<Way<'a>>,
    window: Duration,
    /// OF PREVIOUS: the last stage, and how long the step to it may take.
    previous: Option<(&'a str, Duration)>,
    of_session: bool,
}

impl<'a> Known<'a> {
    pub(super) fn new(rule: &'a Rule, events: &'a [Seen], default_window: Duration) -> Self {
        let last = rule.pattern.stages().last().map_or("", |s| &**s.name);
        let kind = |k| rule.within.filter(|w| w.kind == k);
        Self {
            rule,
            events,
            beginnings: beginnings(&rule.pattern),
            window: rule.window(default_window),
            previous: kind(WithinKind::Previous).map(|w| (last, w.duration)),
            of_session: kind(WithinKind::Session).is_some(),
        }
    }

    /// What event `k` does to all runs, and those that it starts.
    pub(super) fn process(&self, runs: Vec<Run<'a>>, k: usize) -> After<'a> {
        let mut after = After::default();
        for run in runs {
            if self.of_session && self.events[run.start()].session != self.events[k].session {
                after.runs.push(run);
            } else {
                self.step(run, k, &mut after);
            }
        }
        let nothing =
            Run { taken: Vec::new(), ways: Vec::new(), watched: Vec::new(), strict: Vec::new(), judged: false };
        for way in &self.beginnings {
            if way.to.is_some() && self.would_take(&nothing, way, k) && !self.is_held(&nothing.taken, way, k) {
                self.take(&nothing, way, k, &mut after);
            }
        }
        after
    }

    /// What event `k` does to one run.
    fn step(&self, mut run: Run<'a>, k: usize, after: &mut After<'a>) {
        let next = k == run.last() + 1;
        let stops = |n: &Negation<'a>| {
            self.accepts(&run.taken, n.name, &n.turns, k) && !n.behind.iter().any(|g| self.holds(&run.taken, g, k))
        };
        let stopped = next && run.strict.iter().any(stops);
        let broken = |n: &&Negation<'a>| self.accepts(&run.taken, n.name, &n.turns, k);
        let broken: Vec<Negation<'a>> = run.watched.iter().filter(broken).cloned().collect();
        let mut left = Vec::new();
        for open in std::mem::take(&mut run.ways) {
            let way = &open.way;
            let held = self.is_held(&run.taken, way, k);
            // A `!n` is the same one in every turn: what takes the event is the stage after it wherever its way passes one.
            let excused = broken.iter().all(|b| way.path.nots.iter().any(|n| n.name == b.name));
            if way.to.is_none() {
                if next && only_strict(way) && !stopped && !held && broken.is_empty() && self.may_leave(&run, way) {
                    after.found.push(Complete { taken: run.taken.clone(), at: self.events[k].ts });
                }
            } else if !held && !stopped && excused && self.in_time(&open, k) && self.would_take(&run, way, k) {
                self.take(&run, way, k, after);
            }
            if !held && self.lets_pass(&run, way, k) {
                left.push(open);
            }
        }
        if !stopped && broken.is_empty() && !left.is_empty() {
            run.judged = true;
            run.ways = left;
            after.runs.push(run);
        }
    }

    /// The run that takes event `k` by `way`, and the match that it completes.
    fn take(&self, run: &Run<'a>, way: &Way<'a>, k: usize, after: &mut After<'a>) {
        let Some(stage) = way.to else { return };
        let mut taken = run.taken.clone();
        taken.push(Taken { stage: &stage.name, event: k, turns: turns(&way.place) });
        let mut next = Run { taken, ways: Vec::new(), watched: Vec::new(), strict: Vec::new(), judged: false };
        let behind =
            |n: &&Negation<'a>| way.path.nots.iter().any(|p| p.name == n.name) || way.path.around.contains(&n.name);
        next.watched = run.watched.iter().filter(|n| !behind(n)).cloned().collect();
        let mut complete = 0;
        for way in ways(&way.place, next.taken.len()) {
            for n in &way.path.nots {
                if n.strict {
                    // Each way that leads to it judges: a greedy loop on one of them excuses nothing on another.
                    next.strict.push(n.clone());
                } else {
                    next.watched.retain(|m| !m.is(n));
                    next.watched.push(n.clone());
                }
            }
            if way.to.is_none() && way.path.nots.is_empty() {
                complete += usize::from(self.may_leave(&next, &way) && !self.is_greedy_at_end(&run.taken, &way, k));
            } else {
                let ends = self.ends(&next, &way);
                next.ways.push(Open { way, ends });
            }
        }
        let found = Complete { taken: next.taken.clone(), at: self.events[k].ts };
        after.found.extend(std::iter::repeat_n(found, complete));
        if !next.ways.is_empty() {
            after.runs.push(next);
        }
    }

    /// What a run is at a trigger, if it lacks nothing but that an absence is judged.
    pub(super) fn lacks_nothing(&self, run: &Run<'a>, at: Timestamp) -> Option<Complete<'a>> {
        let ends = run.ways.iter().any(|open| open.way.to.is_none() && self.may_leave(run, &open.way));
        ends.then(|| Complete { taken: run.taken.clone(), at })
    }

    /// Takes the ways whose time is up at `due`; whether the run goes on by others. Each way is waited on by itself: that
    /// one of them is closed by time is a timeout, also where the run goes on by another.
    pub(super) fn expire(
        &self,
        run: &mut Run<'a>,
        due: Timestamp,
        found: &mut Vec<Complete<'a>>,
        timeouts: &mut Vec<Complete<'a>>,
    ) -> bool {
        let (mut complete, mut timed_out) = (0, false);
        for open in std::mem::take(&mut run.ways) {
            if open.ends > due {
                run.ways.push(open);
            } else if open.way.to.is_none() {
                let judged = run.judged || !open.way.path.nots.iter().any(|n| n.strict);
                let here = judged && !only_strict(&open.way) && self.may_leave(run, &open.way);
                complete += usize::from(here);
                timed_out |= !here;
            } else {
                // That a loop that has its minimum takes no more after its gap is no timeout.
                let ends = |l: &&Limit| self.limit_ends(run, l) == open.ends;
                let lacks = open.way.limits.iter().filter(ends).any(|l| !l.enough);
                timed_out |= lacks || open.ends == self.window_ends(run, &open.way);
            }
        }
        let as_it_is = || Complete { taken: run.taken.clone(), at: due };
        found.extend(std::iter::repeat_n(as_it_is(), complete));
        if complete == 0 && timed_out {
            timeouts.push(as_it_is());
        }
        !run.ways.is_empty()
    }

    /// From when on `run` may not go `way`.
    fn ends(&self, run: &Run<'a>, way: &Way<'a>) -> Timestamp {
        let limits = way.limits.iter().map(|l| self.limit_ends(run, l));
        limits.fold(self.window_ends(run, way), std::cmp::Ord::min)
    }

    /// From when on a bound on its step forbids a way.
    fn limit_ends(&self, run: &Run<'a>, limit: &Limit) -> Timestamp {
        self.events[run.last()].ts.plus(limit.bound.violated_at())
    }

    /// From when on the window forbids `way`.
    fn window_ends(&self, run: &Run<'a>, way: &Way<'a>) -> Timestamp {
        let (start, last) = (self.events[run.start()].ts, self.events[run.last()].ts);
        let window = start.plus(self.window);
        match self.previous {
            Some((stage, d)) if way.to.is_none_or(|s| *s.name == *stage) => window.min(last.plus(d)),
            _ => window,
        }
    }

    fn in_time(&self, open: &Open<'a>, k: usize) -> bool {
        self.events[k].ts < open.ends
    }

    /// Whether `way` is still open after event `k`, which the run did not take by it.
    fn lets_pass(&self, run: &Run<'a>, way: &Way<'a>, k: usize) -> bool {
        let Some(stage) = way.to else { return !only_strict(way) };
        if way.stays.iter().any(|q| self.closes(&run.taken, q, k)) {
            return false;
        }
        let place = turns(&way.place);
        let wants = |m: &&Stage| self.accepts(&run.taken, &m.name, &place, k) && self.may_leave(run, way);
        if way.contiguity != Contiguity::Any && way.beside.iter().any(wants) {
            return false;
        }
        match way.contiguity {
            Contiguity::Strict => false,
            // Also what its UNTIL keeps a first event from: the stage wants it, and may not pass it over.
            Contiguity::Relaxed => !self.accepts(&run.taken, &stage.name, &place, k) || !self.may_leave(run, way),
            Contiguity::Any => true,
        }
    }

    /// Whether the stage at the end of `way` would take event `k`, judged with the run's own bindings.
    fn would_take(&self, run: &Run<'a>, way: &Way<'a>, k: usize) -> bool {
        let Some(stage) = way.to else { return false };
        if way.stays.iter().chain(&way.begins).any(|q| self.closes(&run.taken, q, k)) {
            return false;
        }
        self.stage_takes(&run.taken, stage, &turns(&way.place), k) && self.may_leave(run, way)
    }

    /// Whether `stage` takes event `k` where it stands: its conditions hold and its UNTIL does not.
    fn stage_takes(&self, taken: &[Taken<'a>], stage: &Stage, turns: &[Turn], k: usize) -> bool {
        let closes = stage.quantifier.as_ref().is_some_and(|q| self.closes(taken, q, k));
        !closes && self.accepts(taken, &stage.name, turns, k)
    }

    /// Whether the conditions of `stage` hold for event `k`.
    fn accepts(&self, taken: &[Taken<'a>], stage: &str, turns: &[Turn], k: usize) -> bool {
        let question = Question { events: self.events, taken, test: Some((stage, k)), turns };
        self.rule
            .conditions
            .iter()
            .filter(|c| c.moment == Moment::Take && self.is_asked_at(c, stage, taken, turns))
            .all(|c| !question.is_asked(&c.expr) || question.holds(&c.expr))
    }

    /// Whether a condition is asked when `stage` takes an event: its own, or, among members of one `&`, of those that
    /// it mentions the one that binds last in this turn.
    fn is_asked_at(&self, c: &Condition, stage: &str, taken: &[Taken<'a>], turns: &[Turn]) -> bool {
        let members = all_of_around(&self.rule.pattern, &c.stage);
        let mut mentioned: Vec<&str> = Vec::new();
        c.expr.walk(|e| mentioned.extend(e.stage().map(|s| &**s).filter(|s| members.iter().any(|m| m == s))));
        if mentioned.iter().all(|m| *m == &*c.stage) {
            return *c.stage == *stage;
        }
        let others = |m: &&str| *m == stage || taken.iter().any(|t| t.stage == *m && t.turns == turns);
        mentioned.contains(&stage) && mentioned.iter().all(others)
    }

    /// Whether what `way` leaves may be left.
    fn may_leave(&self, run: &Run<'a>, way: &Way<'a>) -> bool {
        let question = Question { events: self.events, taken: &run.taken, test: None, turns: &[] };
        let asked = |c: &&Condition| c.moment == Moment::Leave && way.path.left.contains(&&*c.stage);
        self.rule.conditions.iter().filter(asked).all(|c| question.holds(&c.expr))
    }

    /// Whether UNTIL holds for event `k`.
    fn closes(&self, taken: &[Taken<'a>], q: &Quantifier, k: usize) -> bool {
        let question = Question { events: self.events, taken, test: Some(("", k)), turns: &[] };
        q.until.as_ref().is_some_and(|until| question.holds(until))
    }

    /// Whether a greedy loop that `way` left or skipped holds event `k`.
    fn is_held(&self, taken: &[Taken<'a>], way: &Way<'a>, k: usize) -> bool {
        way.path.greedy.iter().any(|g| self.holds(taken, g, k))
    }

    /// Whether a greedy loop would take event `k`, full or skipped too, its UNTIL not having come.
    fn holds(&self, taken: &[Taken<'a>], g: &Left<'a>, k: usize) -> bool {
        let Some(q) = g.stage.quantifier.as_ref() else { return false };
        if let Some(last) = taken.last().map(|t| t.event) {
            let gap = q.gap.filter(|_| g.begun).map(|b| self.events[last].ts.plus(b.violated_at()));
            let closed = (last + 1..=k).any(|m| self.closes(taken, q, m));
            if closed || gap.is_some_and(|t| self.events[k].ts >= t) {
                return false;
            }
        }
        self.stage_takes(taken, g.stage, &g.turns, k)
    }

    /// Whether the event just taken may not be passed to skip what is behind a greedy loop.
    fn is_greedy_at_end(&self, before: &[Taken<'a>], end: &Way<'a>, k: usize) -> bool {
        end.path.greedy.iter().any(|g| g.then_skipped && self.stage_takes(before, g.stage, &g.turns, k))
    }
}

/// Whether the negations on a way to the end judge the next event only, so that it decides.
fn only_strict(way: &Way<'_>) -> bool {
    way.path.nots.iter().all(|n| n.strict)
}

/// The members of the `&` that `stage` is a member of.
fn all_of_around<'p>(pattern: &'p Pattern, stage: &str) -> Vec<&'p str> {
    pattern.elements().map(|e| all_of_in(e, stage)).find(|m| !m.is_empty()).unwrap_or_default()
}

fn all_of_in<'p>(element: &'p Element, stage: &str) -> Vec<&'p str> {
    match element {
        Element::AllOf(members) if members.iter().any(|m| *m.name == *stage) => {
            members.iter().map(|m| &*m.name).collect()
        }
        Element::Group(g) => all_of_around(&g.pattern, stage),
        Element::AnyOf(list) => list.iter().map(|e| all_of_in(e, stage)).find(|m| !m.is_empty()).unwrap_or_default(),
        Element::Stage(_) | Element::Not(_) | Element::AllOf(_) => Vec::new(),
    }
}
