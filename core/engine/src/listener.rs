//! Who is told what the engine decides.

use crate::feedback::Feedback;
use crate::outcome::{Decision, Outcome};
use crate::report::StoreReport;

/// What somebody is told of what was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Audience {
    /// Nobody listens.
    #[default]
    Nobody,
    /// Decisions alone.
    Decisions,
    /// All that happened.
    All,
}

/// Is told after each commit. Called on one thread at a time, never under a lock, and never on the thread that records;
/// a panic in it is caught and counted for nothing.
pub trait Listener: Send + Sync {
    /// New decisions, and on being set those that were not yet acknowledged. At least once for each: a decision is
    /// delivered again after a restart until it is acknowledged.
    fn on_decisions(&self, decisions: &[Decision]);

    /// All that happened, in the documented order: for tools. Each once. Where [`Listener::wants_outcomes`].
    fn on_outcomes(&self, outcomes: &[Outcome]) {
        let _ = outcomes;
    }

    /// Whether [`Listener::on_outcomes`] is to be called; asked when it is set. To put all that happened together takes its time
    /// before a decision is told: who listens to decisions alone says no.
    fn wants_outcomes(&self) -> bool {
        true
    }

    /// Feedback that was to no decision that is known: a mistake of the host, or of a user who is forgotten.
    fn on_unknown_feedback(&self, feedback: &[Feedback]) {
        let _ = feedback;
    }

    /// The store began to fail, works again, or was begun afresh.
    fn on_store(&self, report: &StoreReport) {
        let _ = report;
    }
}
