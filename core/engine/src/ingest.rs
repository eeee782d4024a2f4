//! What happens on the thread that records: look the event up, move its user's time, queue it.
//!
//! Never waits for I/O. An event that no task wants costs two or three hash look-ups and no allocation; one that is
//! wanted is made owned here, with its wanted fields only. Whether it is late, and what it completes, the worker says.

mod attributes;
mod demand;
mod incoming;
mod queue;
mod size;
mod users;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use ensue_rule::{Duration, EventRef, Source, Timestamp, UTC_OFFSETS};

pub use attributes::Attributes;
pub(crate) use demand::DemandTable;
use incoming::Incoming;
pub(crate) use queue::{Item, Lost, Push, Queue, Queued};
use size::{DEPTH, size};
use users::Mark;
pub(crate) use users::Users;
pub(crate) use users::{Moved, Newcomer, Past, Reach, Stamp};

use crate::clock::Clock;
use crate::config::{Config, Mode};
use crate::event_json::Draft;
use crate::feedback::Feedback;
use crate::report::{Recorded, Rejected};
use crate::stats::Counters;
use crate::worker::Command;

/// An event further ahead of the clock than this is set back to it.
const AHEAD: Duration = Duration::MINUTE;

/// No decision has a longer id.
const LONGEST_ID: usize = 64;

/// The recording side of an engine.
#[derive(Debug)]
pub(crate) struct Ingest {
    /// What is wanted; `None` until that is known.
    table: ArcSwapOption<DemandTable>,
    pub(crate) users: Users,
    pub(crate) queue: Queue,
    identified: ArcSwap<Option<Arc<str>>>,
    /// `None` in replay.
    clock: Option<Arc<dyn Clock>>,
    /// A time that the clock has passed: saves asking it for events that lie before.
    passed: AtomicI64,
    capacity: usize,
    event_bytes: usize,
    /// The user has opted out: nothing is taken.
    off: AtomicBool,
    /// The worker was asked to put users away.
    putting_away: AtomicBool,
}

impl Ingest {
    pub(crate) fn new(config: &Config) -> Self {
        let clock = match &config.mode {
            Mode::Live(clock) => Some(clock.clone()),
            Mode::Replay => None,
        };
        Self {
            table: ArcSwapOption::empty(),
            users: Users::new(config.session_gap, config.users),
            putting_away: AtomicBool::new(false),
            queue: Queue::new(config.early),
            identified: ArcSwap::from_pointee(None),
            clock,
            passed: AtomicI64::new(i64::MIN),
            capacity: config.queue,
            event_bytes: config.event_bytes,
            off: AtomicBool::new(false),
        }
    }

    /// See [`crate::Engine::record`]; `patient`: waits for room in the queue, as replay always does.
    pub(crate) fn record(
        &self,
        event: &EventRef<'_>,
        line: Option<u64>,
        patient: bool,
        counters: &Counters,
    ) -> Recorded {
        if let Err(answer) = self.check(event, counters) {
            return answer;
        }
        let read = |attributes: &mut Attributes<'_>| {
            for (name, value) in event.args {
                if attributes.wants(name) {
                    attributes.take(name, value.clone());
                }
            }
            Ok::<_, Infallible>(())
        };
        let incoming = Incoming { line, patient, ..Incoming::of(event, read, usize::MAX) };
        let Ok(recorded) = self.take(&incoming, counters);
        recorded
    }

    /// [`Ingest::record`] of an event in its JSON form, whose arguments are read only where some task reads them.
    pub(crate) fn record_json(
        &self,
        event: &Draft<'_>,
        line: Option<u64>,
        patient: bool,
        counters: &Counters,
    ) -> Recorded {
        if !event.is_within(self.event_bytes, DEPTH) {
            // Whether it is too large says only what is read of it.
            return event.lend(|event| self.record(event, line, patient, counters));
        }
        let head = &event.head();
        if let Err(answer) = self.check(head, counters) {
            return answer;
        }
        let read = |attributes: &mut Attributes<'_>| {
            event.each_argument(|name, value| {
                if attributes.wants(name) {
                    attributes.take(name, value.read());
                }
            });
            Ok::<_, Infallible>(())
        };
        let incoming = Incoming { line, patient, ..Incoming::of(head, read, usize::MAX) };
        let Ok(recorded) = self.take(&incoming, counters);
        recorded
    }

    /// See [`crate::Engine::record_reading`] and, for what was `kept` since then, [`crate::Engine::record_kept`].
    pub(crate) fn record_reading<E>(
        &self,
        head: &EventRef<'_>,
        kept: Option<Timestamp>,
        read: impl Fn(&mut Attributes<'_>) -> Result<(), E>,
        counters: &Counters,
    ) -> Result<Recorded, E> {
        match self.check(head, counters) {
            Err(answer) => Ok(answer),
            Ok(left) => self.take(&Incoming { kept, ..Incoming::of(head, read, left) }, counters),
        }
    }

    /// See [`crate::Engine::lose`].
    pub(crate) fn lose(&self, events: u64, counters: &Counters) {
        if events == 0 || self.off.load(Ordering::Acquire) {
            return;
        }
        counters.dropped.add(events);
        let now = match &self.clock {
            Some(clock) => self.now(&**clock),
            None => self.users.device(),
        };
        self.queue.lose(now);
    }

    /// Takes an event that is good as far as it is read.
    fn take<E, R: Fn(&mut Attributes<'_>) -> Result<(), E>>(
        &self,
        incoming: &Incoming<'_, R>,
        counters: &Counters,
    ) -> Result<Recorded, E> {
        let event = incoming.head;
        let identified = event.user_id.is_none().then(|| self.identified.load());
        let user = event.user_id.or_else(|| identified.as_ref().and_then(|i| i.as_deref()));
        let table = self.table.load();
        let want = match &*table {
            None => None,
            Some(table) => match table.look_up(event.action_type, event.scene) {
                None => {
                    self.pass(user, self.stamp(event.ts, incoming.kept, counters));
                    return Ok(Recorded::Unwanted);
                }
                want => want,
            },
        };
        let Some(args) = incoming.args(want.as_ref()).inspect_err(|_| counters.rejected.add(1))? else {
            counters.rejected.add(1);
            return Ok(Recorded::Rejected(Rejected::TooLarge));
        };
        let mark = self.users.mark(user, self.stamp(event.ts, incoming.kept, counters), self.queue.queued());
        let queued = incoming.owned(&mark, want, args);
        let recorded = self.queue(queued, incoming, &mark, table.as_ref().map_or(0, |t| t.epoch()))?;
        match recorded {
            Recorded::Queued if table.is_some() => counters.demanded.add(1),
            Recorded::Full => counters.dropped.add(1),
            _ => {}
        }
        Ok(recorded)
    }

    /// See [`crate::Engine::feedback`]; `patient`: as in [`Ingest::record`].
    pub(crate) fn feedback(&self, feedback: Feedback, patient: bool, counters: &Counters) -> Recorded {
        if self.off.load(Ordering::Acquire) {
            return Recorded::OptedOut;
        }
        if feedback.decision.len() > LONGEST_ID {
            counters.rejected.add(1);
            return Recorded::Rejected(Rejected::TooLarge);
        }
        let ts = match (&self.clock, feedback.ts) {
            (Some(clock), Some(ts)) => Some(self.clamp(ts, &**clock, counters)),
            (Some(clock), None) => Some(self.now(&**clock)),
            (None, ts) => ts,
        };
        match self.queue.push_feedback(Feedback { ts, ..feedback }, patient || self.clock.is_none()) {
            Push::Queued => Recorded::Queued,
            Push::Closed => Recorded::Closed,
            Push::Full | Push::Stale => {
                counters.dropped.add(1);
                Recorded::Full
            }
        }
    }

    /// Puts a wanted event in the queue; looks it up, and reads it, anew as long as the demand changes under it.
    fn queue<E, R: Fn(&mut Attributes<'_>) -> Result<(), E>>(
        &self,
        mut queued: Box<Queued>,
        incoming: &Incoming<'_, R>,
        mark: &Mark,
        mut epoch: u64,
    ) -> Result<Recorded, E> {
        loop {
            match self.queue.push(queued, epoch, incoming.patient || self.clock.is_none()) {
                Push::Queued => return Ok(Recorded::Queued),
                Push::Full => return Ok(Recorded::Full),
                Push::Closed => return Ok(Recorded::Closed),
                Push::Stale => {}
            }
            let table = self.table.load();
            let event = incoming.head;
            let fresh = match &*table {
                None => None,
                Some(table) => match table.look_up(event.action_type, event.scene) {
                    None => return Ok(Recorded::Unwanted),
                    want => want,
                },
            };
            epoch = table.as_ref().map_or(0, |t| t.epoch());
            // It was small enough, and its size is not of the demand.
            let args = incoming.args(fresh.as_ref())?.unwrap_or_default();
            queued = incoming.owned(mark, fresh, args);
        }
    }

    /// From now on `table` says what is wanted, for every event that is queued after this call.
    pub(crate) fn publish(&self, table: DemandTable) {
        self.queue.turn(table.epoch(), self.capacity, || self.table.store(Some(Arc::new(table))));
    }

    /// The epoch of the table in force.
    pub(crate) fn epoch(&self) -> u64 {
        self.table.load().as_ref().map_or(0, |t| t.epoch())
    }

    /// Takes nothing any more; who waits for an answer is let go.
    pub(crate) fn close(&self) {
        // Without a table every event goes to the queue, which says that it is closed.
        self.table.store(None);
        drop(self.queue.close());
    }

    pub(crate) fn identify(&self, user: Option<&str>) {
        self.identified.store(Arc::new(user.map(Arc::from)));
    }

    /// An event that no task wants goes by.
    fn pass(&self, user: Option<&str>, stamp: Stamp) {
        self.users.pass(user, stamp);
        if self.users.is_crowded() {
            self.put_away();
        }
    }

    /// Asks the worker, once, to put users away.
    #[cold]
    fn put_away(&self) {
        if !self.putting_away.swap(true, Ordering::AcqRel) {
            // Where nobody works there is nobody to put away.
            let _ = self.queue.send(Command::PutAway);
        }
    }

    /// The worker has put users away.
    pub(crate) fn has_put_away(&self) {
        self.putting_away.store(false, Ordering::Release);
    }

    /// Takes nothing, or something again; nobody is known either way.
    pub(crate) fn turn_off(&self, off: bool) {
        self.off.store(off, Ordering::Release);
        self.users.clear();
        self.identify(None);
    }

    /// `kept`: since when the host kept an event that brings no time.
    fn stamp(&self, ts: Option<Timestamp>, kept: Option<Timestamp>, counters: &Counters) -> Stamp {
        match (&self.clock, ts) {
            (None, Some(ts)) => Stamp::Given(ts),
            (None, None) => Stamp::Now(self.users.device().max(Timestamp(0))),
            (Some(clock), None) => {
                let now = self.now(&**clock);
                Stamp::Now(kept.map_or(now, |kept| kept.min(now)))
            }
            (Some(clock), Some(ts)) => Stamp::Given(self.clamp(ts, &**clock, counters)),
        }
    }

    /// Sets an event from the future back to now.
    fn clamp(&self, ts: Timestamp, clock: &dyn Clock, counters: &Counters) -> Timestamp {
        if ts <= Timestamp(self.passed.load(Ordering::Relaxed)).plus(AHEAD) {
            return ts;
        }
        let now = self.now(clock);
        if ts <= now.plus(AHEAD) {
            return ts;
        }
        counters.clamped.add(1);
        now
    }

    fn now(&self, clock: &dyn Clock) -> Timestamp {
        let now = clock.now();
        // Any time that has passed will do: writing it rarely keeps its cache line shared.
        if now > Timestamp(self.passed.load(Ordering::Relaxed)).plus(Duration::SECOND) {
            self.passed.store(now.0, Ordering::Relaxed);
        }
        now
    }

    /// What is left of the size of an event; else what became of it.
    fn check(&self, event: &EventRef<'_>, counters: &Counters) -> Result<usize, Recorded> {
        if self.off.load(Ordering::Acquire) {
            return Err(Recorded::OptedOut);
        }
        let left = if event.action_type.is_empty() {
            Err(Rejected::NoActionType)
        } else if event.source == Source::Derived {
            Err(Rejected::Derived)
        } else if event.utc_offset_min.is_some_and(|min| !UTC_OFFSETS.contains(&min)) {
            Err(Rejected::UtcOffset)
        } else {
            size(event, self.event_bytes).map(|size| self.event_bytes - size).ok_or(Rejected::TooLarge)
        };
        left.map_err(|rejected| {
            counters.rejected.add(1);
            Recorded::Rejected(rejected)
        })
    }
}

#[cfg(test)]
mod tests;
