//! Users who are put away while nothing of theirs is under way, and come again.
//!
//! What is put away is in the store to the last: how far they had come, what caps count, what their last matches consumed.
//! So who comes again finds all as it was.

use ensue_rule::Timestamp;

use super::Fold;
use crate::dispatch::LedgerEntry;
use crate::log::StreamKey;
use crate::store::{Bound, UserState};

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

    /// The users in memory.
    pub(crate) fn users(&self) -> Vec<StreamKey> {
        self.streams.keys().filter(|key| matches!(key, StreamKey::User(Some(_)))).cloned().collect()
    }

    /// Puts a stream away in which nothing is under way.
    pub(crate) fn put_away(&mut self, key: &StreamKey) {
        self.streams.remove(key);
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
