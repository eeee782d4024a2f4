//! When the store fails while the engine runs: matching goes on in memory, and what was not kept is counted, told, and marked
//! in the log as soon as that can be written again. A file that is torn is replaced by a fresh one, one that is gone written anew.
//!
//! Never an endless retry: each batch tries once, and while nothing comes the worker tries after longer and longer pauses,
//! ten times; then it waits for the next batch.

use std::time::Duration as Span;

use ensue_rule::Timestamp;

use super::Worker;
use crate::clock::{Clock, SystemClock};
use crate::config::{Mode, Place};
use crate::error::Error;
use crate::log::{LogGap, Losers, StreamKey};
use crate::report::{StoreReport, StoreState};
use crate::store::Store;

/// The first pause.
const PAUSE: Span = Span::from_millis(200);

/// Tries while nothing comes.
const TRIES: u32 = 10;

/// Users named in marks; where more lost events, the mark is for all.
const NAMED: usize = 64;

/// What the store owes.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// Batches in a row that could not be written.
    failures: u32,
    /// Whose events are missing in the log.
    missing: Missing,
    /// Whether a batch could not be written since the engine opened: the log may not have all that the runs have seen.
    lost: bool,
}

/// Whose events are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Missing {
    #[default]
    Nobodys,
    /// Those of the streams that moved since the last commit.
    Moved,
    /// All that came before.
    Everyones,
}

impl Worker {
    /// Takes note of how a batch, or a pass of tidying, ended.
    pub(super) fn note(&mut self, written: &Result<(), Error>) {
        match written {
            Ok(()) if self.trouble.failures > 0 => {
                self.trouble = Trouble { lost: true, ..Trouble::default() };
                self.report(StoreState::Working, "the store can be written again".to_owned());
            }
            Ok(()) => self.trouble.missing = Missing::Nobodys,
            Err(error) => {
                self.trouble.lost = true;
                self.last_error.get_or_insert_with(|| error.clone());
                if !self.fold.effects.moved.is_empty() {
                    self.trouble.missing = self.trouble.missing.max(Missing::Moved);
                }
                if error.is_unsound() && self.start_afresh(&error.to_string()) {
                    return;
                }
                self.trouble.failures = self.trouble.failures.saturating_add(1);
                if self.trouble.failures == 1 {
                    self.report(StoreState::Failing, error.to_string());
                }
            }
        }
    }

    /// Whether a batch could not be written since the engine opened.
    pub(super) fn has_lost(&self) -> bool {
        self.trouble.lost
    }

    /// Takes note of what could not be read, or tidied up: nothing is lost by it, unless the file is torn.
    pub(super) fn note_aside(&mut self, error: Error) {
        if error.is_unsound() {
            self.start_afresh(&error.to_string());
        }
        self.last_error.get_or_insert(error);
    }

    /// While nothing comes: when to try again what could not be written.
    pub(super) fn pause(&self) -> Option<Span> {
        let failures = self.trouble.failures;
        (1..=TRIES).contains(&failures).then(|| PAUSE * (1 << failures.min(TRIES)))
    }

    /// Tries again.
    pub(super) fn try_again(&mut self) {
        self.begin();
        // It is told, and kept for whoever flushes.
        let _ = self.finish_batch();
    }

    /// Marks in the log whose events are not in it; within a transaction.
    pub(super) fn mark_missing(&mut self) -> Result<(), Error> {
        let users = || self.fold.effects.moved.iter().filter(|key| matches!(key, StreamKey::User(_)));
        let gaps: Vec<(Losers, Timestamp)> = match self.trouble.missing {
            Missing::Nobodys => return Ok(()),
            Missing::Moved if users().count() <= NAMED => users().map(|key| self.lost_by(key)).collect(),
            Missing::Moved | Missing::Everyones => vec![(Losers::All, self.fold.latest())],
        };
        gaps.into_iter().try_for_each(|(losers, upto)| self.store.append_gap(&mut LogGap { seq: 0, losers, upto }))
    }

    fn lost_by(&self, key: &StreamKey) -> (Losers, Timestamp) {
        let upto = self.fold.state(key).map_or(Timestamp::MIN, |state| state.folded);
        (Losers::User(key.user().cloned()), upto)
    }

    /// Where the file was taken away it is written anew: it is open, so all of it can be read. Looked for after a batch, when
    /// whoever waits for a decision has been told, and before anybody is told that the batch is kept.
    pub(super) fn look_after_file(&mut self) {
        if !self.store.is_gone() {
            return;
        }
        match self.store.write_anew(self.wall_clock()) {
            Ok(aside) => {
                self.shared.counters.set_aside.add(u64::from(aside.is_some()));
                let aside = aside.map_or_else(String::new, |p| format!("; what had its place is {}", p.display()));
                self.report(
                    StoreState::Afresh,
                    format!("the file is gone; it was written anew with all that was in it{aside}"),
                );
            }
            Err(error) => {
                let why = format!("the file is gone; {error}");
                self.last_error.get_or_insert(error);
                self.start_afresh(&why);
            }
        }
    }

    fn wall_clock(&self) -> Timestamp {
        match &self.shared.config.mode {
            Mode::Live(clock) => clock.now(),
            Mode::Replay => SystemClock::new().now(),
        }
    }

    /// Begins a fresh file in place of one that is torn, or gone and not to be read, with all that is known beside the events.
    /// Where that fails the old one stays, and the next batch tries again. Whether there is a fresh one.
    fn start_afresh(&mut self, why: &str) -> bool {
        let Place::File(path) = self.shared.config.place.clone() else { return false };
        let now = self.wall_clock();
        let ended = self.wake_from_the_old();
        let known = self.store.salvage();
        let (sets, tasks) = (self.fold.book.sets().to_vec(), self.fold.book.stored());
        let begun = Store::replace(&path, now).and_then(|mut opened| {
            opened.store.take_noted(&self.store);
            opened.store.refill(known, self.store.next_seq())?;
            opened.store.begin();
            opened.store.replace_tasks(&sets, &tasks)?;
            opened.store.put_opted_out(self.off)?;
            opened.store.put_log_lost(self.shared.config.lateness)?;
            opened.store.commit().map(|()| opened)
        });
        match begun {
            Ok(opened) => {
                self.store.let_go();
                self.store = opened.store;
                self.fold.lose_log(self.store.next_seq());
                self.trouble = Trouble { failures: 0, missing: Missing::Everyones, lost: true };
                self.unread = None;
                self.shared.counters.set_aside.add(u64::from(opened.set_aside.is_some()));
                let begun = match opened.set_aside {
                    Some(aside) => format!("it was set aside as {}, and a fresh one begun", aside.display()),
                    None => "a fresh one was begun".to_owned(),
                };
                let ended = match ended {
                    0 => String::new(),
                    n => format!("; of users who were not in memory {n} live runs could not be read, and ended"),
                };
                self.report(StoreState::Afresh, format!("{why}; {begun}{ended}"));
                true
            }
            Err(error) => {
                self.last_error.get_or_insert(error);
                false
            }
        }
    }

    /// Who rests has nothing but the log that goes: brings back whose log can still be read. How many runs of others ended.
    fn wake_from_the_old(&mut self) -> u64 {
        let before = self.fold.effects.tally.refusals;
        if let Err(error) = self.wake_all() {
            self.last_error.get_or_insert(error);
        }
        self.fold.effects.tally.refusals - before
    }

    fn report(&mut self, state: StoreState, detail: String) {
        let unwritten = self.shared.counters.read().unwritten;
        self.delivery.tell_store(&self.shared, StoreReport { state, detail, unwritten });
    }
}
