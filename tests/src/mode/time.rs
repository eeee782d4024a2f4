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
    if out.is_empty() && answer.error.is_none() {
        out = against_itself(subject, seed);
    }
    out
}

/// In what the answer differs from that of a plain run, times included.
pub(super) fn against_itself(subject: &Subject, seed: u64) -> Vec<String> {
    let (stepped, plain) = (run(subject, seed), step::run(subject));
    if let Some(error) = stepped.error.clone().filter(|_| plain.error.is_none()) {
        return vec![error];
    }
    if stepped.by_time() == plain.by_time() {
        return Vec::new();
    }
    vec![format!("in small steps of time {:?}, in one {:?}", stepped.by_time(), plain.by_time())]
}

fn run(subject: &Subject, seed: u64) -> Answer {
    let mut random = Random::new(seed);
    let mut observed = Observation::default();
    let mut walk = Walk { subject, runs: Runs::new(None), sink: Sink::of(&subject.rule), now: Timestamp::MIN };
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
            self.advance_at_once(at);
        }
        while random.chance(70)
            && let Some(due) = self.runs.next_wakeup(program).filter(|due| *due <= t)
        {
            self.runs.advance_to(program, due, &mut self.sink.found);
        }
        self.advance_at_once(t);
        self.sink.drain(step);
        self.now = t;
    }

    /// Moves time in one step. A host that moves it at wakeups only must not miss anything.
    fn advance_at_once(&mut self, t: Timestamp) {
        let wakeup = self.runs.next_wakeup(&self.subject.program);
        let before = self.sink.found.len();
        self.runs.advance_to(&self.subject.program, t, &mut self.sink.found);
        if self.sink.found.len() > before && wakeup.is_none_or(|due| due > t) {
            let out = self.sink.found.len() - before;
            let why = format!("{out} came out at {} unannounced: next_wakeup said {wakeup:?}", t.0);
            self.sink.answer.error.get_or_insert(why);
        }
    }
}
