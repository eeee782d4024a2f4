//! One stream: its time, the events that wait for it, and what is alive in it.
//!
//! Users are many: what few streams have is made when it is needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_matcher::Position;
use ensue_rule::{Duration, Timestamp};
use rustc_hash::FxHashSet;

use super::hold::Held;
use super::live::{Live, Lives};
use crate::log::LogEvent;
use crate::tasks::{Book, TaskId};

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    /// The largest time seen, unwanted events included.
    pub(super) frontier: Timestamp,
    /// What happened last happened then: nothing may be put before it.
    pub(super) floor: Timestamp,
    /// The session of the last event.
    pub(super) session: u64,
    /// Under which time the fold knows that it is due; [`Timestamp::MAX`]: it does not.
    indexed: Timestamp,
    /// The last known offset of local time.
    pub(super) utc_offset_min: i32,
    pub(super) lives: Lives,
    aside: Option<Box<Aside>>,
}

/// What few streams have.
#[derive(Debug)]
pub(super) struct Aside {
    /// How far `record` had come, where the fold has come further by an event that was raised.
    reached: Option<Timestamp>,
    /// To where derived events of other streams pushed it.
    pub(super) pushed: Timestamp,
    /// Events whose time has not come.
    pub(super) pending: BTreeMap<Position, Arc<LogEvent>>,
    /// Touches that wait, by when they are due and in their order.
    pub(super) held: BTreeMap<(Timestamp, u64), Held>,
    /// Events up to this time were lost: runs that wait for an absence end until it has passed.
    pub(super) gap: Option<Timestamp>,
    /// Gaps up to this time have passed.
    pub(super) passed: Timestamp,
    /// At or before this place its history is no longer whole: no task reads there.
    pub(super) cut: Option<Position>,
}

/// What most streams have.
static NOTHING: Aside = Aside {
    reached: None,
    pushed: Timestamp::MIN,
    pending: BTreeMap::new(),
    held: BTreeMap::new(),
    gap: None,
    passed: Timestamp::MIN,
    cut: None,
};

impl Aside {
    fn is_nothing(&self) -> bool {
        let Self { reached, pushed, pending, held, gap, passed, cut } = self;
        let times = [*pushed, *passed] == [Timestamp::MIN; 2];
        times && reached.is_none() && pending.is_empty() && held.is_empty() && gap.is_none() && cut.is_none()
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            frontier: Timestamp::MIN,
            floor: Timestamp::MIN,
            session: 0,
            indexed: Timestamp::MAX,
            utc_offset_min: 0,
            lives: Lives::None,
            aside: None,
        }
    }
}

impl Stream {
    pub(super) fn time(&self, lateness: Duration, wakeup: Timestamp) -> Timestamp {
        self.frontier.minus(lateness).max(wakeup).max(self.aside().pushed)
    }

    /// How far `record` had come, as far as the fold knows.
    pub(super) fn reached(&self) -> Timestamp {
        self.aside().reached.unwrap_or(self.frontier)
    }

    /// Moves on to a frontier, of which `record` had come to `reached`; never back.
    pub(super) fn move_on(&mut self, frontier: Timestamp, reached: Timestamp) {
        let reached = self.reached().max(reached);
        self.frontier = self.frontier.max(frontier).max(reached);
        self.put_reached(reached);
    }

    /// Takes over how far `record` had come.
    pub(super) fn put_reached(&mut self, reached: Timestamp) {
        let behind = Some(reached).filter(|at| *at < self.frontier);
        if behind != self.aside().reached {
            self.aside_mut().reached = behind;
        }
    }

    /// What few streams have.
    pub(super) fn aside(&self) -> &Aside {
        self.aside.as_deref().unwrap_or(&NOTHING)
    }

    /// The same, to be changed; only where there is something of it, or comes now.
    pub(super) fn aside_mut(&mut self) -> &mut Aside {
        let Aside { reached, pushed, gap, passed, cut, .. } = NOTHING;
        self.aside.get_or_insert_with(|| {
            Box::new(Aside { reached, pushed, pending: BTreeMap::new(), held: BTreeMap::new(), gap, passed, cut })
        })
    }

    /// When there is something to do: the first instant, or the first event that waits.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let event = self.aside().pending.first_key_value().map(|(place, _)| place.ts);
        self.next_instant().into_iter().chain(event).min()
    }

    /// When time next lets something out: of runs, or a touch that waits.
    pub(super) fn next_instant(&self) -> Option<Timestamp> {
        let held = self.aside().held.first_key_value().map(|((due, _), _)| *due);
        self.lives.next_wakeup().into_iter().chain(held).min()
    }

    /// Whether nothing in it is under way.
    pub(super) fn is_idle(&self) -> bool {
        let Aside { pushed, pending, held, gap, .. } = self.aside();
        self.lives.len() == 0
            && self.lives.notes() == 0
            && held.is_empty()
            && pending.is_empty()
            && gap.is_none()
            && *pushed <= self.frontier
    }

    /// Whether nothing in it is under way but runs that time lets nothing out of, and no events of it were lost that they may
    /// have waited for: the log brings them back as they are.
    pub(super) fn may_rest(&self) -> bool {
        let Aside { pushed, pending, held, gap, passed, .. } = self.aside();
        let untouched = gap.is_none() && *passed == Timestamp::MIN && *pushed <= self.frontier;
        self.lives.next_wakeup().is_none() && held.is_empty() && pending.is_empty() && untouched
    }

    /// Under which time the fold knows that it is due.
    pub(super) fn indexed(&self) -> Option<Timestamp> {
        Some(self.indexed).filter(|at| *at < Timestamp::MAX)
    }

    /// The fold knows that it is due then, or not at all.
    pub(super) fn put_indexed(&mut self, at: Option<Timestamp>) {
        self.indexed = at.unwrap_or(Timestamp::MAX);
    }

    /// Where its history is cut off, or is no longer.
    pub(super) fn put_cut(&mut self, cut: Option<Position>) {
        if cut != self.aside().cut {
            self.aside_mut().cut = cut;
        }
    }

    /// Takes over the runs of the same stream beside this one; `waits`: and the events that wait there.
    pub(super) fn join(&mut self, built: Self, waits: bool) {
        self.lives.join(built.lives);
        if let Some(aside) = built.aside.filter(|_| waits) {
            self.aside_mut().pending.extend(aside.pending);
        }
    }

    /// As one of another fold that is new in this: nothing waits in it, and nobody knows yet when it is due.
    pub(super) fn forget_pending(&mut self) {
        self.put_indexed(None);
        if let Some(aside) = &mut self.aside {
            aside.pending.clear();
        }
    }

    /// Drops the runs of tasks that are gone.
    pub(super) fn forget(&mut self, gone: &FxHashSet<TaskId>) {
        self.lives.retain(|live| !gone.contains(&live.task()));
    }

    /// Drops runs whose window is over and that had no timer to say so, and room for what is no more.
    pub(super) fn tidy(&mut self, book: &Book, time: Timestamp) {
        let over = |live: &Live| {
            let task = book.get(live.task());
            task.is_none_or(|t| live.wakeup().is_none() && live.last.plus(t.window) <= time)
        };
        self.lives.retain(|live| !over(live));
        self.lives.drop_notes_until(time);
        self.aside.take_if(|aside| aside.is_nothing());
    }
}
