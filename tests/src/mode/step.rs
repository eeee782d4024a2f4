//! Event by event through the matcher.

use ensue_matcher::{Observation, Runs};

use super::{Sink, Subject, whole};
use crate::answer::Answer;

pub(super) fn run(subject: &Subject) -> Answer {
    let (mut sink, mut observed) = (Sink::of(&subject.rule), Observation::default());
    let mut runs = Runs::new(None);
    let program = &*subject.program;
    for k in 0..subject.events.len() {
        runs.advance_to(program, subject.ts(k), &mut sink.found);
        sink.drain(whole(k) - 1);
        if let Some(hit) = subject.observe(k, &mut observed) {
            runs.step(program, &observed, hit, &mut sink.found);
            sink.drain(whole(k));
        }
    }
    if let Some(t) = subject.advance_to {
        runs.advance_to(program, t, &mut sink.found);
        sink.drain(subject.last_step());
    }
    sink.answer
}
