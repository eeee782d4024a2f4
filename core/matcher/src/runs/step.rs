//! One event: what moves where.

use ensue_rule::Timestamp;
use smallvec::SmallVec;

use super::Runs;
use super::body::Body;
use super::class::{Aside, Class, Key};
use super::classes::ClassId;
use super::fate::Seen;
use super::moves::{Leaving, Move, Moves};
use super::paths::Completed;
use crate::buffer::{Binding, Tick};
use crate::observation::{Hit, Observation};
use crate::output::{Cause, Found};
use crate::program::{PositionId, Program, Target};
use crate::registers::Registers;
use crate::set::SlotId;

/// Partial matches that take the event of a tick at a position.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) tick: Tick,
    pub(super) to: PositionId,
    /// Whether some begin with it.
    pub(super) begins: bool,
    /// Whether the pattern is complete with it.
    pub(super) complete: bool,
    /// What they bound before.
    pub(super) body: Body,
}

/// What is complete, class by class.
pub(super) type Bodies = SmallVec<[Body; 1]>;

impl Runs {
    /// Takes one event of the key's stream: first time moves to it, then it is matched. Events come in the order of
    /// their positions.
    pub fn step(&mut self, program: &Program, event: &Observation, hit: Hit, out: &mut Vec<Found>) {
        let position = event.arrival.position;
        self.pass_time(program, position.ts, out);
        if program.places {
            self.aside_mut().position = position;
        }
        if let Some(plans) = &program.plans {
            self.follow((program, plans), (event, hit.bits), out);
            self.tidy();
            if self.buffer.weight() > program.limits.nodes {
                self.limit(program);
            }
        } else {
            self.ask(Seen { program, observation: event, bits: hit.bits }, out);
            self.tidy();
            self.limit(program);
        }
    }

    /// Asks every class what the event means for it.
    #[inline(never)]
    fn ask(&mut self, seen: Seen<'_>, out: &mut Vec<Found>) {
        let mut complete = Bodies::new();
        self.move_classes(seen, &mut complete);
        if !complete.is_empty() {
            let at = seen.observation.arrival.position.ts;
            self.complete(seen.program, &complete, Completed { at, by: Cause::Event }, out);
        } else if !self.finished().is_empty() {
            self.let_out(seen.program, false, out);
        }
    }

    fn move_classes(&mut self, seen: Seen<'_>, complete: &mut Bodies) {
        let mut moves = Moves::default();
        self.meet(seen, &mut moves, complete);
        self.begin(seen, &mut moves);
        if moves.list.is_empty() {
            return;
        }
        let tick = self.bind(seen.program, seen.observation);
        for m in moves.list {
            self.arrive(seen, tick, m, complete);
        }
    }

    /// Keeps the event, which some run took.
    #[inline]
    pub(super) fn bind(&mut self, program: &Program, event: &Observation) -> Tick {
        let tick = self.buffer.bind(event.arrival.position);
        if tick == self.floor.next() {
            self.ends = event.arrival.position.ts.plus(program.window);
        }
        if !program.kept.is_empty() {
            self.keep(program, event);
        }
        tick
    }

    /// Keeps what RETURN reads of the event last bound.
    #[inline(never)]
    fn keep(&mut self, program: &Program, event: &Observation) {
        let value = |s: &SlotId| event.content.slots.get(s.index()).filter(|v| !v.is_null());
        // Often it is not the event that RETURN asks.
        if program.kept.iter().any(|s| value(s).is_some()) {
            self.buffer.keep(program.kept.iter().map(|s| value(s).cloned().unwrap_or_default()).collect());
        }
    }

    /// Lets every class meet the event.
    fn meet(&mut self, seen: Seen<'_>, moves: &mut Moves, complete: &mut Bodies) {
        let program = seen.program;
        let session = program.session.then_some(seen.observation.arrival.session);
        let mut onward = SmallVec::<[Class; 1]>::new();
        let (mut ended, mut dropped, over) = (0, 0, self.over());
        for id in self.classes.concerned(seen) {
            let Some(class) = self.classes.get_mut(id).filter(|c| !c.body.is_empty()) else { continue };
            if !class.cut(program, over) {
                class.body.clear();
                ended += 1;
                continue;
            }
            let aside = class.key.aside();
            if aside.session != session {
                continue;
            }
            let id = class.key.wait;
            let wait = &program.waits[id];
            let fate = seen.fate(id, &class.key.registers, aside.last);
            if let (true, Target::Take(to)) = (fate.takes, wait.target) {
                let leaving = Leaving { wait, to, registers: &class.key.registers, aside };
                match moves.into(seen, leaving) {
                    Some(into) => into.body.merge(&class.body, &mut self.buffer),
                    None => dropped += 1,
                }
            } else if fate.completes {
                complete.push(class.body.clone());
            }
            if fate.stays == Some(id) {
                continue;
            }
            let body = class.body.take();
            ended += 1;
            if let Some(on) = fate.stays {
                onward.push(Class { key: Key { wait: on, ..class.key.clone() }, body });
            }
        }
        if ended > 0 {
            self.classes.drop_empty(ended, program);
        }
        if dropped > 0 {
            self.count_dropped(dropped);
        }
        for class in onward {
            self.insert(program, class);
        }
    }

    /// Lets the event begin runs.
    fn begin(&mut self, seen: Seen<'_>, moves: &mut Moves) {
        let (program, arrival) = (seen.program, seen.observation.arrival);
        if program.start_bits.is_some_and(|b| b & seen.bits == 0) || !self.may_begin(arrival.position) {
            return;
        }
        let tick = self.buffer.next_tick();
        let aside = Aside { session: program.session.then_some(arrival.session), ..Aside::default() };
        for id in &program.starts {
            let wait = &program.waits[*id];
            let Target::Take(to) = wait.target else { continue };
            if seen.fate(*id, Registers::EMPTY, None).takes {
                let leaving = Leaving { wait, to, registers: Registers::EMPTY, aside };
                let Some(into) = moves.into(seen, leaving) else { continue };
                into.begins = true;
                into.body.begin(tick, program);
                self.newest = tick;
            }
        }
    }

    /// Lets runs that took the event wait for what comes next.
    fn arrive(&mut self, seen: Seen<'_>, tick: Tick, m: Move, complete: &mut Bodies) {
        let program = seen.program;
        let ts = seen.observation.arrival.position.ts;
        let mut places = SmallVec::<[ClassId; 4]>::new();
        for id in &program.positions[m.to].waits {
            let key = m.key(&program.waits[*id], *id, ts);
            places.push(self.classes.place(key, program));
        }
        let arrival = Arrival { tick, to: m.to, begins: m.begins, complete: m.complete, body: m.body };
        self.settle(program, seen.observation, arrival, (&places, complete));
    }

    /// Lets partial matches take the event and wait in these classes.
    fn settle(
        &mut self,
        program: &Program,
        event: &Observation,
        mut arrival: Arrival,
        (places, complete): (&[ClassId], &mut Bodies),
    ) {
        let stage = program.positions[arrival.to].stage;
        // Where all wait beside the same others already, one node says what they and these bound; but what is complete
        // is these alone.
        let (same, alt) = self.classes.common_root(places, self.floor);
        let (joins, alt) = (same && !arrival.complete, alt.filter(|_| !arrival.complete));
        match &mut arrival.body {
            Body::Paths(p) => {
                let (prev, begins) = (p.root, arrival.begins);
                p.root =
                    Some(self.buffer.take(Binding { event: arrival.tick, stage, begins, prev, alt, again: false }));
            }
            Body::Sums(sums) => {
                if let Some(trends) = &program.trends {
                    sums.take(trends, stage, &event.content.slots);
                }
            }
        }
        let mut due = Timestamp::MAX;
        for place in places {
            let Some(class) = self.classes.get_mut(*place) else { continue };
            if joins {
                class.body.extend(&arrival.body);
            } else {
                class.body.merge(&arrival.body, &mut self.buffer);
            }
            if program.timers {
                due = due.min(class.due(program, self.floor, &self.buffer).unwrap_or(Timestamp::MAX));
            }
        }
        self.wake_at(due);
        if arrival.complete {
            complete.push(arrival.body);
        }
    }

    /// Adds partial matches to the class of that key.
    fn insert(&mut self, program: &Program, class: Class) {
        let place = self.classes.place(class.key, program);
        let Some(found) = self.classes.get_mut(place) else { return };
        found.body.merge(&class.body, &mut self.buffer);
        let due = found.due(program, self.floor, &self.buffer);
        self.wake_at(due.unwrap_or(Timestamp::MAX));
    }

    /// Drops what is over where that may be half of all classes, and the oldest starts above the limits.
    #[inline(never)]
    fn limit(&mut self, program: &Program) {
        if program.plans.is_none() && self.classes.is_crowded() {
            self.drop_over(program);
        }
        while self.classes.len() > program.limits.classes || self.overweight(program) {
            let Some(oldest) = self.oldest(program) else { return };
            self.count_dropped(1);
            self.raise(oldest);
            self.drop_over(program);
            self.tidy();
        }
    }

    /// Whether the buffer is over its limit with nothing left to forget.
    fn overweight(&mut self, program: &Program) -> bool {
        let limit = program.limits.nodes;
        if self.buffer.weight() > limit {
            self.buffer.forget(self.kept_from());
        }
        self.buffer.weight() > limit
    }

    /// Drops the classes that are over.
    pub(super) fn drop_over(&mut self, program: &Program) {
        let over = self.over();
        self.cells.cut(over.floor);
        if let Some(tally) = &mut self.tally {
            tally.cut(over.floor);
        }
        self.classes.retain(|c| c.cut(program, over), program);
    }
}
