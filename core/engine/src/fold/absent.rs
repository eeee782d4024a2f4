//! Users who are put away while nothing of theirs is under way, and come again.
//!
//! What is put away is in the store to the last: how far they had come, what caps count, what their last matches consumed, and
//! the events of their live runs. So who comes again finds all as it was; live runs are built again as after a restart, by
//! folding their user's log in silence (docs/adr/0012). Where that log cannot be read they end, and say so.

use ensue_matcher::Position;
use ensue_rule::Timestamp;
use smallvec::SmallVec;

use super::Fold;
use super::matching::{Case, What};
use super::rebuild::Remembered;
use crate::dispatch::LedgerEntry;
use crate::error::Error;
use crate::log::{Entry, Log, StreamKey};
use crate::store::{Bound, UserState};
use crate::tasks::TaskId;

/// A stream that is put away with live runs.
#[derive(Debug)]
pub(super) struct Rest {
    /// The tasks that they are of.
    pub(super) live: SmallVec<[TaskId; 4]>,
    /// What happened last in it happened then: they began less than a window before.
    floor: Timestamp,
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
    /// users may derive events of this one at any time, and what was lost of everyone's events is not in it. Nor where
    /// nothing happened in it after `ageing`.
    pub(crate) fn may_rest(&self, key: &StreamKey, ageing: Timestamp) -> bool {
        let own = !self.book.has_device() && self.gap == Timestamp::MIN;
        own && self.streams.get(key).is_some_and(|s| s.floor > ageing && s.may_rest())
    }

    /// Whether a stream is put away with live runs.
    pub(crate) fn rests(&self, key: &StreamKey) -> bool {
        self.resting.contains_key(key)
    }

    /// The streams that are put away with live runs, of those in which nothing happened after `upto`.
    pub(crate) fn resting(&self, upto: Timestamp) -> Vec<StreamKey> {
        let mut keys: Vec<StreamKey> =
            self.resting.iter().filter(|(_, rest)| rest.floor <= upto).map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys
    }

    /// After which time the live runs of a stream that was put away began.
    pub(crate) fn began_after(&self, state: &UserState) -> Timestamp {
        state.folded.minus(self.lateness).minus(self.book.longest_window())
    }

    /// Builds the live runs of a stream that was put away with some, from its log, which `read` shows entry by entry. All of
    /// them, or none.
    pub(crate) fn wake(
        &mut self,
        (key, state): (&StreamKey, UserState),
        bounds: Vec<Bound>,
        read: impl FnOnce(&mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let streams = vec![(key.clone(), state)];
        let remembered = Remembered { streams, bounds, wakeup: Some(self.wakeup), ..Remembered::default() };
        let mut aside = self.beside(None);
        aside.begin_silence(&remembered);
        let read = read(&mut |entry| aside.replay(entry));
        let ended = aside.end_silence(&remembered);
        aside.settle(key);
        self.book = aside.book;
        read.and(ended)?;
        if let Some(built) = aside.streams.remove(key) {
            self.streams.entry(key.clone()).or_default().join(*built, false);
        }
        self.resting.remove(key);
        self.index(key);
        Ok(())
    }

    /// A stream comes again whose live runs cannot be built again, before the entry `next`: they end, each with a refusal, and
    /// nothing reads its history any more, so that none of them comes alive after a restart.
    pub(crate) fn give_up(&mut self, key: &StreamKey, next: u64, log: &mut dyn Log) -> Result<(), Error> {
        let Some(Rest { live, floor }) = self.resting.remove(key) else { return Ok(()) };
        self.line = None;
        let upto = Position { ts: floor, seq: next.saturating_sub(1) };
        let stream = self.streams.entry(key.clone()).or_default();
        (stream.floor, stream.frontier) = (stream.floor.max(floor), stream.frontier.max(floor));
        stream.put_cut(stream.aside().cut.max(Some(upto)));
        self.consumed.retain(|(_, stream, _), place| stream != key || *place > upto);
        self.effects.cuts.insert(key.clone());
        let time = self.time(key);
        let of = |task| Case { task, stream: key.clone(), key: Vec::new(), what: What::Truncated(upto) };
        let alive = |task: &TaskId| self.book.get(*task).is_some_and(|task| floor.plus(task.window) > time);
        let cases = live.into_iter().filter(alive).map(of).collect();
        self.decide(cases, None, log)
    }

    /// The users in memory.
    pub(crate) fn users(&self) -> Vec<StreamKey> {
        self.streams.keys().filter(|key| matches!(key, StreamKey::User(Some(_)))).cloned().collect()
    }

    /// Puts a stream away in which nothing is under way, or that [may rest](Self::may_rest).
    pub(crate) fn put_away(&mut self, key: &StreamKey) {
        self.settle(key);
        let time = self.time(key);
        if let Some(mut stream) = self.streams.remove(key) {
            stream.tidy(&self.book, time);
            if stream.lives.len() > 0 {
                let rest = Rest { live: stream.lives.tasks().collect(), floor: stream.floor };
                self.resting.insert(key.clone(), rest);
            }
        }
        self.consumed.retain(|(_, stream, _), _| stream != key);
        self.daybook.ledger().forget(key.user());
    }

    /// A stream comes again, or for the first time.
    pub(crate) fn bring_back(&mut self, key: &StreamKey, state: &UserState) {
        let stream = self.streams.entry(key.clone()).or_default();
        stream.move_on(state.folded, state.frontier);
        stream.session = state.session;
        stream.utc_offset_min = state.utc_offset_min;
        stream.put_cut(state.cut);
    }

    /// Keeps a stream in memory, of which the store may say nothing yet.
    pub(crate) fn keep(&mut self, key: &StreamKey) {
        if !self.has(key) {
            self.streams.entry(key.clone()).or_default();
        }
    }

    /// What the matches of a stream consumed, and what past decisions in it count.
    pub(crate) fn remember(&mut self, key: &StreamKey, bounds: &[Bound], past: Vec<LedgerEntry>) {
        past.into_iter().for_each(|entry| self.daybook.note(entry));
        for bound in bounds {
            let task = self.book.find(&bound.source, &bound.task).filter(|t| t.is_triggered());
            if let Some(task) = task {
                self.consumed.insert((task.id, key.clone(), bound.key.clone()), bound.at);
            }
        }
    }

    /// A stream's time; `folded`: how far it had come, where it is put away.
    pub(crate) fn time_of(&self, key: &StreamKey, folded: Option<Timestamp>) -> Timestamp {
        let away = || folded.map_or(self.wakeup, |at| at.minus(self.lateness).max(self.wakeup));
        self.streams.get(key).map_or_else(away, |s| s.time(self.lateness, self.wakeup))
    }
}
