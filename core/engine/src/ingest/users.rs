//! Each user's frontier and session, moved by every event that is recorded, wanted or not.
//!
//! Small locks, held for nanoseconds, spread over shards by user; nothing here waits for I/O. What the fold takes for a
//! user's time is not this but what the queued events carry: the frontier before each.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ensue_rule::{Duration, Timestamp};
use rustc_hash::FxHashMap;

const SHARDS: usize = 16;

/// The frontiers of all users.
#[derive(Debug)]
pub(crate) struct Users {
    session_gap: Duration,
    anonymous: Mutex<Shard>,
    shards: [Mutex<Shard>; SHARDS],
    device: AtomicI64,
}

#[derive(Debug, Default)]
struct Shard {
    /// Where in `entries` a user is.
    places: FxHashMap<Arc<str>, usize>,
    entries: Vec<Entry>,
    /// The anonymous user, in the shard of its own.
    anonymous: Reach,
    events: u64,
}

#[derive(Debug)]
struct Entry {
    name: Arc<str>,
    reach: Reach,
}

/// How far a user has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The largest event time seen; [`Timestamp::MIN`] before the first.
    pub(crate) frontier: Timestamp,
    /// The number of the session; 0 before the first event.
    pub(crate) session: u64,
    moved: bool,
}

impl Default for Reach {
    fn default() -> Self {
        Self { frontier: Timestamp::MIN, session: 0, moved: false }
    }
}

/// What an event's record call found.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    /// The event's time.
    pub(crate) ts: Timestamp,
    /// The user's frontier before the event.
    pub(crate) before: Timestamp,
    /// The largest frontier of all users before the event.
    pub(crate) device_before: Timestamp,
    /// The number of the event's session.
    pub(crate) session: u64,
    /// The user's name, owned; only where it was asked for.
    pub(crate) user: Option<Arc<str>>,
}

/// Where an event's time comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stamp {
    /// The event brought it.
    Given(Timestamp),
    /// The engine stamps it: now, and never before the user's frontier.
    Now(Timestamp),
}

impl Users {
    pub(crate) fn new(session_gap: Duration) -> Self {
        Self { session_gap, anonymous: Mutex::default(), shards: Default::default(), device: AtomicI64::new(i64::MIN) }
    }

    /// Moves a user's frontier by an event; `named`: the user's name is needed afterwards.
    pub(crate) fn mark(&self, user: Option<&str>, stamp: Stamp, named: bool) -> Mark {
        let mut shard = lock(self.shard(user));
        shard.events += 1;
        let (reach, name) = shard.reach(user);
        let name = if named { name.cloned() } else { None };
        let (before, ts) = (reach.frontier, stamp.at(reach.frontier));
        let session = reach.step(ts, self.session_gap);
        drop(shard);
        Mark { ts, before, device_before: self.move_device(ts), session, user: name }
    }

    /// The largest frontier of all users.
    pub(crate) fn device(&self) -> Timestamp {
        Timestamp(self.device.load(Ordering::Acquire))
    }

    /// How many events were marked.
    pub(crate) fn events(&self) -> u64 {
        self.all().map(|s| lock(s).events).sum()
    }

    /// Takes over what the store remembers of a user; events recorded since opening only move it on.
    pub(crate) fn restore(&self, user: Option<&str>, frontier: Timestamp, session: u64) {
        let mut shard = lock(self.shard(user));
        let (reach, _) = shard.reach(user);
        reach.frontier = reach.frontier.max(frontier);
        reach.session = reach.session.saturating_add(session);
        self.move_device(frontier);
    }

    /// Forgets a user.
    pub(crate) fn remove(&self, user: Option<&str>) {
        lock(self.shard(user)).remove(user);
    }

    /// Forgets everyone. How many events were marked stays.
    pub(crate) fn clear(&self) {
        for shard in self.all() {
            let mut shard = lock(shard);
            *shard = Shard { events: shard.events, ..Shard::default() };
        }
        self.device.store(i64::MIN, Ordering::Release);
    }

    /// Whether anyone moved since the last call of [`Users::take_moved`].
    pub(crate) fn has_moved(&self) -> bool {
        self.all().map(lock).any(|shard| shard.anonymous.moved || shard.entries.iter().any(|e| e.reach.moved))
    }

    /// Those who moved since the last call, in no order.
    pub(crate) fn take_moved(&self) -> Vec<(Option<Arc<str>>, Reach)> {
        let mut moved = Vec::new();
        for shard in self.all() {
            let mut shard = lock(shard);
            if std::mem::take(&mut shard.anonymous.moved) {
                moved.push((None, shard.anonymous));
            }
            for entry in shard.entries.iter_mut().filter(|e| e.reach.moved) {
                entry.reach.moved = false;
                moved.push((Some(entry.name.clone()), entry.reach));
            }
        }
        moved
    }

    fn move_device(&self, ts: Timestamp) -> Timestamp {
        let before = self.device.load(Ordering::Acquire);
        if before >= ts.0 {
            return Timestamp(before);
        }
        Timestamp(self.device.fetch_max(ts.0, Ordering::AcqRel))
    }

    fn shard(&self, user: Option<&str>) -> &Mutex<Shard> {
        let Some(user) = user else { return &self.anonymous };
        // Ids differ in their last characters; a full hash would cost more than it spreads.
        let (last, rest) = user.as_bytes().split_last().map_or((0, 0), |(last, rest)| (*last, rest.len()));
        self.shards.get((usize::from(last) + rest) % SHARDS).unwrap_or(&self.anonymous)
    }

    fn all(&self) -> impl Iterator<Item = &Mutex<Shard>> {
        std::iter::once(&self.anonymous).chain(&self.shards)
    }
}

impl Shard {
    #[cold]
    fn add(&mut self, user: &str) -> usize {
        let name: Arc<str> = user.into();
        self.places.insert(name.clone(), self.entries.len());
        self.entries.push(Entry { name, reach: Reach::default() });
        self.entries.len() - 1
    }

    fn remove(&mut self, user: Option<&str>) {
        let Some(user) = user else {
            self.anonymous = Reach::default();
            return;
        };
        let Some(place) = self.places.remove(user) else { return };
        self.entries.swap_remove(place);
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.name.clone(), place);
        }
    }

    fn reach(&mut self, user: Option<&str>) -> (&mut Reach, Option<&Arc<str>>) {
        let Some(user) = user else { return (&mut self.anonymous, None) };
        let place = self.places.get(user).copied().unwrap_or_else(|| self.add(user));
        match self.entries.get_mut(place) {
            Some(entry) => (&mut entry.reach, Some(&entry.name)),
            None => (&mut self.anonymous, None),
        }
    }
}

impl Reach {
    /// Moves by an event at `ts` and gives its session.
    fn step(&mut self, ts: Timestamp, session_gap: Duration) -> u64 {
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
    fn at(self, frontier: Timestamp) -> Timestamp {
        match self {
            Self::Given(ts) => ts,
            Self::Now(now) => now.max(frontier),
        }
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(users: &Users, user: Option<&str>, ts: i64) -> (i64, i64, u64) {
        let m = users.mark(user, Stamp::Given(Timestamp(ts)), true);
        assert_eq!(m.user.as_deref(), user);
        (m.before.0, m.device_before.0, m.session)
    }

    #[test]
    fn each_user_has_a_frontier_of_their_own() {
        let users = Users::new(Duration(100));
        assert_eq!(given(&users, Some("a"), 10), (i64::MIN, i64::MIN, 1));
        assert_eq!(given(&users, None, 50), (i64::MIN, 10, 1));
        assert_eq!(given(&users, Some("a"), 5), (10, 50, 1));
        assert_eq!(given(&users, Some("a"), 20), (10, 50, 1));
        assert_eq!(users.events(), 4);
    }

    #[test]
    fn a_pause_longer_than_the_gap_begins_a_session() {
        let users = Users::new(Duration(100));
        let sessions: Vec<u64> = [0, 100, 201, 150, 301, 402].map(|ts| given(&users, Some("a"), ts).2).to_vec();
        assert_eq!(sessions, [1, 1, 2, 2, 2, 3]);
    }

    #[test]
    fn a_stamp_is_never_before_the_frontier() {
        let users = Users::new(Duration(100));
        given(&users, None, 70);
        assert_eq!(users.mark(None, Stamp::Now(Timestamp(60)), false).ts, Timestamp(70));
        assert_eq!(users.mark(None, Stamp::Now(Timestamp(80)), false).ts, Timestamp(80));
    }

    #[test]
    fn who_is_forgotten_begins_anew_and_nobody_else() {
        let users = Users::new(Duration(100));
        // One shard: the place of the last is taken by another when one goes.
        for (n, user) in ["a0", "b0", "c0"].into_iter().enumerate() {
            given(&users, Some(user), 10 + i64::try_from(n).unwrap());
        }
        users.remove(Some("a0"));
        users.remove(Some("unknown"));
        assert_eq!(given(&users, Some("c0"), 20), (12, 12, 1));
        assert_eq!(given(&users, Some("b0"), 20), (11, 20, 1));
        assert_eq!(given(&users, Some("a0"), 5), (i64::MIN, 20, 1));
        users.clear();
        assert_eq!(given(&users, Some("b0"), 20), (i64::MIN, i64::MIN, 1));
        assert_eq!(users.events(), 7);
    }

    #[test]
    fn what_moved_is_told_once() {
        let users = Users::new(Duration(100));
        given(&users, Some("a"), 70);
        given(&users, None, 10);
        let mut moved: Vec<_> = users.take_moved().into_iter().map(|(u, r)| (u, r.frontier.0, r.session)).collect();
        moved.sort();
        assert_eq!(moved, [(None, 10, 1), (Some("a".into()), 70, 1)]);
        given(&users, Some("a"), 60);
        assert_eq!(users.take_moved(), []);
    }
}
