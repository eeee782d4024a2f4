//! One event: what moves where.

use ensue_rule::Timestamp;
use smallvec::SmallVec;

use super::Runs;
use super::body::{Body, What};
use super::class::{Aside, Class, Key};
use super::classes::ClassId;
use super::fate::Seen;
use super::paths::Completed;
use crate::buffer::{Binding, SharedBuffer, Tick};
use crate::observation::{Hit, Observation};
use crate::output::{Cause, Found};
use crate::program::{Program, PositionId, Target, Wait, WaitId};
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

/// Those that one event makes; seldom more than two.
type Moves = SmallVec<[Move; 2]>;

/// What is complete, class by class.
pub(super) type Bodies = SmallVec<[Body; 1]>;

/// Partial matches that leave a wait, because its target takes the event.
#[derive(Debug)]
struct Leaving<'a> {
    wait: &'a Wait,
    to: PositionId,
    registers: &'a Registers,
    aside: Aside,
    begins: bool,
}

impl Runs {
    /// Takes one event of the key's stream: first time moves to it, then it is matched. Events come in the order of
    /// their positions.
    pub fn step(&mut self, program: &Program, event: &Observation, hit: Hit, out: &mut Vec<Found>) {
        let position = event.arrival.position;
        self.advance_to(program, position.ts, out);
        self.position = position;
        let seen = Seen { program, observation: event, bits: hit.bits };
        let (mut moves, mut complete) = (Moves::new(), Bodies::new());
        self.meet(seen, &mut moves, &mut complete);
        self.begin(seen, &mut moves);
        if !moves.is_empty() {
            let tick = self.buffer.next_tick();
            let kept = program.kept.iter().map(|s| event.slots.get(s.index()).cloned().unwrap_or_default());
            self.buffer.bind(position, kept.collect());
            for m in moves {
                self.arrive(seen, tick, m, &mut complete);
            }
        }
        if !complete.is_empty() {
            self.complete(program, &complete, Completed { at: position.ts, by: Cause::Event }, out);
        } else if !self.finished.is_empty() {
            self.let_out(program, false, out);
        }
        self.tidy();
        self.limit(program);
    }

    /// Lets every class meet the event.
    fn meet(&mut self, seen: Seen<'_>, moves: &mut Moves, complete: &mut Bodies) {
        let program = seen.program;
        let session = program.session.then_some(seen.observation.arrival.session);
        let mut onward = SmallVec::<[Class; 2]>::new();
        let (buffer, floor, now) = (&mut self.buffer, self.floor, self.now);
        self.classes.meet(seen, |class| {
            if !class.cut(program, floor, now) {
                return false;
            }
            let aside = class.key.aside();
            if aside.session != session {
                return true;
            }
            let id = class.key.wait;
            let wait = &program.waits[id];
            let fate = seen.fate(id, &class.key.registers, aside.last);
            if let (true, Target::Take(to)) = (fate.takes, wait.target) {
                let leaving = Leaving { wait, to, registers: &class.key.registers, aside, begins: false };
                depart(seen, leaving, &class.body, (moves, buffer));
            } else if fate.completes {
                complete.push(class.body.clone());
            }
            match fate.stays {
                Some(on) if on == id => return true,
                Some(on) => onward.push(Class { key: Key { wait: on, ..class.key.clone() }, body: class.body.clone() }),
                None => {}
            }
            false
        });
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
                let leaving = Leaving { wait, to, registers: Registers::EMPTY, aside, begins: true };
                let body = Body::begin(tick, program.trends.as_ref());
                depart(seen, leaving, &body, (moves, &mut self.buffer));
                self.newest = tick;
            }
        }
    }

    /// Binds the event for runs that took it, and lets them wait for what comes next.
    fn arrive(&mut self, seen: Seen<'_>, tick: Tick, mut m: Move, complete: &mut Bodies) {
        let (program, position) = (seen.program, &seen.program.positions[m.to]);
        let ts = seen.observation.arrival.position.ts;
        let mut places = SmallVec::<[ClassId; 4]>::new();
        for id in &position.waits {
            let key = m.key(&program.waits[*id], *id, ts);
            places.push(self.classes.place(key, self.floor, program));
        }
        // Where all wait beside the same others already, one node says what they and these bound.
        let shared = if m.complete { None } else { self.classes.shared_root(&places) };
        match &mut m.body.what {
            What::Paths(root) => {
                let (prev, begins, alt) = (*root, m.begins, shared.flatten());
                *root = Some(self.buffer.take(Binding { event: tick, stage: position.stage, begins, prev, alt }));
            }
            What::Sums(sums) => {
                if let Some(trends) = program.trends.as_ref().filter(|t| !t.sums.is_empty()) {
                    let slots = &seen.observation.slots;
                    sums.as_mut_slice().iter_mut().for_each(|sum| *sum = trends.take(sum, position.stage, slots));
                }
            }
        }
        for place in places {
            let Some(class) = self.classes.get_mut(place) else { continue };
            if shared.is_some() {
                class.body.extend(&m.body);
            } else {
                class.body.merge(&m.body, &mut self.buffer);
            }
            self.due = self.due.min(class.due(program, &self.buffer, self.floor).unwrap_or(Timestamp::MAX));
        }
        if m.complete {
            complete.push(m.body);
        }
    }

    /// Adds partial matches to the class of that key.
    fn insert(&mut self, program: &Program, class: Class) {
        let place = self.classes.place(class.key, self.floor, program);
        let Some(found) = self.classes.get_mut(place) else { return };
        found.body.merge(&class.body, &mut self.buffer);
        self.due = self.due.min(found.due(program, &self.buffer, self.floor).unwrap_or(Timestamp::MAX));
    }

    /// Drops the oldest starts above the limits.
    fn limit(&mut self, program: &Program) {
        while self.classes.len() > program.limits.classes || self.buffer.len() > program.limits.nodes {
            let Some(oldest) = self.classes.iter().filter_map(|c| c.oldest(program, self.floor, self.now)).min() else { return };
            self.dropped += 1;
            self.floor = oldest;
            let (floor, now) = (self.floor, self.now);
            self.classes.retain(|c| c.cut(program, floor, now));
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

/// Notes that runs take the event, together with those that arrive at the same place with the same registers.
fn depart(seen: Seen<'_>, leaving: Leaving<'_>, body: &Body, (moves, buffer): (&mut Moves, &mut SharedBuffer)) {
    let Leaving { wait, to, registers, aside, begins } = leaving;
    let (definitions, position) = (&seen.program.registers, &seen.program.positions[to]);
    let taken = Taken { stage: position.stage, slots: &seen.observation.slots };
    let after = registers.restart(definitions, &wait.turns).take(definitions, taken, position.live);
    let reached = seen.program.tells_reached().then_some(position.stage).max(aside.reached);
    let aside = Aside { last: None, session: aside.session, reached };
    let complete = !position.complete.is_empty() && seen.completes(&position.complete, registers, &after);
    let same = |m: &&mut Move| m.to == to && m.complete == complete && m.aside == aside && m.registers == after;
    match moves.iter_mut().find(same) {
        Some(m) => {
            m.begins |= begins;
            m.body.merge(body, buffer);
        }
        None => moves.push(Move { to, registers: after, aside, complete, begins, body: body.clone() }),
    }
}
