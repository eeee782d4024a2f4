//! The worker: the one thread that owns the store and the fold.
//!
//! It drains the queue in batches, each one transaction: events are appended and folded, what the fold leaves is written,
//! and only after the commit somebody is told. It sleeps while there is nothing to do, at most until the next timer is due.

mod absent;
mod answering;
mod asking;
mod batch;
mod commands;
mod delivery;
mod draining;
mod erasing;
mod feedback;
mod forgetting;
mod idle;
mod queries;
mod reporting;
mod trouble;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ensue_rule::{Demand, Duration, Timestamp};

pub(crate) use commands::{Command, Reply};
use delivery::Delivery;
pub(crate) use queries::Query;

use crate::clock::{Clock, SystemClock};
use crate::config::Mode;
use crate::engine::Shared;
use crate::error::Error;
use crate::feedback::Feedback;
use crate::fold::{Fold, Remembered};
use crate::ingest::{DemandTable, Item};
use crate::log::StreamKey;
use crate::report::OpenReport;
use crate::store::{Opened, Store};
use crate::tasks::Book;

/// Items taken from the queue at once: one transaction at most.
const BATCH: usize = 1_024;

/// The thread's state.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    store: Store,
    fold: Fold,
    /// Events recorded before the first set came.
    held: Vec<Item>,
    /// Whether a transaction is open.
    open: bool,
    /// Why the open transaction cannot be committed.
    failed: Option<Error>,
    /// What could not be read meanwhile.
    unread: Option<Error>,
    /// What went wrong since somebody flushed.
    last_error: Option<Error>,
    /// Something was written since the last checkpoint.
    unsettled: bool,
    /// Rows written since the last look for what to forget.
    grown: u64,
    /// The oldest event that the pass for what to forget has come by.
    oldest: Timestamp,
    /// When the oldest event gets too old.
    aged_at: Timestamp,
    /// Feedback to decisions that nobody knows, still to be told.
    strangers: Vec<Feedback>,
    /// How many items of the queue are done with.
    done: u64,
    /// The user has opted out: what still comes is dropped.
    off: bool,
    /// What the store owes.
    trouble: trouble::Trouble,
    delivery: Delivery,
    asking: asking::Asking,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

/// The thread: opens the store, works until it is told to stop. A panic ends the engine, not the host.
pub(crate) fn run(shared: &Arc<Shared>) {
    let _ = shared.worker.set(std::thread::current().id());
    let ended = catch_unwind(AssertUnwindSafe(|| match Worker::open(shared) {
        Ok((worker, report)) => {
            shared.opening.tell(Ok(report));
            worker.work();
        }
        Err(error) => {
            // Who hears of it finds the engine closed.
            shared.ingest.close();
            shared.opening.tell(Err(error));
        }
    }));
    shared.opening.tell(Err(Error::closed()));
    // Whoever finds the engine closed finds nothing due.
    shared.next_due.store(i64::MAX, Ordering::Release);
    shared.ingest.close();
    drop(ended);
}

impl Worker {
    /// Opens the store and rebuilds the state that it stands for.
    fn open(shared: &Arc<Shared>) -> Result<(Self, OpenReport), Error> {
        let now = match &shared.config.mode {
            Mode::Live(clock) => clock.now(),
            Mode::Replay => SystemClock::new().now(),
        };
        let Opened { store, set_aside } = Store::open(&shared.config.place, now)?;
        let mut worker = Self::over(shared, store);
        let rebuilt = match (worker.restore(true), &shared.config.place) {
            (Err(error), crate::config::Place::File(path)) if error.is_unsound() => {
                // The tables could be opened but not read.
                drop(worker);
                let Opened { store, set_aside } = Store::begin_afresh(path, now)?;
                worker = Self::over(shared, store);
                OpenReport { set_aside, ..OpenReport::default() }
            }
            (restored, _) => OpenReport { set_aside, ..restored? },
        };
        shared.ingest.users.know_device();
        shared.counters.set_aside.set(u64::from(rebuilt.set_aside.is_some()));
        worker.note_opting_out()?;
        if let Some(consent) = shared.config.consent {
            worker.set_consent(consent)?;
        }
        worker.know_install();
        worker.catch_up()?;
        // What got too old while nobody ran goes; and traces of what was erased, if it was killed before they went.
        worker.unsettled = true;
        Ok((worker, rebuilt))
    }

    fn over(shared: &Arc<Shared>, store: Store) -> Self {
        let book = Book::new(shared.config.limits.clone());
        Self {
            shared: shared.clone(),
            store,
            fold: Fold::new(book, shared.config.lateness),
            held: Vec::new(),
            open: false,
            failed: None,
            unread: None,
            last_error: None,
            unsettled: false,
            grown: 0,
            oldest: Timestamp::MAX,
            aged_at: Timestamp::MAX,
            strangers: Vec::new(),
            done: 0,
            off: false,
            trouble: trouble::Trouble::default(),
            delivery: Delivery::new(matches!(shared.config.mode, Mode::Replay)),
            asking: asking::Asking::default(),
        }
    }

    /// The state that the store stands for: tasks, runs by folding the retained log again, times;
    /// `opening`: the recording side does not know yet how far its users have come.
    fn restore(&mut self, opening: bool) -> Result<OpenReport, Error> {
        let (sets, tasks) = (self.store.sets()?, self.store.tasks()?);
        let book = Book::restore(self.shared.config.limits.clone(), sets, tasks);
        self.fold = Fold::new(book, self.shared.config.lateness);
        let remembered = Remembered {
            streams: self.store.streams()?,
            bounds: self.store.bounds(None)?,
            wakeup: self.store.wakeup()?,
            summed: self.store.summed()?,
        };
        for (stream, state) in &remembered.streams {
            let users = &self.shared.ingest.users;
            match stream {
                StreamKey::User(user) if opening => users.restore(user.as_deref(), state.frontier, state.session),
                StreamKey::Device if opening => users.restore_device(state.frontier),
                _ => {}
            }
        }
        let events = self.fold_again(&remembered)?;
        self.note_bounds()?;
        self.remember_calls()?;
        // Where they cannot be read, whoever counts next says so.
        let _ = self.store.look_at_counts();
        self.fold.restore_held(self.store.held_touches()?);
        if !self.fold.book.is_empty() {
            self.publish();
        }
        Ok(OpenReport { set_aside: None, tasks: self.fold.book.tasks().count(), events })
    }

    /// What tells this device's anonymous user from those of others; in replay there is one device.
    fn know_install(&mut self) {
        if matches!(self.shared.config.mode, Mode::Live(_)) && !self.off {
            self.fold.install = self.store.install();
        }
    }

    /// Folds the retained log in silence, as far as any task may read it.
    fn fold_again(&mut self, remembered: &Remembered) -> Result<u64, Error> {
        self.fold.begin_silence(remembered);
        // Triggered tasks keep nothing of the log, but an event whose time has not come may be a trigger.
        let waits = self.shared.config.lateness > Duration(0);
        let reading = self.fold.book.tasks().filter(|t| waits || !t.is_triggered());
        let from = reading.map(|t| t.since.0).min();
        let Self { fold, store, .. } = self;
        let events = match from {
            Some(seq) => store.scan(seq, &mut |entry| fold.replay(entry))?,
            None => 0,
        };
        fold.end_silence(remembered)?;
        Ok(events)
    }

    /// What folding the log again has moved, the file may not say yet.
    fn note_bounds(&mut self) -> Result<(), Error> {
        let moved = std::mem::take(&mut self.fold.effects.bounds);
        moved.iter().try_for_each(|(key, at)| self.store.note_bound(&batch::bound(key, *at)))
    }

    /// Tells the recording side what is wanted now.
    fn publish(&mut self) {
        let demands: Vec<Demand> = self.fold.book.tasks().flat_map(|t| t.wanted().cloned()).collect();
        let table = DemandTable::of(&demands, self.shared.ingest.epoch() + 1);
        self.shared.put_demands(demands);
        self.shared.ingest.publish(table);
    }

    /// On opening in live mode time moves to now.
    fn catch_up(&mut self) -> Result<(), Error> {
        if let Mode::Live(clock) = &self.shared.config.mode
            && self.fold.next_due().is_some()
        {
            let now = clock.now().minus(self.shared.config.lateness);
            self.fold.audience = self.shared.audience();
            self.advance(now)?;
        }
        self.show();
        Ok(())
    }

    fn work(mut self) {
        // What a crash left unasked.
        self.ask_next();
        self.ask_all();
        let mut items: Vec<Item> = Vec::new();
        loop {
            self.store.begin_log();
            self.shared.ingest.queue.take(BATCH, self.patience(), &mut items);
            if items.is_empty() {
                self.rest();
                continue;
            }
            self.fold.audience = self.shared.audience();
            let taken = u64::try_from(items.len()).unwrap_or(u64::MAX);
            let next = self.take(&mut items);
            // Who flushes is told of a failure.
            let _ = self.finish_batch();
            if next == Next::Go {
                self.ask_next();
            }
            // Whoever waits for a decision has been told.
            if let Err(error) = self.store.relieve() {
                self.note_aside(error);
                self.say_lost();
            }
            self.done += taken;
            if next == Next::Stop {
                self.stop_asking();
                self.settle();
                return;
            }
        }
    }

    /// Shows what other threads may ask without asking this one.
    fn show(&self) {
        let due = self.fold.next_due().unwrap_or(Timestamp::MAX);
        self.shared.next_due.store(due.0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests;
