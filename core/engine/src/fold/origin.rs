//! Where an outcome came from, for whoever asks why; and the counters of its task.

use std::sync::Arc;

use ensue_matcher::Cause;

use super::Fold;
use super::decide::Found;
use crate::dispatch::checks;
use crate::outcome::{Reason, Refusal};
use crate::store::{BoundEvents, Origin, Refused};

impl Fold {
    /// Counts a decision that a case has led to.
    pub(super) fn count_decision(&mut self, f: &Found) {
        self.effects.tally.decisions += 1;
        self.effects.counts_of(&f.task).decisions += 1;
    }

    /// Counts a refusal that a case has led to, keeps it with where it came from, and tells it.
    pub(super) fn refuse(&mut self, f: &Found, refusal: Refusal) {
        self.effects.counts_of(&f.task).refuse(refusal.reason.as_str());
        let origin = self.origin(f, Some((refusal.reason, &refusal.detail)));
        let (stream, source) = (f.stream.clone(), f.task.source.clone());
        self.keep_refusal(Refused { stream, source, refusal, origin });
    }

    /// What the case of an outcome bound, and which controls were asked.
    pub(super) fn origin(&self, f: &Found, refused: Option<(Reason, &str)>) -> Origin {
        Origin { bound: f.bound(), checks: checks(&f.task.task, self.book.documents(), refused) }
    }
}

impl Found {
    /// What its match bound; of a run that died nothing.
    pub(super) fn bound(&self) -> Option<Arc<BoundEvents>> {
        let Some((m, _)) = self.matched() else { return self.held_bound() };
        let by = match m.by {
            Cause::Event => "event",
            Cause::Time => "time",
        };
        let partition = self.partition().map(<[_]>::to_vec);
        Some(Arc::new(BoundEvents { by: by.into(), partition, events: m.bindings.clone() }))
    }
}
