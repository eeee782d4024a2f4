//! The engine as hosts see it. Every call is short: the work is on the worker thread.

use std::sync::Arc;

use ensue_rule::{EventRef, TaskSet, Timestamp};

use crate::config::Config;
use crate::error::Error;
use crate::listener::Listener;
use crate::outcome::Decision;
use crate::report::{ApplyReport, OpenReport, Recorded};
use crate::stats::Stats;

/// Runs tasks over events. Shared between threads by reference; dropping it closes it.
#[derive(Debug)]
pub struct Engine {}

impl Engine {
    /// Starts the worker, which opens the store; returns at once, and calls made before it is open are kept.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn open(_config: Config) -> Result<Self, Error> {
        Ok(Self {})
    }

    /// Waits until the store is open, and says how that went.
    ///
    /// # Errors
    /// Where it cannot be opened: see the questions of [`Error`].
    pub fn ready(&self) -> Result<OpenReport, Error> {
        Ok(OpenReport::default())
    }

    /// Puts task sets in place of the previous ones of their sources, all in one transaction, and waits for it.
    ///
    /// # Errors
    /// Where the engine is closed or the store fails; nothing is applied then. A refused set or task is no error.
    pub fn apply(&self, _sets: Vec<TaskSet>) -> Result<ApplyReport, Error> {
        Ok(ApplyReport::default())
    }

    /// Takes an event. Never blocks on I/O, never fails loudly, allocates nothing for an event that no task wants.
    pub fn record(&self, _event: &EventRef<'_>) -> Recorded {
        Recorded::Unwanted
    }

    /// [`Engine::record`] of an event read from line `line` of the input; waits where the queue is full.
    pub(crate) fn record_line(&self, _event: &EventRef<'_>, _line: u64) -> Recorded {
        Recorded::Unwanted
    }

    /// Waits until all that was recorded before is committed (and, in replay, listeners were told).
    ///
    /// # Errors
    /// Where the engine is closed or the store fails.
    pub fn flush(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Moves the time of all users to `t` (never back) and waits until what that completes is committed.
    ///
    /// # Errors
    /// As [`Engine::flush`].
    pub fn advance_to(&self, _t: Timestamp) -> Result<(), Error> {
        Ok(())
    }

    /// To which time `advance_to` next lets something out, as far as the worker has come; `None`: never as things are.
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        None
    }

    /// The oldest decisions that are not acknowledged, at most `limit`.
    pub fn decisions(&self, _limit: usize) -> Vec<Decision> {
        Vec::new()
    }

    /// Acknowledges decisions: they are not delivered again. Returns how many were not yet acknowledged.
    ///
    /// # Errors
    /// As [`Engine::flush`].
    pub fn ack(&self, _ids: &[&str]) -> Result<usize, Error> {
        Ok(0)
    }

    /// Who is told from now on; in live mode it is told first of the decisions that are not acknowledged.
    pub fn set_listener(&self, _listener: Option<Arc<dyn Listener>>) {}

    /// Whose the later events without a user are; `None`: the anonymous user's.
    pub fn identify(&self, _user: Option<&str>) {}

    /// The counters.
    pub fn stats(&self) -> Stats {
        Stats::default()
    }

    /// Commits what was recorded and ends the worker; every later call finds the engine closed. May be called twice.
    pub fn shutdown(&self) {}

    /// [`Engine::shutdown`], by value.
    pub fn close(self) {
        self.shutdown();
    }
}
