//! Forgetting what no task can look at any more, and what is over the limits of the log; some rows at a time.

use ensue_rule::{Duration, Timestamp};
use rustc_hash::FxHashMap;

use super::Worker;
use crate::config::Mode;
use crate::error::Error;
use crate::log::StreamKey;
use crate::store::{Cuts, Held, Keep, Step};

/// Rows written between two looks for what to forget.
const GROWN: u64 = 4_096;

/// A log that is over a limit shrinks by this part of it, so that the next event is not over it again.
const SLACK: u64 = 16;

impl Worker {
    /// After enough rows were written, forgets what no task can look at any more.
    pub(super) fn forget_some(&mut self) {
        if self.grown < GROWN {
            return;
        }
        self.grown = 0;
        if let Err(error) = self.forget_step() {
            self.last_error.get_or_insert(error);
        }
    }

    /// One step; whether there may be more to forget.
    pub(super) fn forget_step(&mut self) -> Result<bool, Error> {
        self.fold.tidy();
        self.put_away()?;
        self.shared.counters.runs.set(self.fold.live());
        let aged = self.now().minus(self.shared.config.retention.age);
        // Where the disk is full who rests must not lose anything by being read.
        self.store.post()?;
        self.wake_ageing()?;
        let step = self.in_transaction(|w| w.forget_old(aged))?;
        self.cut_history(&step.aged)?;
        let over = self.excess()?;
        if over != Held::default() {
            let cuts = self.store.oldest(over)?;
            self.cut_history(&cuts)?;
        }
        self.oldest = step.oldest.map_or(self.oldest, |ts| ts.min(self.oldest));
        if !step.more {
            self.in_transaction(|w| w.store.drop_users(aged))?;
            self.aged_at = std::mem::replace(&mut self.oldest, Timestamp::MAX).plus(self.shared.config.retention.age);
        }
        Ok(step.more || self.excess()? != Held::default())
    }

    /// Within a transaction: rows, bounds and decisions out of every window.
    fn forget_old(&mut self, aged: Timestamp) -> Result<Step, Error> {
        let (fold, store) = (&self.fold, &mut self.store);
        let (longest, horizon) = (fold.book.longest_window(), fold.book.horizon());
        store.drop_bounds(&|stream, folded| fold.time_of(stream, folded).minus(longest))?;
        store.trim_calls(&|stream, folded| fold.oldest_answer(stream, folded))?;
        store.trim_outbox(&|stream, folded| fold.time_of(stream, folded), horizon)?;
        let at_least = self.shared.config.retention.at_least;
        let known = std::cell::RefCell::new(FxHashMap::default());
        let window = |action: &str, scene: Option<&str>| -> Option<Duration> {
            let kind = (action.to_owned(), scene.map(str::to_owned));
            let of_tasks = || fold.book.window_of(action, scene).map(|window| window.max(at_least));
            *known.borrow_mut().entry(kind).or_insert_with(of_tasks)
        };
        // What a script may still look at stays, however far time has moved on since its trigger.
        let asked = self.asking.oldest(fold);
        let time = |stream: &StreamKey, folded: Option<Timestamp>| fold.time_of(stream, folded).min(asked);
        store.forget_step(&Keep { window: &window, longest, time: &time, aged })
    }

    /// Gives histories up to these places up: their rows go, and runs that began in them end.
    fn cut_history(&mut self, cuts: &Cuts) -> Result<(), Error> {
        if cuts.is_empty() {
            return Ok(());
        }
        let streams = self.store.streams_of(cuts)?;
        self.fold.audience = self.shared.audience();
        self.begin();
        for (stream, upto) in streams {
            let back = self.bring_back(&stream);
            self.note_failure(back);
            let (fold, mut log) = self.parts();
            let folded = fold.cut(&stream, upto, &mut log);
            self.note_failure(folded);
            if self.failed.is_none() {
                let dropped = self.drop_until(&stream, upto);
                self.note_failure(dropped);
            }
        }
        self.finish_batch()
    }

    fn drop_until(&mut self, stream: &StreamKey, upto: ensue_matcher::Position) -> Result<(), Error> {
        let dropped = self.store.drop_until(stream, upto)?;
        self.shared.counters.truncated.add(dropped);
        let state = self.fold.state(stream);
        state.map_or(Ok(()), |state| self.store.put_cut(stream, &state))
    }

    /// By how much the log must shrink.
    fn excess(&mut self) -> Result<Held, Error> {
        let (held, limits) = (self.store.held()?, &self.shared.config.retention);
        let excess = |held: u64, limit: u64| if held > limit { held - (limit - limit / SLACK) } else { 0 };
        Ok(Held { rows: excess(held.rows, limits.rows), bytes: excess(held.bytes, limits.bytes) })
    }

    /// The time by which events get old.
    pub(super) fn now(&self) -> Timestamp {
        match &self.shared.config.mode {
            Mode::Live(clock) => clock.now(),
            Mode::Replay => self.fold.latest(),
        }
    }
}
