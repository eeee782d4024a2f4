//! Event by event, with the runs thrown away after each and rebuilt from what a host with keyed state keeps: the
//! events that a match may still need, the time, and the skip bound.

use ensue_matcher::{Observation, Runs};
use ensue_rule::Timestamp;

use super::{Sink, Subject, limits, whole};
use crate::answer::Answer;
use crate::random::Random;

pub(super) fn run(subject: &Subject, seed: u64) -> Answer {
    let (mut random, mut sink, mut observed) = (Random::new(seed), Sink::of(&subject.rule), Observation::default());
    let mut runs = Runs::new(None);
    let program = &*subject.program;
    for k in 0..subject.events.len() {
        runs.advance_to(program, subject.ts(k), &mut sink.found);
        sink.drain(whole(k) - 1);
        if random.chance(50) {
            runs = rebuild(subject, &runs, k, subject.ts(k));
        }
        if let Some(hit) = subject.observe(k, &mut observed) {
            runs.step(program, &observed, hit, &mut sink.found);
            sink.drain(whole(k));
        }
        runs = rebuild(subject, &runs, k + 1, subject.ts(k));
    }
    if let Some(t) = subject.advance_to {
        runs.advance_to(program, t, &mut sink.found);
        sink.drain(subject.last_step());
    }
    sink.answer
}

/// The runs as they stand at `now` after the first `count` events, from the retained ones among these.
fn rebuild(subject: &Subject, old: &Runs, count: usize, now: Timestamp) -> Runs {
    let horizon = now.minus(subject.rule.window(limits().default_window));
    let (mut runs, mut observed, mut silenced) = (Runs::new(old.skip_bound()), Observation::default(), Vec::new());
    for k in (0..count).filter(|k| subject.ts(*k) > horizon) {
        if let Some(hit) = subject.observe(k, &mut observed) {
            runs.step(&subject.program, &observed, hit, &mut silenced);
        }
    }
    runs.advance_to(&subject.program, now, &mut silenced);
    runs
}
