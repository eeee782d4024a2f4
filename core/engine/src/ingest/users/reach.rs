//! How far one user has come: their frontier, the number of their session.

use ensue_rule::{Duration, Timestamp};

/// Events that other threads may have been about to queue at the same time.
pub(super) const UNDER_WAY: u64 = 64;

/// How far a user has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The largest event time seen; [`Timestamp::MIN`] before the first.
    pub(crate) frontier: Timestamp,
    /// The number of the session; 0 before the first event. Until [`super::Users::join`] it counts from 1.
    pub(crate) session: u64,
    /// The time of the first event here.
    pub(crate) first: Timestamp,
    /// How many items had been queued when an event of theirs last was about to be.
    pub(super) queued: u64,
    /// Whether this goes on from what the store remembers.
    pub(crate) joined: bool,
    pub(super) moved: bool,
}

impl Default for Reach {
    fn default() -> Self {
        Self { frontier: Timestamp::MIN, session: 0, first: Timestamp::MIN, queued: 0, joined: false, moved: false }
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
        if self.session == 0 && !self.joined {
            self.first = ts;
        }
        if self.session == 0 || ts > self.frontier.plus(session_gap) {
            self.session = self.session.saturating_add(1);
            self.moved = true;
        }
        if ts > self.frontier {
            self.frontier = ts;
            self.moved = true;
        }
        self.session
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
