//! Each user's frontier and session, moved by every event that is recorded, wanted or not.
//!
//! Small locks, held for nanoseconds, spread over shards by user; nothing here waits for I/O. What the fold takes for a
//! user's time is not this but what the queued events carry: the frontier before each.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ensue_rule::{Duration, Timestamp};
use rustc_hash::FxHashMap;

const SHARDS: usize = 16;

/// So many times the limit are remembered at most, while the worker has not put any away yet.
const HARD: usize = 16;

/// Events that other threads may have been about to queue at the same time.
const UNDER_WAY: u64 = 64;

/// The frontiers of all users.
#[derive(Debug)]
pub(crate) struct Users {
    session_gap: Duration,
    /// How many are remembered; more are the worker's to put away.
    limit: usize,
    /// How many there are.
    count: AtomicUsize,
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
    /// The number of the session; 0 before the first event. Until [`Users::join`] it counts from 1.
    pub(crate) session: u64,
    /// The time of the first event here; meaningless once joined.
    pub(crate) first: Timestamp,
    /// How many items had been queued when an event of theirs last was about to be.
    queued: u64,
    /// Whether this goes on from what the store remembers.
    pub(crate) joined: bool,
    moved: bool,
}

impl Default for Reach {
    fn default() -> Self {
        Self { frontier: Timestamp::MIN, session: 0, first: Timestamp::MIN, queued: 0, joined: false, moved: false }
    }
}

/// Users with how far they have come.
pub(crate) type Moved = Vec<(Option<Arc<str>>, Reach)>;

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
    /// The time of the user's first event here, where that does not go on yet from what the store remembers.
    pub(crate) first: Option<Timestamp>,
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
    pub(crate) fn new(session_gap: Duration, limit: usize) -> Self {
        Self {
            session_gap,
            limit,
            count: AtomicUsize::new(0),
            anonymous: Mutex::default(),
            shards: Default::default(),
            device: AtomicI64::new(i64::MIN),
        }
    }

    /// Moves a user's frontier by an event; `queued`: it is wanted, and so many items were queued before it. Then the
    /// user's name is owned too.
    pub(crate) fn mark(&self, user: Option<&str>, stamp: Stamp, queued: Option<u64>) -> Mark {
        let mut shard = lock(self.shard(user));
        shard.events += 1;
        let mut stranger = Reach::default();
        let (reach, name) = match shard.reach(user, &self.count, self.limit.saturating_mul(HARD)) {
            Some((reach, name)) => (reach, name.filter(|_| queued.is_some()).cloned()),
            None => (&mut stranger, user.filter(|_| queued.is_some()).map(Arc::from)),
        };
        reach.queued = queued.unwrap_or(reach.queued);
        let (before, ts) = (reach.frontier, stamp.at(reach.frontier));
        let session = reach.step(ts, self.session_gap);
        let first = (!reach.joined).then_some(reach.first);
        drop(shard);
        Mark { ts, before, device_before: self.move_device(ts), session, first, user: name }
    }

    /// How many users are remembered here.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether there are so many that some should be put away without waiting for a rest.
    pub(crate) fn is_crowded(&self) -> bool {
        self.len() > self.limit.saturating_mul(2)
    }

    /// Whether a user is remembered here.
    pub(crate) fn has(&self, user: &str) -> bool {
        lock(self.shard(Some(user))).places.contains_key(user)
    }

    /// Goes on from what the store remembers of a user, if they are here and do not yet: `sessions` came before those that
    /// were counted here.
    pub(crate) fn join(&self, user: Option<&str>, frontier: Timestamp, sessions: u64) {
        let mut shard = lock(self.shard(user));
        if let Some(reach) = shard.known(user).filter(|r| !r.joined) {
            reach.frontier = reach.frontier.max(frontier);
            reach.session = reach.session.saturating_add(sessions);
            reach.joined = true;
        }
    }

    /// The users but for the `keep` newest, by the last event, oldest first; none of whom an event may still be among the
    /// queued items after the first `done`.
    pub(crate) fn oldest(&self, keep: usize, done: u64) -> Vec<Arc<str>> {
        let mut all: Vec<(Timestamp, Arc<str>)> = Vec::new();
        for shard in &self.shards {
            all.extend(
                lock(shard)
                    .entries
                    .iter()
                    .filter(|e| e.reach.is_done(done))
                    .map(|e| (e.reach.frontier, e.name.clone())),
            );
        }
        all.sort_unstable();
        all.truncate(all.len().saturating_sub(keep));
        all.into_iter().map(|(_, name)| name).collect()
    }

    /// Takes a user out, of whom all is done as [`Users::oldest`] says, still: who comes again is new here.
    pub(crate) fn take(&self, user: &str, done: u64) -> Option<Reach> {
        let mut shard = lock(self.shard(Some(user)));
        let reach = *shard.known(Some(user)).filter(|r| r.is_done(done))?;
        shard.remove(Some(user), &self.count);
        Some(reach)
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
        let reach = shard.reach(user, &self.count, usize::MAX).map(|(reach, _)| reach);
        // Who has recorded since goes on when the worker meets them.
        if let Some(reach) = reach.filter(|r| r.joined || r.session == 0) {
            reach.frontier = reach.frontier.max(frontier);
            reach.session = reach.session.saturating_add(session);
            reach.joined = true;
        }
        self.move_device(frontier);
    }

    /// Forgets a user.
    pub(crate) fn remove(&self, user: Option<&str>) {
        lock(self.shard(user)).remove(user, &self.count);
    }

    /// Forgets everyone. How many events were marked stays.
    pub(crate) fn clear(&self) {
        for shard in self.all() {
            let mut shard = lock(shard);
            self.count.fetch_sub(shard.entries.len(), Ordering::Relaxed);
            *shard = Shard { events: shard.events, ..Shard::default() };
        }
        self.device.store(i64::MIN, Ordering::Release);
    }

    /// Whether anyone moved since the last call of [`Users::take_moved`].
    pub(crate) fn has_moved(&self) -> bool {
        self.all().map(lock).any(|shard| shard.anonymous.moved || shard.entries.iter().any(|e| e.reach.moved))
    }

    /// Those who moved since the last call, in no order.
    pub(crate) fn take_moved(&self) -> Moved {
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

    fn remove(&mut self, user: Option<&str>, count: &AtomicUsize) {
        let Some(user) = user else {
            self.anonymous = Reach::default();
            return;
        };
        let Some(place) = self.places.remove(user) else { return };
        self.entries.swap_remove(place);
        count.fetch_sub(1, Ordering::Relaxed);
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.name.clone(), place);
        }
    }

    /// A user who is here.
    fn known(&mut self, user: Option<&str>) -> Option<&mut Reach> {
        let Some(user) = user else { return Some(&mut self.anonymous) };
        let place = *self.places.get(user)?;
        self.entries.get_mut(place).map(|e| &mut e.reach)
    }

    /// A user, who is new where they were not here; `None`: there are `most` already.
    fn reach(
        &mut self,
        user: Option<&str>,
        count: &AtomicUsize,
        most: usize,
    ) -> Option<(&mut Reach, Option<&Arc<str>>)> {
        let Some(user) = user else { return Some((&mut self.anonymous, None)) };
        let place = match self.places.get(user) {
            Some(place) => *place,
            None if count.load(Ordering::Relaxed) >= most => return None,
            None => {
                count.fetch_add(1, Ordering::Relaxed);
                self.add(user)
            }
        };
        self.entries.get_mut(place).map(|entry| (&mut entry.reach, Some(&entry.name)))
    }
}

impl Reach {
    /// Whether no event of theirs may be among the queued items after the first `done`.
    fn is_done(&self, done: u64) -> bool {
        self.queued.saturating_add(UNDER_WAY) < done
    }

    /// Moves by an event at `ts` and gives its session.
    fn step(&mut self, ts: Timestamp, session_gap: Duration) -> u64 {
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
        let m = users.mark(user, Stamp::Given(Timestamp(ts)), Some(0));
        assert_eq!(m.user.as_deref(), user);
        (m.before.0, m.device_before.0, m.session)
    }

    #[test]
    fn each_user_has_a_frontier_of_their_own() {
        let users = Users::new(Duration(100), 100);
        assert_eq!(given(&users, Some("a"), 10), (i64::MIN, i64::MIN, 1));
        assert_eq!(given(&users, None, 50), (i64::MIN, 10, 1));
        assert_eq!(given(&users, Some("a"), 5), (10, 50, 1));
        assert_eq!(given(&users, Some("a"), 20), (10, 50, 1));
        assert_eq!(users.events(), 4);
    }

    #[test]
    fn a_pause_longer_than_the_gap_begins_a_session() {
        let users = Users::new(Duration(100), 100);
        let sessions: Vec<u64> = [0, 100, 201, 150, 301, 402].map(|ts| given(&users, Some("a"), ts).2).to_vec();
        assert_eq!(sessions, [1, 1, 2, 2, 2, 3]);
    }

    #[test]
    fn a_stamp_is_never_before_the_frontier() {
        let users = Users::new(Duration(100), 100);
        given(&users, None, 70);
        assert_eq!(users.mark(None, Stamp::Now(Timestamp(60)), None).ts, Timestamp(70));
        assert_eq!(users.mark(None, Stamp::Now(Timestamp(80)), None).ts, Timestamp(80));
    }

    #[test]
    fn who_is_forgotten_begins_anew_and_nobody_else() {
        let users = Users::new(Duration(100), 100);
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
    fn who_was_taken_out_is_new_until_joined_with_what_the_store_remembers() {
        let users = Users::new(Duration(100), 1);
        for (ts, user) in [(10, "a"), (500, "a"), (30, "b"), (20, "c")] {
            given(&users, Some(user), ts);
        }
        let done = UNDER_WAY + 1;
        assert_eq!(users.oldest(1, done), ["c".into(), "b".into()]);
        assert!(users.take("a", UNDER_WAY).is_none(), "an event may be on its way");
        let reach = users.take("a", done).unwrap();
        assert_eq!(
            (reach.frontier, reach.session, reach.first, reach.joined),
            (Timestamp(500), 2, Timestamp(10), false)
        );
        assert!(!users.has("a") && users.take("a", done).is_none());
        let again = users.mark(Some("a"), Stamp::Given(Timestamp(550)), None);
        assert_eq!((again.before, again.session, again.first), (Timestamp::MIN, 1, Some(Timestamp(550))));
        // The second session goes on.
        users.join(Some("a"), Timestamp(500), 1);
        users.join(Some("a"), Timestamp(9_000), 7);
        let known = users.mark(Some("a"), Stamp::Given(Timestamp(700)), None);
        assert_eq!((known.before, known.session, known.first), (Timestamp(550), 3, None));
    }

    #[test]
    fn beyond_many_times_the_limit_nobody_new_is_remembered() {
        let users = Users::new(Duration(100), 2);
        for n in 0..1_000 {
            let mark = users.mark(Some(&format!("u{n}")), Stamp::Given(Timestamp(n)), Some(0));
            assert_eq!((mark.session, mark.user.unwrap()), (1, format!("u{n}").into()));
        }
        assert_eq!((users.len(), users.events()), (2 * HARD, 1_000));
        assert!(users.is_crowded());
        assert_eq!(given(&users, Some("u0"), 5_000).0, 0);
    }

    #[test]
    fn what_moved_is_told_once() {
        let users = Users::new(Duration(100), 100);
        given(&users, Some("a"), 70);
        given(&users, None, 10);
        let mut moved: Vec<_> = users.take_moved().into_iter().map(|(u, r)| (u, r.frontier.0, r.session)).collect();
        moved.sort();
        assert_eq!(moved, [(None, 10, 1), (Some("a".into()), 70, 1)]);
        given(&users, Some("a"), 60);
        assert_eq!(users.take_moved(), []);
    }
}
