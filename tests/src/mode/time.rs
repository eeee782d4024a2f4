//! Event by event, with time moved in random steps between: in how many steps it moves changes nothing.

use ensue_matcher::{Observation, Runs};
use ensue_rule::Timestamp;

use super::{Sink, Subject, step, whole};
use crate::answer::{Answer, HalfStep, differences};
use crate::case::Case;
use crate::random::Random;

/// Runs the case and compares it with what it expects, and with its own plain run, times included.
pub(super) fn check(case: &Case, subject: &Subject, seed: u64) -> Vec<String> {
    let answer = run(subject, seed);
    let mut out = differences(case, &answer);
    let plain = step::run(subject);
    if out.is_empty() && answer.error.is_none() && answer.by_time() != plain.by_time() {
        out.push(format!("in small steps of time {:?}, in one {:?}", answer.by_time(), plain.by_time()));
    }
    out
}

fn run(subject: &Subject, seed: u64) -> Answer {
    let mut random = Random::new(seed);
    let mut observed = Observation::default();
    let mut walk = Walk { subject, runs: Runs::new(None), sink: Sink::default(), now: Timestamp::MIN };
    for k in 0..subject.events.len() {
        walk.advance(subject.ts(k), whole(k) - 1, &mut random);
        if let Some(hit) = subject.observe(k, &mut observed) {
            walk.runs.step(&subject.program, &observed, hit, &mut walk.sink.found);
            walk.sink.drain(whole(k));
        }
    }
    if let Some(t) = subject.advance_to {
        walk.advance(t, subject.last_step(), &mut random);
    }
    walk.sink.answer
}

struct Walk<'a> {
    subject: &'a Subject,
    runs: Runs,
    sink: Sink,
    now: Timestamp,
}

impl Walk<'_> {
    /// Moves time to `t` by some stations, among them wakeups of the runs' own choice.
    fn advance(&mut self, t: Timestamp, step: HalfStep, random: &mut Random) {
        let program = &*self.subject.program;
        let mut stations: Vec<Timestamp> = Vec::new();
        if self.now > Timestamp::MIN {
            let count = random.below(4);
            stations.extend((0..count).map(|_| Timestamp(random.range(self.now.0, t.0))));
        }
        stations.sort_unstable();
        for at in stations {
            self.runs.advance_to(program, at, &mut self.sink.found);
        }
        while random.chance(70)
            && let Some(due) = self.runs.next_wakeup(program).filter(|due| *due <= t)
        {
            self.runs.advance_to(program, due, &mut self.sink.found);
        }
        self.runs.advance_to(program, t, &mut self.sink.found);
        self.sink.drain(step);
        self.now = t;
    }
}
