//! Each user's frontier and session, moved by every event that is recorded, wanted or not.
//!
//! Small locks, held for nanoseconds, spread over shards by user; nothing here waits for I/O. What the fold takes for a
//! user's time is not this but what the queued events carry: the frontier before each.

mod newcomer;
mod reach;
mod shard;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ensue_rule::{Duration, Timestamp};

pub(crate) use newcomer::{Newcomer, Past};
pub(crate) use reach::{Reach, Stamp};
use shard::Shard;

const SHARDS: usize = 16;

/// So many times the limit are remembered at most, while the worker has not put any away yet.
const HARD: usize = 16;

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
    /// What the store remembers of the device was taken over.
    knows_device: AtomicBool,
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
    /// As whom the user is counted, where that does not go on yet from what the store remembers.
    pub(crate) newcomer: Option<Arc<Newcomer>>,
    /// The user's name, owned.
    pub(crate) user: Option<Arc<str>>,
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
            knows_device: AtomicBool::new(false),
        }
    }

    /// Moves a user's frontier by an event that is wanted, and before which so many items were queued.
    pub(crate) fn mark(&self, user: Option<&str>, stamp: Stamp, queued: u64) -> Mark {
        let mut shard = lock(self.shard(user));
        shard.events += 1;
        let mut stranger = Reach::default();
        let (reach, name) = match shard.reach(user, &self.count, self.most()) {
            Some((reach, name)) => (reach, name.cloned()),
            None => (&mut stranger, user.map(Arc::from)),
        };
        reach.queued = queued;
        let before = reach.frontier;
        let (ts, session) = self.step(reach, stamp);
        let newcomer = reach.newcomer.clone();
        drop(shard);
        Mark { ts, before, device_before: self.move_device(ts), session, newcomer, user: name }
    }

    /// Moves a user's frontier by an event that no task wants.
    pub(crate) fn pass(&self, user: Option<&str>, stamp: Stamp) {
        let mut shard = lock(self.shard(user));
        shard.events += 1;
        let ts = match shard.reach(user, &self.count, self.most()) {
            Some((reach, _)) => self.step(reach, stamp).0,
            None => stamp.at(Timestamp::MIN),
        };
        drop(shard);
        self.move_device(ts);
    }

    /// Moves by an event; its time and its session.
    fn step(&self, reach: &mut Reach, stamp: Stamp) -> (Timestamp, u64) {
        let ts = stamp.at(reach.frontier);
        if reach.session == 0 {
            reach.newcomer = Some(self.newcomer(ts));
        }
        (ts, reach.step(ts, self.session_gap))
    }

    /// So many are remembered at most.
    fn most(&self) -> usize {
        self.limit.saturating_mul(HARD)
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
        lock(self.shard(Some(user))).has(user)
    }

    /// Who comes with an event at `first`, and is not known here.
    #[cold]
    fn newcomer(&self, first: Timestamp) -> Arc<Newcomer> {
        let device = self.knows_device.load(Ordering::Acquire).then(|| self.device());
        Arc::new(Newcomer::at(first, device, self.session_gap))
    }

    /// As whom a user is counted who is here and does not go on yet from what the store remembers.
    pub(crate) fn newcomer_of(&self, user: Option<&str>) -> Option<Arc<Newcomer>> {
        lock(self.shard(user)).known(user)?.newcomer.clone()
    }

    /// Says what came before a newcomer: up to a frontier, in so many sessions. The user goes on from there, where it is
    /// still they who are here.
    pub(crate) fn join(&self, user: Option<&str>, newcomer: &Arc<Newcomer>, before: (Timestamp, u64)) -> Past {
        // No session of theirs begins meanwhile.
        let mut shard = lock(self.shard(user));
        let past = newcomer.settle(before, self.session_gap);
        let here = |reach: &Reach| reach.newcomer.as_ref().is_some_and(|n| Arc::ptr_eq(n, newcomer));
        if let Some(reach) = shard.known(user).filter(|reach| here(reach)) {
            reach.go_on(past);
        }
        past
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

    /// Takes a user out, of whom all is done as [`Users::oldest`] says, still, and who is no newcomer: who comes again is new
    /// here.
    pub(crate) fn take(&self, user: &str, done: u64) -> Option<Reach> {
        let mut shard = lock(self.shard(Some(user)));
        let reach = shard.known(Some(user)).filter(|r| r.is_done(done) && r.newcomer.is_none())?.clone();
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
        if let Some((reach, _)) = shard.reach(user, &self.count, usize::MAX) {
            if let Some(newcomer) = reach.newcomer.clone() {
                reach.go_on(newcomer.settle((frontier, session), self.session_gap));
            } else {
                reach.frontier = reach.frontier.max(frontier);
                reach.session = reach.session.max(session);
            }
        }
        self.move_device(frontier);
    }

    /// Takes over what the store remembers of the device.
    pub(crate) fn restore_device(&self, frontier: Timestamp) {
        self.move_device(frontier);
    }

    /// What the store remembers of all users and the device was taken over.
    pub(crate) fn know_device(&self) {
        self.knows_device.store(true, Ordering::Release);
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
                moved.push((None, shard.anonymous.clone()));
            }
            for entry in shard.entries.iter_mut().filter(|e| e.reach.moved) {
                entry.reach.moved = false;
                moved.push((Some(entry.name.clone()), entry.reach.clone()));
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

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
