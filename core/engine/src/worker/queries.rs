//! Questions to the worker that change nothing of what is decided: answers, counters of tasks, what may leave the device.

use super::Worker;
use super::commands::Reply;
use crate::answer::{Question, Why, WhyNot};
use crate::uplink::{Batch, Consent, Cursor};

/// What is asked.
#[derive(Debug)]
pub(crate) enum Query {
    /// Why there is a decision or a refusal.
    Why(String, Reply<Why>),
    /// Why there is none.
    WhyNot(Question, Reply<Vec<WhyNot>>),
    /// For a batch to send.
    Drain(Cursor, usize, Reply<Batch>),
    /// What may leave; or to change it.
    Consent(Option<Consent>, Reply<Consent>),
    /// For the counters of tasks, as JSON.
    StatsReport(Reply<String>),
    /// To begin the counters of tasks anew.
    ResetStats(Reply<()>),
}

impl Worker {
    /// Answers a question. Nobody may be waiting any more.
    pub(super) fn answer(&mut self, query: Query) {
        match query {
            Query::Why(id, reply) => {
                reply.send(self.why(&id));
            }
            Query::WhyNot(question, reply) => {
                reply.send(self.why_not(&question));
            }
            Query::Drain(since, max_bytes, reply) => {
                reply.send(self.drain(since, max_bytes));
            }
            Query::Consent(wanted, reply) => {
                let set = wanted.map_or(Ok(()), |wanted| self.set_consent(wanted));
                reply.send(set.and_then(|()| self.store.consent()));
            }
            Query::StatsReport(reply) => {
                reply.send(self.stats_report());
            }
            Query::ResetStats(reply) => {
                reply.send(self.reset_stats());
            }
        }
    }
}
