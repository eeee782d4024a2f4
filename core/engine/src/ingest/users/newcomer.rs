//! Users who are counted as if they had never been here, until the worker says what the store remembers of them.
//!
//! An event begins a session where it comes later than a pause after all events before it. Of a newcomer only those since
//! they came are known here: so a session counted here may prove to go on from the one before, once it is known how far they
//! had come, and none that goes on is ever missed. Such are noted, and taken back when the worker meets them
//! ([`Newcomer::settle`]). Whether an event is late is not decided here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ensue_rule::{Duration, Timestamp};
use smallvec::SmallVec;

/// So many sessions of a newcomer may prove to go on from the one before; what would be more is taken as it was counted.
const MOST: usize = 64;

/// A user from their first event here until it is known what came before.
#[derive(Debug)]
pub(crate) struct Newcomer {
    /// The time of the first event.
    first: Timestamp,
    sessions: Mutex<Sessions>,
}

#[derive(Debug)]
struct Sessions {
    /// When sessions began that may prove to go on from the one before, the first excepted; rising.
    doubtful: SmallVec<[Timestamp; 2]>,
    past: Option<Past>,
}

/// What came before a newcomer's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    /// How far the user had come.
    pub(crate) frontier: Timestamp,
    /// The sessions before the first that was counted.
    sessions: u64,
    /// So many of those that were counted, from the second on, are no new ones.
    undone: u64,
}

impl Past {
    /// The number of the session that was counted as this, from 1.
    pub(crate) fn session(&self, counted: u64) -> u64 {
        let undone = self.undone.min(counted.saturating_sub(1));
        self.sessions.saturating_add(counted).saturating_sub(undone)
    }
}

impl Newcomer {
    /// Who comes with an event at `first`; `device`: nobody has come further than this, as far as that is known.
    pub(super) fn at(first: Timestamp, device: Option<Timestamp>, session_gap: Duration) -> Self {
        // Here, so that an event that no task wants needs no room later on.
        let doubtful = SmallVec::with_capacity(room(first, device, session_gap));
        Self { first, sessions: Mutex::new(Sessions { doubtful, past: None }) }
    }

    /// A session begins, and not with the first event.
    pub(super) fn begin_session(&self, ts: Timestamp) {
        let doubtful = &mut self.lock().doubtful;
        if doubtful.len() < doubtful.capacity() {
            doubtful.push(ts);
        }
    }

    /// What came before, once it is known.
    pub(crate) fn past(&self) -> Option<Past> {
        self.lock().past
    }

    /// Says what came before: up to `frontier`, in so many sessions. What was said first holds.
    pub(super) fn settle(&self, (frontier, sessions): (Timestamp, u64), session_gap: Duration) -> Past {
        let mut counted = self.lock();
        let Sessions { doubtful, past } = &mut *counted;
        *past.get_or_insert_with(|| {
            let upto = frontier.plus(session_gap);
            let goes_on = sessions > 0 && self.first <= upto;
            let undone = doubtful.partition_point(|began| *began <= upto) as u64;
            Past { frontier, sessions: sessions - u64::from(goes_on), undone }
        })
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many sessions may prove to go on. Each begins later than a pause after the one before, and one that begins later
/// than a pause after everyone is one.
fn room(first: Timestamp, device: Option<Timestamp>, session_gap: Duration) -> usize {
    let Some(device) = device else { return MOST };
    if device <= first {
        return 0;
    }
    let pauses = device.0.saturating_sub(first.0).checked_div(session_gap.0);
    pauses.and_then(|n| usize::try_from(n).ok()).map_or(MOST, |n| n.saturating_add(1).min(MOST))
}
