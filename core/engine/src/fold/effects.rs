//! What a fold leaves behind to be written and told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ensue_matcher::Position;
use ensue_rule::{Timestamp, Value};

use super::CallRecord;
use super::feedback::Told;
use super::hold::HeldChange;
use crate::counts::{Counts, CountsOf};
use crate::log::StreamKey;
use crate::outcome::Outcome;
use crate::store::{Made, Refused};
use crate::tasks::Active;

/// Decisions, refusals, held touches and feedback, each kept while they cannot be written.
const UNSAVED: usize = 10_000;

/// What there is to write and to tell since it was last taken.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// All that happened, in order; only where somebody wants to be told.
    pub(crate) outcomes: Vec<Outcome>,
    /// Decisions, in the order in which they were made.
    pub(crate) decisions: Vec<Made>,
    /// Touches that wait, or wait no more, in the order in which it happened.
    pub(crate) held: Vec<HeldChange>,
    /// What became of decisions.
    pub(crate) feedback: Vec<Told>,
    /// Refusals.
    pub(crate) refusals: Vec<Refused>,
    /// Calls of scripts that were noted, and those that were answered.
    pub(crate) calls: Vec<CallRecord>,
    /// What counters of tasks grew by.
    pub(crate) counts: BTreeMap<CountsOf, Counts>,
    /// Skip bounds that moved, of tasks that are shown every event.
    pub(crate) bounds: BTreeMap<BoundKey, Position>,
    /// The same of tasks that look back: folding the log again does not give them.
    pub(crate) consumed: BTreeMap<BoundKey, Position>,
    /// Streams whose history was given up to a place.
    pub(crate) cuts: BTreeSet<StreamKey>,
    /// Streams whose time moved.
    pub(crate) moved: BTreeSet<StreamKey>,
    /// To where time was moved.
    pub(crate) wakeup: Option<Timestamp>,
    /// How often what happened.
    pub(crate) tally: Tally,
}

/// What a skip bound is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BoundKey {
    /// The task's source.
    pub(crate) source: Arc<str>,
    /// The task.
    pub(crate) task: Arc<str>,
    /// The stream.
    pub(crate) stream: StreamKey,
    /// The partition.
    pub(crate) key: Vec<Value>,
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) late: u64,
    pub(crate) capped: u64,
    pub(crate) null_key: u64,
    pub(crate) matches: u64,
    pub(crate) timeouts: u64,
    pub(crate) decisions: u64,
    pub(crate) refusals: u64,
    pub(crate) errors: u64,
}

impl Effects {
    /// Whether there is nothing to write.
    pub(crate) fn is_saved(&self) -> bool {
        self.decisions.is_empty()
            && self.refusals.is_empty()
            && self.calls.is_empty()
            && self.counts.is_empty()
            && self.held.is_empty()
            && self.feedback.is_empty()
            && self.bounds.is_empty()
            && self.consumed.is_empty()
            && self.cuts.is_empty()
            && self.moved.is_empty()
            && self.wakeup.is_none()
    }

    /// The counters of a task, to be counted in.
    pub(crate) fn counts_of(&mut self, task: &Active) -> &mut Counts {
        self.counts.entry(CountsOf::task(task)).or_default()
    }

    /// Lets what cannot be written not grow for ever: the oldest refusals, then the oldest decisions go.
    pub(crate) fn bound(&mut self) {
        let over = |n: usize| n.saturating_sub(UNSAVED);
        self.refusals.drain(..over(self.refusals.len()));
        self.decisions.drain(..over(self.decisions.len()));
        self.calls.drain(..over(self.calls.len()));
        self.held.drain(..over(self.held.len()));
        self.feedback.drain(..over(self.feedback.len()));
    }

    /// Forgets what there is of a stream.
    pub(crate) fn erase(&mut self, stream: &StreamKey) {
        self.decisions.retain(|made| made.entry.stream != *stream);
        self.held.retain(|change| change.stream() != stream);
        self.feedback.retain(|told| told.stream != *stream);
        self.refusals.retain(|refused| refused.stream != *stream);
        self.calls.retain(|call| call.stream != *stream);
        self.counts.clear();
        self.bounds.retain(|key, _| key.stream != *stream);
        self.consumed.retain(|key, _| key.stream != *stream);
        self.cuts.remove(stream);
        self.moved.remove(stream);
    }

    /// Forgets what has been written.
    pub(crate) fn saved(&mut self) {
        self.decisions.clear();
        self.held.clear();
        self.feedback.clear();
        self.refusals.clear();
        self.calls.clear();
        self.counts.clear();
        self.bounds.clear();
        self.consumed.clear();
        self.cuts.clear();
        self.moved.clear();
        self.wakeup = None;
    }
}
