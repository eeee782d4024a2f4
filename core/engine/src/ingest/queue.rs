//! The bounded queue between the threads that record and the worker.
//!
//! Events, marks of lost events and commands in one order. A full queue drops the newest event; where that happened, a
//! mark stands in the queue, so that the log knows of the gap. The worker is woken only if it sleeps.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration as Span;

use ensue_rule::{Event, Timestamp};

use super::users::Newcomer;
use crate::feedback::Feedback;
use crate::worker::Command;

/// Users named in one mark; where more lost events, the mark is for all.
const NAMED: usize = 64;

/// An event on its way to the worker.
#[derive(Debug)]
pub(crate) struct Queued {
    /// The event, with the wanted fields only (all of them if `whole`), its time and its user.
    pub(crate) event: Event,
    /// Its time.
    pub(crate) ts: Timestamp,
    /// Its user's frontier before it.
    pub(crate) before: Timestamp,
    /// The largest frontier of all users before it.
    pub(crate) device_before: Timestamp,
    /// The number of its session.
    pub(crate) session: u64,
    /// See [`Mark::newcomer`](super::users::Mark).
    pub(crate) newcomer: Option<Arc<Newcomer>>,
    /// Whether the engine stamped it.
    pub(crate) stamped: bool,
    /// Whether it was recorded before anyone knew what is wanted.
    pub(crate) whole: bool,
    /// The input line, in replay.
    pub(crate) line: Option<u64>,
}

/// Whose events were lost, and up to which event time.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// By user.
    pub(crate) users: BTreeMap<Option<Arc<str>>, Timestamp>,
    /// Of everyone: too many users to name.
    pub(crate) everyone: Option<Timestamp>,
}

/// One thing for the worker.
#[derive(Debug)]
pub(crate) enum Item {
    /// An event. Apart from the queue, so that its thirty words are written once, where they stay: copied here
    /// they would cost who records as much again, and who takes them out as long under the lock.
    Event(Box<Queued>),
    /// What became of a decision.
    Feedback(Feedback),
    /// Events were lost here.
    Gap(Lost),
    /// Something is asked.
    Command(Command),
}

/// What became of an event.
#[derive(Debug)]
pub(crate) enum Push {
    /// It is in the queue.
    Queued,
    /// There was no room.
    Full,
    /// The demand changed since it was looked up: look again.
    Stale,
    /// Nobody works.
    Closed,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    work: Condvar,
    room: Condvar,
    /// How many items were ever put in; written under the lock.
    queued: AtomicU64,
}

#[derive(Debug)]
struct State {
    items: VecDeque<Item>,
    events: usize,
    capacity: usize,
    /// The epoch of the demand table in force; 0: nobody knows yet what is wanted.
    epoch: u64,
    lost: Lost,
    sleeping: bool,
    /// So many threads wait for room.
    waiting: usize,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            events: 0,
            capacity,
            epoch: 0,
            lost: Lost::default(),
            sleeping: false,
            waiting: 0,
            closed: false,
        };
        Self { state: Mutex::new(state), work: Condvar::new(), room: Condvar::new(), queued: AtomicU64::new(0) }
    }

    /// Puts an event that was looked up under `epoch` in; `wait`: for room, if there is none and somebody makes it.
    pub(crate) fn push(&self, event: Box<Queued>, epoch: u64, wait: bool) -> Push {
        let mut state = self.lock();
        while wait && state.events >= state.capacity && !state.closed && state.epoch == epoch && epoch > 0 {
            state = self.wait_for_room(state);
        }
        if state.closed {
            return Push::Closed;
        }
        if state.epoch != epoch {
            return Push::Stale;
        }
        if state.events >= state.capacity {
            state.lost.add(event.event.user_id, event.ts);
            return Push::Full;
        }
        let marked = state.mark_lost();
        state.events += 1;
        state.items.push_back(Item::Event(event));
        self.count(1 + marked);
        self.wake(state);
        Push::Queued
    }

    /// Puts feedback in, which takes the room of an event; `wait`: as for an event.
    pub(crate) fn push_feedback(&self, feedback: Feedback, wait: bool) -> Push {
        let mut state = self.lock();
        while wait && state.events >= state.capacity && !state.closed && state.epoch > 0 {
            state = self.wait_for_room(state);
        }
        if state.closed {
            return Push::Closed;
        }
        if state.events >= state.capacity {
            return Push::Full;
        }
        let marked = state.mark_lost();
        state.events += 1;
        state.items.push_back(Item::Feedback(feedback));
        self.count(1 + marked);
        self.wake(state);
        Push::Queued
    }

    /// Events of anybody, up to a time, were lost before they came here.
    pub(crate) fn lose(&self, upto: Timestamp) {
        let mut state = self.lock();
        if !state.closed {
            state.lost.everyone = state.lost.everyone.max(Some(upto));
            // The mark is not to wait for the next event: it may be the absence of one that something waits for.
            self.wake(state);
        }
    }

    /// Puts a command in; back if nobody works.
    pub(crate) fn send(&self, command: Command) -> Result<(), Command> {
        self.send_with(command, || {})
    }

    /// Puts a command in; `also` runs after every earlier event was let in and before any later one is.
    pub(crate) fn send_with(&self, command: Command, also: impl FnOnce()) -> Result<(), Command> {
        let mut state = self.lock();
        if state.closed {
            return Err(command);
        }
        also();
        let marked = state.mark_lost();
        state.items.push_back(Item::Command(command));
        self.count(1 + marked);
        self.wake(state);
        Ok(())
    }

    /// Puts the last command in: nothing gets in after it, so that nothing is taken that nobody will look at.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.mark_lost();
        state.items.push_back(Item::Command(Command::Stop));
        state.closed = true;
        self.wake(state);
        self.room.notify_all();
    }

    /// From here on events must have been looked up under `epoch`; `publish` runs before any later event is let in.
    pub(crate) fn turn(&self, epoch: u64, capacity: usize, publish: impl FnOnce()) {
        let mut state = self.lock();
        state.epoch = epoch;
        state.capacity = capacity;
        state.events = events(state.items.iter());
        publish();
        drop(state);
        self.room.notify_all();
    }

    /// Takes at most `limit` items out, waiting for the first at most `patience` (`None`: for ever). Empty: it was over,
    /// or the queue is closed.
    pub(crate) fn take(&self, limit: usize, patience: Option<Span>, into: &mut Vec<Item>) {
        let mut state = self.lock();
        if state.items.is_empty() && state.lost.is_empty() && !state.closed {
            state.sleeping = true;
            state = match patience {
                Some(span) => self.work.wait_timeout(state, span).unwrap_or_else(PoisonError::into_inner).0,
                None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
            state.sleeping = false;
        }
        let n = limit.min(state.items.len());
        into.extend(state.items.drain(..n));
        if state.items.is_empty() {
            let lost = std::mem::take(&mut state.lost);
            if !lost.is_empty() {
                into.push(Item::Gap(lost));
                self.count(1);
            }
        }
        if state.epoch > 0 {
            // Before, the worker only holds them: they go on to count.
            state.events = state.events.saturating_sub(events(into.iter()));
        }
        let waited_for = state.waiting > 0;
        drop(state);
        // To wake nobody costs as much.
        if waited_for {
            self.room.notify_all();
        }
    }

    /// Lets nothing in any more and gives back what is in.
    pub(crate) fn close(&self) -> VecDeque<Item> {
        let mut state = self.lock();
        state.closed = true;
        let items = std::mem::take(&mut state.items);
        drop(state);
        self.work.notify_all();
        self.room.notify_all();
        items
    }

    /// How many items were ever put in.
    pub(crate) fn queued(&self) -> u64 {
        self.queued.load(Ordering::Relaxed)
    }

    fn count(&self, more: u64) {
        self.queued.store(self.queued() + more, Ordering::Relaxed);
    }

    fn wait_for_room<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.waiting += 1;
        state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        if std::mem::take(&mut state.sleeping) {
            drop(state);
            self.work.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn events<'a>(items: impl Iterator<Item = &'a Item>) -> usize {
    items.filter(|i| matches!(i, Item::Event(_) | Item::Feedback(_))).count()
}

impl State {
    /// Marks where events were lost; how many items that is.
    fn mark_lost(&mut self) -> u64 {
        if self.lost.is_empty() {
            return 0;
        }
        let lost = std::mem::take(&mut self.lost);
        self.items.push_back(Item::Gap(lost));
        1
    }
}

impl Lost {
    fn is_empty(&self) -> bool {
        self.users.is_empty() && self.everyone.is_none()
    }

    /// Takes over what was lost elsewhere.
    pub(crate) fn merge(&mut self, other: Self) {
        self.everyone = self.everyone.max(other.everyone);
        for (user, upto) in other.users {
            self.add(user, upto);
        }
    }

    fn add(&mut self, user: Option<Arc<str>>, ts: Timestamp) {
        if self.users.len() >= NAMED && !self.users.contains_key(&user) {
            let all = self.users.values().copied().max();
            self.users.clear();
            self.everyone = self.everyone.max(all);
        }
        if self.everyone.is_some() {
            self.everyone = self.everyone.max(Some(ts));
            return;
        }
        let upto = self.users.entry(user).or_insert(ts);
        *upto = ts.max(*upto);
    }
}

#[cfg(test)]
impl Queued {
    /// The first event of its user, for tests.
    pub(crate) fn of(event: Event, ts: i64) -> Box<Self> {
        Box::new(Self {
            event,
            ts: Timestamp(ts),
            before: Timestamp::MIN,
            device_before: Timestamp::MIN,
            session: 1,
            newcomer: None,
            stamped: false,
            whole: false,
            line: None,
        })
    }
}

#[cfg(test)]
mod tests;
