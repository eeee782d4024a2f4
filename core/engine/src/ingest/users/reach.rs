//! How far one user has come: their frontier, the number of their session.

use std::sync::Arc;

use ensue_rule::{Duration, Timestamp};

use super::newcomer::{Newcomer, Past};

/// Events that other threads may have been about to queue at the same time.
pub(super) const UNDER_WAY: u64 = 64;

/// How far a user has come.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    /// The largest event time seen; [`Timestamp::MIN`] before the first.
    pub(crate) frontier: Timestamp,
    /// The number of the session; 0 before the first event. Of a newcomer it counts from 1.
    pub(crate) session: u64,
    /// As whom they are counted, until this goes on from what the store remembers.
    pub(crate) newcomer: Option<Arc<Newcomer>>,
    /// How many items had been queued when an event of theirs last was about to be.
    pub(super) queued: u64,
    pub(super) moved: bool,
}

impl Default for Reach {
    fn default() -> Self {
        Self { frontier: Timestamp::MIN, session: 0, newcomer: None, queued: 0, moved: false }
    }
}

/// Where an event's time comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stamp {
    /// The event brought it.
    Given(Timestamp),
    /// The engine stamps it: now, and never before the user's frontier.
    Now(Timestamp),
}

impl Reach {
    /// Whether no event of theirs may be among the queued items after the first `done`.
    pub(super) fn is_done(&self, done: u64) -> bool {
        self.queued.saturating_add(UNDER_WAY) < done
    }

    /// Moves by an event at `ts` and gives its session.
    pub(super) fn step(&mut self, ts: Timestamp, session_gap: Duration) -> u64 {
        if self.session == 0 || ts > self.frontier.plus(session_gap) {
            if let Some(newcomer) = self.newcomer.as_ref().filter(|_| self.session > 0) {
                newcomer.begin_session(ts);
            }
            self.session = self.session.saturating_add(1);
            self.moved = true;
        }
        if ts > self.frontier {
            self.frontier = ts;
            self.moved = true;
        }
        self.session
    }

    /// Goes on from what came before, where this is still a newcomer's.
    pub(crate) fn go_on(&mut self, past: Past) {
        if self.newcomer.take().is_some() {
            self.frontier = self.frontier.max(past.frontier);
            self.session = past.session(self.session);
        }
    }
}

impl Stamp {
    pub(super) fn at(self, frontier: Timestamp) -> Timestamp {
        match self {
            Self::Given(ts) => ts,
            Self::Now(now) => now.max(frontier),
        }
    }
}
