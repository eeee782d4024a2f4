//! One event: what moves where.

use ensue_rule::Timestamp;
use smallvec::SmallVec;

use super::Runs;
use super::body::Body;
use super::class::{Aside, Class, Key};
use super::classes::ClassId;
use super::fate::Seen;
use super::paths::Completed;
use crate::buffer::{Binding, Tick};
use crate::observation::{Hit, Observation};
use crate::output::{Cause, Found};
use crate::program::{PositionId, Program, Target, Wait, WaitId};
use crate::registers::{Registers, Taken};

/// Runs that take the event at a position.
#[derive(Debug)]
struct Move {
    to: PositionId,
    /// As they are after the event.
    registers: Registers,
    aside: Aside,
    complete: bool,
    /// Whether runs begin with the event.
    begins: bool,
    body: Body,
}

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

/// Those that one event makes; seldom more than two.
type Moves = SmallVec<[Move; 2]>;

/// What is complete, class by class.
pub(super) type Bodies = SmallVec<[Body; 1]>;

/// Partial matches that leave a wait, because its target takes the event.
#[derive(Clone, Copy, Debug)]
struct Leaving<'a> {
    wait: &'a Wait,
    to: PositionId,
    registers: &'a Registers,
    aside: Aside,
}

impl Runs {
    /// Takes one event of the key's stream: first time moves to it, then it is matched. Events come in the order of
    /// their positions.
    pub fn step(&mut self, program: &Program, event: &Observation, hit: Hit, out: &mut Vec<Found>) {
        let position = event.arrival.position;
        self.pass_time(program, position.ts, out);
        self.position = position;
        let mut complete = Bodies::new();
        match program.plan(hit.bits) {
            Some(plan) => self.follow(program, plan, event, &mut complete),
            None => self.ask(Seen { program, observation: event, bits: hit.bits }, &mut complete),
        }
        if !complete.is_empty() {
            self.complete(program, &complete, Completed { at: position.ts, by: Cause::Event }, out);
        } else if !self.finished.is_empty() {
            self.let_out(program, false, out);
        }
        self.tidy();
        self.limit(program);
    }

    /// Asks every class what the event means for it.
    fn ask(&mut self, seen: Seen<'_>, complete: &mut Bodies) {
        let mut moves = Moves::new();
        self.meet(seen, &mut moves, complete);
        self.begin(seen, &mut moves);
        if moves.is_empty() {
            return;
        }
        let tick = self.buffer.next_tick();
        self.bind(seen.program, seen.observation);
        for m in moves {
            self.arrive(seen, tick, m, complete);
        }
    }

    /// Keeps the event, which some run took.
    pub(super) fn bind(&mut self, program: &Program, event: &Observation) {
        let kept = if program.kept.is_empty() {
            Box::default()
        } else {
            program.kept.iter().map(|s| event.slots.get(s.index()).cloned().unwrap_or_default()).collect()
        };
        self.buffer.bind(event.arrival.position, kept);
    }

    /// Lets every class meet the event.
    fn meet(&mut self, seen: Seen<'_>, moves: &mut Moves, complete: &mut Bodies) {
        let program = seen.program;
        let session = program.session.then_some(seen.observation.arrival.session);
        let mut onward = SmallVec::<[Class; 1]>::new();
        let (mut ended, over) = (false, self.over());
        for class in self.classes.concerned(seen) {
            if !class.cut(program, over, &self.buffer) {
                class.body.take();
                ended = true;
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
                let into = destination(seen, leaving, (moves, program));
                into.body.merge(&class.body, &mut self.buffer);
            } else if fate.completes {
                complete.push(class.body.clone());
            }
            if fate.stays == Some(id) {
                continue;
            }
            let body = class.body.take();
            ended = true;
            if let Some(on) = fate.stays {
                onward.push(Class { key: Key { wait: on, ..class.key.clone() }, body });
            }
        }
        if ended {
            self.classes.drop_empty();
        }
        for class in onward {
            self.insert(program, class);
        }
    }

    /// Lets the event begin runs.
    fn begin(&mut self, seen: Seen<'_>, moves: &mut Moves) {
        let (program, arrival) = (seen.program, seen.observation.arrival);
        if program.start_bits.is_some_and(|b| b & seen.bits == 0)
            || self.bound.is_some_and(|bound| arrival.position <= bound)
        {
            return;
        }
        let tick = self.buffer.next_tick();
        let aside = Aside { session: program.session.then_some(arrival.session), ..Aside::default() };
        for id in &program.starts {
            let wait = &program.waits[*id];
            let Target::Take(to) = wait.target else { continue };
            if seen.fate(*id, Registers::EMPTY, None).takes {
                let leaving = Leaving { wait, to, registers: Registers::EMPTY, aside };
                let into = destination(seen, leaving, (moves, program));
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
    pub(super) fn settle(
        &mut self,
        program: &Program,
        event: &Observation,
        mut arrival: Arrival,
        (places, complete): (&[ClassId], &mut Bodies),
    ) {
        let stage = program.positions[arrival.to].stage;
        // Where all wait beside the same others already, one node says what they and these bound.
        let common = if arrival.complete { None } else { self.classes.in_common(places) };
        let (joins, alt) = (common.is_some(), common.and_then(|p| p.root));
        match &mut arrival.body {
            Body::Paths(p) => {
                let (prev, begins) = (p.root, arrival.begins);
                p.root = Some(self.buffer.take(Binding { event: arrival.tick, stage, begins, prev, alt }));
            }
            Body::Sums(sums) => {
                if let Some(trends) = &program.trends {
                    sums.take(trends, stage, &event.slots);
                }
            }
        }
        for place in places {
            let Some(class) = self.classes.get_mut(*place) else { continue };
            if joins {
                class.body.extend(&arrival.body);
            } else {
                class.body.merge(&arrival.body, &mut self.buffer);
            }
            if program.timers {
                self.due = self.due.min(class.due(program, self.floor, &self.buffer).unwrap_or(Timestamp::MAX));
            }
        }
        if arrival.complete {
            complete.push(arrival.body);
        } else if let Body::Sums(sums) = arrival.body {
            self.spare = Some(sums);
        }
    }

    /// Adds partial matches to the class of that key.
    fn insert(&mut self, program: &Program, class: Class) {
        let place = self.classes.place(class.key, program);
        let Some(found) = self.classes.get_mut(place) else { return };
        found.body.merge(&class.body, &mut self.buffer);
        self.due = self.due.min(found.due(program, self.floor, &self.buffer).unwrap_or(Timestamp::MAX));
    }

    /// Drops the oldest starts above the limits.
    fn limit(&mut self, program: &Program) {
        while self.classes.len() > program.limits.classes || self.buffer.len() > program.limits.nodes {
            let Some(oldest) = self.oldest(program) else { return };
            self.dropped += 1;
            self.floor = oldest;
            let (over, buffer) = (self.over(), &self.buffer);
            self.classes.retain(|c| c.cut(program, over, buffer));
            self.tidy();
        }
    }
}

impl Move {
    /// What tells those apart that now wait there.
    fn key(&self, wait: &Wait, id: WaitId, ts: Timestamp) -> Key {
        let aside = Aside { last: wait.timed.then_some(ts), ..self.aside };
        Key { wait: id, registers: self.registers.keep(wait.live), aside: aside.boxed() }
    }
}

/// Where runs go that take the event: together with those that arrive at the same place with the same registers.
fn destination<'m>(seen: Seen<'_>, leaving: Leaving<'_>, (moves, program): (&'m mut Moves, &Program)) -> &'m mut Move {
    let Leaving { wait, to, registers, aside } = leaving;
    let (definitions, position) = (&program.registers, &program.positions[to]);
    let taken = Taken { stage: position.stage, slots: &seen.observation.slots };
    let after = registers.restart(definitions, &wait.turns).take(definitions, taken, position.live);
    let reached = program.tells_reached().then_some(position.stage).max(aside.reached);
    let aside = Aside { last: None, session: aside.session, reached };
    let complete = !position.complete.is_empty() && seen.completes(&position.complete, registers, &after);
    let same = |m: &Move| m.to == to && m.complete == complete && m.aside == aside && m.registers == after;
    let at = moves.iter().position(same).unwrap_or_else(|| {
        let body = Body::none(program);
        moves.push(Move { to, registers: after, aside, complete, begins: false, body });
        moves.len() - 1
    });
    // INVARIANT (found or pushed): the place was just found or made.
    #[allow(clippy::indexing_slicing, reason = "INVARIANT (found or pushed)")]
    &mut moves[at]
}
