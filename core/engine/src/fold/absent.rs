//! Users who are put away while nothing of theirs is under way, and come again.
//!
//! What is put away is in the store to the last: how far they had come, what caps count, what their last matches consumed, and
//! the events of their live runs. So who comes again finds all as it was; live runs are built again as after a restart, by
//! folding their user's log in silence (docs/adr/0012).

use ensue_rule::Timestamp;

use super::Fold;
use crate::dispatch::LedgerEntry;
use crate::error::Error;
use crate::log::{Entry, StreamKey};
use crate::store::{Bound, UserState};

/// A stream that is put away with live runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    /// How many there are.
    pub(super) live: u64,
    /// Its largest time: they began less than a window before it.
    frontier: Timestamp,
}

impl Fold {
    /// How many streams are in memory.
    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether a stream is in memory.
    pub(crate) fn has(&self, key: &StreamKey) -> bool {
        self.streams.contains_key(key)
    }

    /// Whether nothing of a stream is under way: what there is of it is in the store.
    pub(crate) fn is_idle(&self, key: &StreamKey) -> bool {
        self.streams.get(key).is_none_or(|s| s.is_idle())
    }

    /// Whether the log would bring a stream back as it is. Not where it took part in more than its own log: a task of all
    /// users may derive events of this one at any time, and what was lost of everyone's events is not in it. Nor where it
    /// has come no further than `ageing`.
    pub(crate) fn may_rest(&self, key: &StreamKey, ageing: Timestamp) -> bool {
        let own = !self.book.has_device() && self.gap == Timestamp::MIN;
        own && self.streams.get(key).is_some_and(|s| s.frontier > ageing && s.may_rest())
    }

    /// Whether a stream is put away with live runs.
    pub(crate) fn rests(&self, key: &StreamKey) -> bool {
        self.resting.contains_key(key)
    }

    /// The streams that are put away with live runs, of those that have not come further than `upto`.
    pub(crate) fn resting(&self, upto: Timestamp) -> Vec<StreamKey> {
        let mut keys: Vec<StreamKey> =
            self.resting.iter().filter(|(_, rest)| rest.frontier <= upto).map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys
    }

    /// Builds the live runs of a stream that was put away with some, from its log, which `read` shows entry by entry.
    pub(crate) fn wake(
        &mut self,
        (key, state): (&StreamKey, UserState),
        bounds: &[Bound],
        read: impl FnOnce(&mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let streams = [(key.clone(), state)];
        let mut aside = self.beside(None);
        aside.begin_silence(&streams, bounds);
        let read = read(&mut |entry| aside.replay(entry));
        let ended = aside.end_silence(&streams, Some(self.wakeup));
        self.book = aside.book;
        if let Some(built) = aside.streams.remove(key) {
            self.streams.entry(key.clone()).or_default().join(*built, false);
        }
        self.resting.remove(key);
        self.index(key);
        read.and(ended)
    }

    /// The users in memory.
    pub(crate) fn users(&self) -> Vec<StreamKey> {
        self.streams.keys().filter(|key| matches!(key, StreamKey::User(Some(_)))).cloned().collect()
    }

    /// Puts a stream away in which nothing is under way, or that [may rest](Self::may_rest).
    pub(crate) fn put_away(&mut self, key: &StreamKey) {
        if let Some(stream) = self.streams.remove(key).filter(|s| s.lives.len() > 0) {
            let live = u64::try_from(stream.lives.len()).unwrap_or(u64::MAX);
            self.resting.insert(key.clone(), Rest { live, frontier: stream.frontier });
        }
        self.consumed.retain(|(_, stream, _), _| stream != key);
        self.ledger.forget(key.user());
    }

    /// A stream comes again, or for the first time.
    pub(crate) fn bring_back(&mut self, key: &StreamKey, state: &UserState) {
        let stream = self.streams.entry(key.clone()).or_default();
        stream.frontier = state.frontier.max(state.folded);
        stream.session = state.session;
        stream.utc_offset_min = state.utc_offset_min;
        stream.put_cut(state.cut);
    }

    /// What the matches of a stream consumed, and what past decisions in it count.
    pub(crate) fn remember(&mut self, key: &StreamKey, bounds: &[Bound], past: Vec<LedgerEntry>) {
        past.into_iter().for_each(|entry| self.ledger.note(entry));
        for bound in bounds {
            let task =
                self.book.tasks().find(|t| t.is_triggered() && t.source == bound.source && t.task.id == bound.task);
            if let Some(id) = task.map(|t| t.id) {
                self.consumed.insert((id, key.clone(), bound.key.clone()), bound.at);
            }
        }
    }

    /// How many sessions of a stream came before those that the recording side counts, where that is known.
    pub(crate) fn sessions_before(&self, key: &StreamKey) -> Option<u64> {
        self.streams.get(key)?.sessions_before()
    }

    /// See [`Fold::sessions_before`].
    pub(crate) fn put_sessions_before(&mut self, key: &StreamKey, sessions: u64) {
        self.streams.entry(key.clone()).or_default().put_sessions_before(sessions);
    }

    /// A stream's time; `folded`: how far it had come, where it is put away.
    pub(crate) fn time_of(&self, key: &StreamKey, folded: Option<Timestamp>) -> Timestamp {
        let away = || folded.map_or(self.wakeup, |at| at.minus(self.lateness).max(self.wakeup));
        self.streams.get(key).map_or_else(away, |s| s.time(self.lateness, self.wakeup))
    }
}
