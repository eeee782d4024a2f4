//! Feedback: what became of a decision. It moves nobody's time and makes no decision; controls count it from now on.

use std::sync::Arc;

use ensue_rule::Timestamp;

use super::Fold;
use crate::dispatch::LedgerEntry;
use crate::feedback::FeedbackKind;
use crate::log::StreamKey;

/// Feedback, for the store.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) stream: StreamKey,
    pub(crate) decision: Arc<str>,
    pub(crate) kind: FeedbackKind,
    pub(crate) at: Timestamp,
}

impl Fold {
    /// Takes feedback to a decision that is remembered here; whether it is new. `None`: it is not remembered.
    ///
    /// Without a time of its own it counts from the user's time on, and never before the decision: a clock that went back
    /// in between changes nothing else.
    pub(crate) fn feedback(&mut self, decision: &Arc<str>, kind: FeedbackKind, at: Option<Timestamp>) -> Option<bool> {
        let (streams, lateness, wakeup) = (&self.streams, self.lateness, self.wakeup);
        let now = |key: &StreamKey| streams.get(key).map_or(wakeup, |s| s.time(lateness, wakeup));
        let (stream, new) = self.daybook.ledger().answer(decision, kind, at, now)?;
        if let Some(at) = new {
            if let Some((source, task)) = self.daybook.ledger().task_of(decision)
                && let Some(task) = self.book.find(source, task)
            {
                self.effects.counts_of(task).answer(kind.as_str());
            }
            self.effects.feedback.push(Told { stream, decision: decision.clone(), kind, at });
        }
        Some(new.is_some())
    }

    /// A decision of which the store says that no control looked so far back. Once there is feedback to it, one may.
    pub(crate) fn recall(&mut self, entry: LedgerEntry) {
        self.daybook.note(entry);
    }
}
