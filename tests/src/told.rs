//! A listener that keeps what it is told until it is taken.

use std::sync::{Mutex, PoisonError};

use ensue_engine::{Decision, Listener, Outcome};

/// What an engine has told.
#[derive(Debug, Default)]
pub struct Told(Mutex<Vec<Outcome>>);

impl Told {
    /// What was told since the last call.
    pub fn take(&self) -> Vec<Outcome> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Listener for Told {
    fn on_decisions(&self, _: &[Decision]) {}

    fn on_outcomes(&self, outcomes: &[Outcome]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(outcomes);
    }
}
