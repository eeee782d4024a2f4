//! Feedback comes in: to a decision that is remembered in memory, to one that only the store has, or to none.

use super::Worker;
use crate::error::Error;
use crate::feedback::Feedback;
use crate::store::Decided;

impl Worker {
    /// Takes feedback; what is to no decision is counted and told by its name.
    pub(super) fn feedback(&mut self, feedback: Feedback) {
        self.begin();
        let taken = self.take_feedback(&feedback);
        let counters = &self.shared.counters;
        match taken {
            Ok(Some(true)) => counters.feedback.add(1),
            Ok(Some(false)) => counters.feedback_again.add(1),
            Ok(None) => {
                counters.feedback_unknown.add(1);
                counters.rejected.add(1);
                self.strangers.push(feedback);
            }
            Err(error) => self.note_failure(Err(error)),
        }
    }

    /// Whether it is new; `None`: there is no such decision.
    fn take_feedback(&mut self, feedback: &Feedback) -> Result<Option<bool>, Error> {
        let Feedback { decision, kind, ts, .. } = feedback;
        if !self.fold.knows_past() {
            let Self { fold, store, .. } = self;
            let past = store.ledger(Decided::All, &fold.counting())?;
            fold.restore_ledger(past);
        }
        if let Some(new) = self.fold.feedback(decision, *kind, *ts) {
            return Ok(Some(new));
        }
        let Some(entry) = self.store.past_decision(decision)? else { return Ok(None) };
        self.bring_back(&entry.stream)?;
        self.fold.recall(entry);
        Ok(self.fold.feedback(decision, *kind, *ts))
    }
}
