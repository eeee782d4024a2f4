//! The host's listener as the engine's.

use std::sync::Arc;

use ensue_engine as core;

use crate::error::EnsueError;
use crate::feedback::Feedback;
use crate::outcome::{Decision, Outcome};
use crate::report::StoreReport;

/// Is told after each commit; on one thread at a time, never on the thread that records nor under a lock. What it throws
/// is caught and goes no further.
#[uniffi::export(foreign)]
pub trait Listener: Send + Sync {
    /// New decisions, and on being set those that were not yet acknowledged. At least once for each.
    fn on_decisions(&self, decisions: Vec<Decision>) -> Result<(), EnsueError>;

    /// All that happened, in the documented order, where it was asked for. Each once.
    fn on_outcomes(&self, outcomes: Vec<Outcome>) -> Result<(), EnsueError>;

    /// The store began to fail, works again, or was begun afresh.
    fn on_store(&self, report: StoreReport) -> Result<(), EnsueError>;

    /// Feedback that was to no decision that is known: a mistake of the app, or of a user who is forgotten.
    fn on_unknown_feedback(&self, feedback: Vec<Feedback>) -> Result<(), EnsueError>;
}

/// Converts for the host.
pub(crate) struct Told {
    pub(crate) host: Arc<dyn Listener>,
    /// Whether it asked for all outcomes.
    pub(crate) outcomes: bool,
}

impl core::Listener for Told {
    fn on_decisions(&self, decisions: &[core::Decision]) {
        // What the host throws is its own affair: decisions stay in the outbox until they are acknowledged.
        let _ = self.host.on_decisions(decisions.iter().map(Decision::from).collect());
    }

    fn on_outcomes(&self, outcomes: &[core::Outcome]) {
        let _ = self.host.on_outcomes(outcomes.iter().map(Outcome::from).collect());
    }

    fn wants_outcomes(&self) -> bool {
        self.outcomes
    }

    fn on_store(&self, report: &core::StoreReport) {
        let _ = self.host.on_store(report.into());
    }

    fn on_unknown_feedback(&self, feedback: &[core::Feedback]) {
        let _ = self.host.on_unknown_feedback(feedback.iter().map(Feedback::from).collect());
    }
}
