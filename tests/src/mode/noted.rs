//! Event by event through the matcher, of which those that can let nothing out are noted and caught up on: at the latest when
//! there are too many, and now and then before.

use std::sync::Arc;

use ensue_matcher::{Armed, Arrival, Hit, Late, Observation, Position, Program, ProgramId, ProgramSet, Runs};
use ensue_rule::{Event, Filter, Timestamp};

use super::{Sink, Subject, noting, whole};
use crate::answer::Answer;
use crate::random::Random;

/// A case in a set that notes for every program.
struct Host {
    set: ProgramSet,
    id: ProgramId,
    program: Arc<Program>,
    runs: Runs,
    armed: Armed,
    recalled: Observation,
    sink: Sink,
}

/// Whether any event of a case is noted.
pub(super) fn takes(subject: &Subject) -> bool {
    let (mut set, armed, mut seen) = (ProgramSet::new(noting()), Armed::default(), Observation::default());
    let is_noted = |set: &ProgramSet, (event, arrival): &(Event, Arrival), seen: &mut Observation| {
        set.read(event, seen);
        set.look_up_noting(*arrival, &armed, seen);
        seen.is_noted()
    };
    set.add(&subject.rule, &Filter::default()).is_ok() && subject.events.iter().any(|e| is_noted(&set, e, &mut seen))
}

pub(super) fn run(subject: &Subject, seed: u64) -> Answer {
    let (mut random, mut observed) = (Random::new(seed), Observation::default());
    let mut set = ProgramSet::new(noting());
    let added = set.add(&subject.rule, &Filter::default()).map(|id| (id, set.program(id).cloned()));
    let (id, program) = match added {
        Ok((id, Some(program))) => (id, program),
        other => return Answer { error: Some(format!("{other:?}")), ..Answer::default() },
    };
    let (runs, armed, sink) = (Runs::new(None), Armed::default(), Sink::of(&subject.rule));
    let mut host = Host { set, id, program, runs, armed, recalled: Observation::default(), sink };
    for (k, (event, arrival)) in subject.events.iter().enumerate() {
        host.advance(arrival.position.ts);
        host.sink.drain(whole(k) - 1);
        host.set.read(event, &mut observed);
        host.set.look_up_noting(*arrival, &host.armed, &mut observed);
        host.armed.note(&host.set, &observed);
        if let Some(hit) = observed.hits().first().copied() {
            host.step(&observed, hit);
        }
        if host.armed.is_full(&host.set) || random.chance(10) {
            host.settle();
        }
        host.sink.drain(whole(k));
    }
    if let Some(t) = subject.advance_to {
        host.settle();
        host.advance(t);
        host.sink.drain(subject.last_step());
    }
    host.sink.answer
}

impl Host {
    fn step(&mut self, seen: &Observation, hit: Hit) {
        self.catch_up(Some(seen.arrival().position));
        if !self.runs.is_idle() || self.program.may_begin(hit) {
            self.runs.step(&self.program, seen, hit, &mut self.sink.found);
        }
        self.arm();
    }

    fn settle(&mut self) {
        self.catch_up(None);
        self.armed.drop_notes();
        self.arm();
    }

    fn catch_up(&mut self, before: Option<Position>) {
        let (program, runs) = (&*self.program, &mut self.runs);
        let late = Late { program, runs, before, recalled: &mut self.recalled };
        self.armed.catch_up(self.id, late, |_| true);
    }

    /// Whether something is alive decides which events it hears of.
    fn arm(&mut self) {
        self.armed.remove(self.id);
        if !self.runs.is_idle() {
            self.armed.add(self.id);
        }
    }

    /// Time moves runs that have missed something only where it lets nothing out of them: then it need not.
    fn advance(&mut self, t: Timestamp) {
        if self.program.has_timers() {
            self.runs.advance_to(&self.program, t, &mut self.sink.found);
            self.arm();
        }
    }
}
