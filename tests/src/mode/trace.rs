//! Run by run, beside the shipping runs: the followed runs and the shipping ones must agree about which moments bring a
//! match, and a run that is said to lack something must not have been one.

use ensue_matcher::{Ending, Trace, Tracer};
use ensue_rule::{AfterMatch, Filter, Timestamp};

use super::{Sink, Subject, limits, whole};
use crate::answer::{HalfStep, differences};
use crate::case::Case;

/// Runs the case: its answer as it should be, and in what the followed runs disagree with it.
pub(super) fn check(case: &Case, subject: &Subject) -> Vec<String> {
    let mut tracer = match Tracer::new(&subject.rule, &Filter::default(), &limits()) {
        Ok(tracer) => tracer,
        Err(error) => return vec![format!("refused: {error}")],
    };
    let mut walk = Walk { trace: Trace::new(Timestamp::MIN, None), sink: Sink::of(&subject.rule), out: Vec::new() };
    for (k, (event, arrival)) in subject.events.iter().enumerate() {
        walk.trace.advance_to(&tracer, arrival.position.ts, &mut walk.sink.found);
        walk.agree(subject, &tracer, whole(k) - 1);
        tracer.look(event, *arrival);
        walk.trace.step(&tracer, &mut walk.sink.found);
        walk.agree(subject, &tracer, whole(k));
    }
    if let Some(t) = subject.advance_to {
        walk.trace.advance_to(&tracer, t, &mut walk.sink.found);
        walk.agree(subject, &tracer, subject.last_step());
    }
    walk.out.extend(differences(case, &walk.sink.answer));
    walk.out
}

struct Walk {
    trace: Trace,
    sink: Sink,
    out: Vec<String>,
}

impl Walk {
    /// Whether the two agree about this half step.
    fn agree(&mut self, subject: &Subject, tracer: &Tracer, step: HalfStep) {
        let before = self.sink.answer.matches.len();
        self.sink.drain(step);
        let matched = self.sink.answer.matches.len() > before;
        let followed = self.trace.take_completed() > 0;
        // Under SKIP what is complete may wait for an earlier run, and may be discarded.
        let at_once = matches!(subject.rule.after_match, AfterMatch::Consume | AfterMatch::NoSkip { .. });
        let furthest = self.trace.furthest(tracer);
        let (agree, waits) = (matched == followed || !at_once, furthest.ending == Ending::Complete);
        if !agree && !self.trace.is_capped() {
            self.out.push(format!("half step {step}: matched {matched}, but of the followed runs {followed}"));
        }
        if at_once && waits {
            self.out.push(format!("half step {step}: of what did not match the furthest is {furthest:?}"));
        }
        if furthest.stage.is_none() != furthest.bindings.is_empty() {
            self.out.push(format!("half step {step}: {furthest:?}"));
        }
    }
}
