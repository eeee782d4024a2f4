//! What the worker does when there is nothing to do: fire timers, forget, settle.

use std::time::Duration as Span;

use ensue_rule::{Duration, Timestamp};

use super::Worker;
use crate::config::Mode;
use crate::error::Error;
use crate::log::StreamKey;

/// Idle for this long, the write-ahead log is moved into the file.
const SETTLE: Duration = Duration(200);

/// Where what is too old could not be deleted, it is tried again after this long, or when something was written.
const AGAIN: Duration = Duration::HOUR;

impl Worker {
    /// How long to sleep: until the next timer, or until it is time to settle. Where no time passes by itself, in replay or
    /// under a clock that its owner moves, neither comes: a store is settled when it is closed.
    pub(super) fn patience(&self) -> Option<Span> {
        let Mode::Live(clock) = &self.shared.config.mode else { return self.pause() };
        let due = self.fold.next_due().map(|due| due.plus(self.shared.config.lateness));
        let aged = Some(self.aged_at).filter(|at| *at < Timestamp::MAX);
        let settled = self.unsettled.then(|| clock.now().plus(SETTLE));
        // What cannot be written cannot be tidied up either.
        let tidied = [aged, settled].into_iter().flatten().filter(|_| self.pause().is_none());
        due.into_iter().chain(tidied).filter_map(|at| clock.until(at)).chain(self.pause()).min()
    }

    /// Nothing came for as long as it was patient.
    pub(super) fn rest(&mut self) {
        self.fold.audience = self.shared.audience();
        let (due, lateness) = (self.fold.next_due(), self.shared.config.lateness);
        if let Mode::Live(clock) = &self.shared.config.mode {
            let now = clock.now().minus(lateness);
            let by_itself = due.is_some_and(|due| due <= now && clock.until(due.plus(lateness)).is_some());
            if by_itself {
                // Its failure is kept for whoever flushes.
                let _ = self.advance(now);
                return;
            }
            self.unsettled |= clock.now() >= self.aged_at;
        }
        if self.pause().is_some() {
            self.try_again();
        } else if self.unsettled {
            self.settle();
        }
    }

    /// Writes what has not been, forgets, and moves the write-ahead log into the file.
    pub(super) fn settle(&mut self) {
        let settled = self.save_reached().and_then(|()| self.forget_step());
        let settled = settled.and_then(|more| self.scrub_traces().map(|()| more));
        // Also where that failed: on a full disk a log that was moved can be written over.
        let moved = self.store.checkpoint();
        let settled = settled.and_then(|more| moved.map(|()| more));
        // Where there is more to forget, there is more to do when it has been idle again.
        self.unsettled = *settled.as_ref().unwrap_or(&false);
        if let Err(error) = settled {
            self.note_aside(error);
            self.aged_at = self.aged_at.max(self.now().plus(AGAIN));
        }
        self.say_lost();
    }

    /// Writes how far recording has come for those whom unwanted events moved.
    pub(super) fn save_reached(&mut self) -> Result<(), Error> {
        if self.shared.ingest.users.has_moved() { self.in_transaction(Self::put_reached) } else { Ok(()) }
    }

    pub(super) fn put_reached(&mut self) -> Result<(), Error> {
        if self.off {
            drop(self.shared.ingest.users.take_moved());
            return Ok(());
        }
        let moved = self.moved()?;
        if moved.is_empty() {
            return Ok(());
        }
        moved
            .into_iter()
            .try_for_each(|(user, reach)| self.store.put_reached(&StreamKey::User(user), reach.frontier, reach.session))
    }
}
