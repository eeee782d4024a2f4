//! What hosts ask: why and why not, the counters of tasks, and what may leave the device.
//!
//! Each is a question to the worker, which answers from the store; nothing is kept for it here.

use super::Engine;
use crate::answer::{Question, Why, WhyNot};
use crate::error::Error;
use crate::uplink::{Batch, Consent, Cursor};
use crate::worker::{Command, Query};

impl Engine {
    /// Why there is a decision, or a refusal, of this id: the events bound, the values, the version of the rule, the controls
    /// asked. As long as the store has it, also after a restart.
    ///
    /// # Errors
    /// Where the id is not known ([`Error::is_unknown`]), the engine is closed, or the store fails.
    pub fn why(&self, id: &str) -> Result<Why, Error> {
        self.ask(|reply| Command::Query(Query::Why(id.to_owned(), reply)))
    }

    /// Why tasks decided nothing, or what they did decide: an answer for each task that is asked about, in document order.
    /// Folds the retained log once more, aside; a day of events takes some milliseconds of the worker.
    ///
    /// # Errors
    /// Where no task in force has the id ([`Error::is_unknown`]), the engine is closed, or the store fails.
    pub fn why_not(&self, question: Question) -> Result<Vec<WhyNot>, Error> {
        self.ask(|reply| Command::Query(Query::WhyNot(question, reply)))
    }

    /// What the host has consent to send and has not fetched yet: decisions, feedback, counters, at most about `max_bytes`
    /// (and at least one item, if there is one). `since` is the cursor of the last batch that has arrived; as long as it is
    /// not given back, a batch comes again.
    ///
    /// # Errors
    /// Where the cursor is none ([`Error::is_bad_cursor`]), the engine is closed, or the store fails.
    pub fn drain(&self, since: Option<&str>, max_bytes: usize) -> Result<Batch, Error> {
        let since = since.map_or(Ok(Cursor::default()), str::parse)?;
        self.ask(|reply| Command::Query(Query::Drain(since, max_bytes, reply)))
    }

    /// What may leave the device.
    ///
    /// # Errors
    /// Where the engine is closed, or the store fails.
    pub fn consent(&self) -> Result<Consent, Error> {
        self.ask(|reply| Command::Query(Query::Consent(None, reply)))
    }

    /// Says what may leave the device from now on; remembered until it is said anew, here or at opening. What was decided or
    /// told before a consent does not leave by it, and counters begin anew with it.
    ///
    /// # Errors
    /// Where the engine is closed, or the store fails: then it stays as it is.
    pub fn set_consent(&self, consent: Consent) -> Result<(), Error> {
        self.ask(|reply| Command::Query(Query::Consent(Some(consent), reply))).map(|_| ())
    }

    /// The counters of all tasks and versions since they were last reset, as one JSON object: matches, refusals by reason,
    /// decisions, feedback; and, of the retained events since then, how many each stage took. `docs/why.md` has its keys.
    ///
    /// # Errors
    /// Where the engine is closed, or the store fails.
    pub fn stats_report(&self) -> Result<String, Error> {
        self.ask(|reply| Command::Query(Query::StatsReport(reply)))
    }

    /// Begins the counters of all tasks anew.
    ///
    /// # Errors
    /// Where the engine is closed, or the store fails: then they stay as they are.
    pub fn reset_stats(&self) -> Result<(), Error> {
        self.ask(|reply| Command::Query(Query::ResetStats(reply)))
    }
}
