//! Where an outcome came from, for whoever asks why; and the counters of its task.

use std::sync::Arc;

use ensue_matcher::Cause;
use ensue_rule::Timestamp;

use super::Fold;
use super::decide::Found;
use crate::dispatch::checks;
use crate::outcome::Reason;
use crate::store::{BoundEvents, Trail};

impl Fold {
    /// Notes and counts what became of a case: a decision, or a refusal with its reason.
    pub(super) fn leave_trail(&mut self, f: &Found, id: &Arc<str>, at: Timestamp, refused: Option<(Reason, &str)>) {
        let counts = self.effects.counts_of(&f.task);
        match refused {
            None => counts.decisions += 1,
            Some((reason, _)) => counts.refuse(reason.as_str()),
        }
        let bound = f.matched().map(|(m, _)| BoundEvents {
            by: match m.by {
                Cause::Event => "event".into(),
                Cause::Time => "time".into(),
            },
            partition: f.partition().map(<[_]>::to_vec),
            events: m.bindings.clone(),
        });
        self.effects.trails.push(Trail {
            id: id.clone(),
            source: f.task.source.clone(),
            task: f.task.task.id.clone(),
            stream: f.stream.clone(),
            at,
            reason: refused.map(|(reason, _)| reason.as_str()),
            bound,
            checks: checks(&f.task.task, refused),
        });
    }
}
