//! Where an outcome came from, for whoever asks why; and the counters of its task.

use std::sync::Arc;

use ensue_matcher::Cause;
use ensue_rule::Timestamp;

use super::Fold;
use super::decide::Found;
use crate::answer::Check;
use crate::dispatch::checks;
use crate::outcome::Reason;
use crate::store::{BoundEvents, Trail, WAITING};

impl Fold {
    /// Notes and counts what became of a case: a decision, or a refusal with its reason.
    pub(super) fn leave_trail(&mut self, f: &Found, id: &Arc<str>, at: Timestamp, refused: Option<(Reason, &str)>) {
        let counts = self.effects.counts_of(&f.task);
        match refused {
            None => counts.decisions += 1,
            Some((reason, _)) => counts.refuse(reason.as_str()),
        }
        let checks = checks(&f.task.task, self.book.documents(), refused);
        self.put_trail(f, (id, at), refused.map(|(reason, _)| reason.as_str()), checks);
    }

    /// Notes that a touch waits: what its match bound is known no more when it comes due.
    pub(super) fn leave_waiting(&mut self, f: &Found, id: &Arc<str>, at: Timestamp) {
        self.put_trail(f, (id, at), Some(WAITING), Vec::new());
    }

    fn put_trail(
        &mut self,
        f: &Found,
        (id, at): (&Arc<str>, Timestamp),
        reason: Option<&'static str>,
        checks: Vec<Check>,
    ) {
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
            reason,
            bound,
            checks,
        });
    }
}
