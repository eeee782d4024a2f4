//! Folding the log again in silence: after a restart for all tasks, after an apply for the new ones.

use ensue_rule::Timestamp;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Fold;
use crate::dispatch::LedgerEntry;
use crate::error::Error;
use crate::log::{Counts, Entry, Log, LogEvent, Span, StreamKey};
use crate::store::{Bound, UserState};
use crate::tasks::{Active, Book, TaskId};

/// What the store remembers beside the log.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    pub(crate) streams: Vec<(StreamKey, UserState)>,
    pub(crate) bounds: Vec<Bound>,
    pub(crate) wakeup: Option<Timestamp>,
    /// How far the fold had come, when `bounds` were written, in streams that have moved since.
    pub(crate) summed: Vec<(StreamKey, Timestamp)>,
}

/// A log that is only read: in silence nothing is appended, looked back over or shown.
struct Silent;

impl Log for Silent {
    fn append(&mut self, _: &mut LogEvent) -> Result<(), Error> {
        Ok(())
    }

    fn look_back(&mut self, _: &Span<'_>, _: &mut dyn FnMut(&Entry)) -> Result<(), Error> {
        Ok(())
    }

    fn label(&mut self, _: u64) -> Option<ensue_rule::Value> {
        None
    }

    fn session_of(&mut self, _: u64) -> Option<u64> {
        None
    }

    fn decided(&mut self, _: Counts<'_>) -> Result<Vec<LedgerEntry>, Error> {
        Ok(Vec::new())
    }
}

impl Fold {
    /// Begins to fold the log again.
    ///
    /// Rows go by what all tasks want of their kind, so of a time that is over for one task some kinds may still be there and
    /// others not: shown these, it would find what never was. So each is shown nothing that was behind its window when the
    /// bounds were written, which say of all before it what still matters.
    pub(crate) fn begin_silence(&mut self, remembered: &Remembered) {
        let Remembered { streams, bounds, wakeup, summed } = remembered;
        self.quiet = true;
        let wakeup = wakeup.unwrap_or(Timestamp::MIN);
        let stood = |folded: Timestamp| folded.minus(self.lateness).max(wakeup);
        let moved = summed.iter().map(|(key, folded)| (key.clone(), stood(*folded)));
        self.stood = streams.iter().map(|(key, state)| (key.clone(), stood(state.folded))).chain(moved).collect();
        for (key, state) in streams.iter().filter(|(_, s)| s.cut.is_some()) {
            self.streams.entry(key.clone()).or_default().put_cut(state.cut);
        }
        for bound in bounds {
            let Some(task) = self.book.find(&bound.source, &bound.task) else { continue };
            let place = (task.id, bound.stream.clone(), bound.key.clone());
            let places = if task.is_triggered() { &mut self.consumed } else { &mut self.restored };
            places.insert(place, bound.at);
        }
    }

    /// Takes an entry that was folded before.
    pub(crate) fn replay(&mut self, entry: Entry) -> Result<(), Error> {
        match entry {
            Entry::Event(event) => {
                let user = StreamKey::User(event.event.user_id.clone());
                self.move_by(&user, &event);
                self.labels.add(event.seq, event.event.id.as_ref());
                self.feed(&user);
                self.admit(&user, &event, &mut Silent)?;
                self.run(&mut Silent)
            }
            Entry::Gap(gap) => self.lose(&gap, &mut Silent),
        }
    }

    /// Ends the silence: time stands where it stood when the last entry was decided.
    pub(crate) fn end_silence(&mut self, remembered: &Remembered) -> Result<(), Error> {
        for (key, state) in &remembered.streams {
            let stream = self.streams.entry(key.clone()).or_default();
            stream.frontier = stream.frontier.max(state.folded);
            stream.put_reached(state.frontier);
            stream.session = stream.session.max(state.session);
            stream.utc_offset_min = state.utc_offset_min;
        }
        self.wakeup = self.wakeup.max(remembered.wakeup.unwrap_or(Timestamp::MIN));
        // Also those in which nothing was due before may be due now.
        self.run_all(&mut Silent)?;
        self.settle_bounded();
        self.quiet = false;
        (self.restored, self.stood) = (FxHashMap::default(), FxHashMap::default());
        Ok(())
    }

    /// The time behind which nothing of a stream is shown to a task, while the log is folded again.
    pub(super) fn since(&self, task: &Active, key: &StreamKey) -> Timestamp {
        self.stood.get(key).map_or(Timestamp::MIN, |stood| stood.minus(task.window))
    }

    /// A fold beside this one, with its tasks, that shows the log to the tasks `only`.
    pub(crate) fn aside(&mut self, only: FxHashSet<TaskId>) -> Self {
        self.beside(Some(only))
    }

    /// The same; without `only` to all.
    pub(super) fn beside(&mut self, only: Option<FxHashSet<TaskId>>) -> Self {
        let empty = Book::new(ensue_matcher::Limits::default());
        let book = std::mem::replace(&mut self.book, empty);
        Self { only, install: self.install, ..Self::new(book, self.lateness) }
    }

    /// How far the streams of this fold have come, for one beside it.
    pub(crate) fn reached(&self) -> (Vec<(StreamKey, UserState)>, Option<Timestamp>) {
        let state = |(key, _): (&StreamKey, _)| self.state(key).map(|s| (key.clone(), s));
        (self.streams.iter().filter_map(state).collect(), Some(self.wakeup))
    }

    /// How far a stream has come.
    pub(crate) fn state(&self, key: &StreamKey) -> Option<UserState> {
        let s = self.streams.get(key)?;
        Some(UserState {
            frontier: s.reached(),
            session: s.session,
            folded: s.frontier,
            utc_offset_min: s.utc_offset_min,
            cut: s.aside().cut,
        })
    }

    /// Takes the runs over that a fold beside this one has built, and the tasks back; the matches that each task found, and
    /// the streams that were put away before. Where these are the first over the device (`had_device` false), what waits for
    /// its time waits only there.
    pub(crate) fn join(&mut self, mut aside: Self, had_device: bool) -> (FxHashMap<TaskId, u64>, Vec<StreamKey>) {
        aside.settle_all();
        self.book = aside.book;
        self.effects.tally.capped += aside.effects.tally.capped;
        self.effects.bounds.extend(aside.effects.bounds);
        self.consumed.extend(aside.consumed);
        let (mut keys, mut back) = (Vec::new(), Vec::new());
        for (key, mut built) in aside.streams {
            if let Some(stream) = self.streams.get_mut(&key) {
                stream.join(*built, key == StreamKey::Device && !had_device);
            } else if built.lives.len() > 0 {
                built.forget_pending();
                self.streams.insert(key.clone(), built);
                back.push(key.clone());
            } else {
                continue;
            }
            keys.push(key);
        }
        for key in &keys {
            self.index(key);
        }
        (aside.found, back)
    }

    /// Drops the state of tasks that are gone.
    pub(crate) fn forget(&mut self, gone: &FxHashSet<TaskId>) {
        self.consumed.retain(|(task, _, _), _| !gone.contains(task));
        let mut keys = Vec::new();
        for (key, stream) in &mut self.streams {
            stream.forget(gone);
            keys.push(key.clone());
        }
        for key in &keys {
            self.index(key);
        }
    }
}
