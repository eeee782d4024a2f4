//! One stream: its time, the events that wait for it, and the live runs with their timers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ensue_matcher::{Armed, Position, Program, ProgramId, Runs};
use ensue_rule::{Duration, Timestamp, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use super::hold::Held;
use crate::log::LogEvent;
use crate::tasks::{Book, TaskId};

/// Which runs: of a task, in a partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RunKey {
    pub(super) task: TaskId,
    pub(super) key: Vec<Value>,
}

/// The live runs of a task in one partition of a stream.
#[derive(Debug)]
pub(super) struct Live {
    /// Of this program.
    program: ProgramId,
    pub(super) runs: Runs,
    /// When time next lets something out of them.
    pub(super) wakeup: Option<Timestamp>,
    /// Their skip bound, as it was last written.
    pub(super) bound: Option<Position>,
    /// The last event that they saw.
    pub(super) last: Timestamp,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    /// The largest time seen, unwanted events included.
    pub(super) frontier: Timestamp,
    /// To where derived events of other streams pushed it.
    pub(super) pushed: Timestamp,
    /// What happened last happened then: nothing may be put before it.
    pub(super) floor: Timestamp,
    /// The session of the last event.
    pub(super) session: u64,
    /// The last known offset of local time.
    pub(super) utc_offset_min: i32,
    /// Events whose time has not come.
    pub(super) pending: BTreeMap<Position, Arc<LogEvent>>,
    /// Touches that wait, by when they are due and in their order.
    pub(super) held: BTreeMap<(Timestamp, u64), Held>,
    /// Live runs; none is idle. In boxes, since a table has room for more than there are.
    runs: FxHashMap<RunKey, Box<Live>>,
    /// Their programs: what the matcher's index looks at beside starts.
    armed: Armed,
    /// Those that time lets something out of.
    pub(super) timers: BTreeSet<(Timestamp, RunKey)>,
    /// Events up to this time were lost: runs that wait for an absence end until it has passed.
    pub(super) gap: Option<Timestamp>,
    /// Gaps up to this time have passed.
    pub(super) passed: Timestamp,
    /// At or before this place its history is no longer whole: no task reads there.
    pub(super) cut: Option<Position>,
    /// How many sessions came before those that the recording side counts.
    pub(super) sessions: Option<u64>,
    /// Under which time the fold knows that it is due.
    pub(super) indexed: Option<Timestamp>,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            frontier: Timestamp::MIN,
            pushed: Timestamp::MIN,
            floor: Timestamp::MIN,
            session: 0,
            utc_offset_min: 0,
            pending: BTreeMap::new(),
            held: BTreeMap::new(),
            runs: FxHashMap::default(),
            armed: Armed::default(),
            timers: BTreeSet::new(),
            gap: None,
            passed: Timestamp::MIN,
            cut: None,
            sessions: None,
            indexed: None,
        }
    }
}

impl Live {
    pub(super) fn new(program: ProgramId, bound: Option<Position>) -> Self {
        Self { program, runs: Runs::new(bound), wakeup: None, bound, last: Timestamp::MIN }
    }
}

impl Stream {
    pub(super) fn time(&self, lateness: Duration, wakeup: Timestamp) -> Timestamp {
        self.frontier.minus(lateness).max(wakeup).max(self.pushed)
    }

    /// When there is something to do: the first instant, or the first event that waits.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let event = self.pending.first_key_value().map(|(place, _)| place.ts);
        self.next_instant().into_iter().chain(event).min()
    }

    /// When time next lets something out: of runs, or a touch that waits.
    pub(super) fn next_instant(&self) -> Option<Timestamp> {
        let timer = self.timers.first().map(|(at, _)| *at);
        let held = self.held.first_key_value().map(|((due, _), _)| *due);
        timer.into_iter().chain(held).min()
    }

    /// The runs whose timers are due at `at`.
    pub(super) fn take_timers(&mut self, at: Timestamp) -> Vec<RunKey> {
        let mut keys = Vec::new();
        while self.timers.first().is_some_and(|(t, _)| *t == at) {
            keys.extend(self.timers.pop_first().map(|(_, key)| key));
        }
        for key in &keys {
            if let Some(live) = self.runs.get_mut(key) {
                live.wakeup = None;
            }
        }
        keys
    }

    /// The programs with live runs.
    pub(super) fn armed(&self) -> &Armed {
        &self.armed
    }

    /// How many runs are alive.
    pub(super) fn live(&self) -> usize {
        self.runs.len()
    }

    /// The keys of all live runs, in order.
    pub(super) fn keys(&self) -> Vec<RunKey> {
        let mut keys: Vec<RunKey> = self.runs.keys().cloned().collect();
        keys.sort_unstable();
        keys
    }

    /// Takes runs out, to be stepped and [kept](Self::keep).
    pub(super) fn take(&mut self, key: &RunKey) -> Option<Box<Live>> {
        let live = self.runs.remove(key)?;
        self.armed.remove(live.program);
        Some(live)
    }

    fn put(&mut self, key: RunKey, live: Box<Live>) {
        self.armed.add(live.program);
        if let Some(old) = self.runs.insert(key, live) {
            self.armed.remove(old.program);
        }
    }

    /// Takes over the runs and timers of the same stream beside this one.
    pub(super) fn join(&mut self, built: Self) {
        built.runs.into_iter().for_each(|(key, live)| self.put(key, live));
        self.timers.extend(built.timers);
    }

    /// Keeps runs after they were stepped, or drops them where nothing is alive; their timer moves.
    pub(super) fn keep(&mut self, key: RunKey, mut live: Box<Live>, program: &Program) {
        let idle = live.runs.is_idle();
        let wakeup = if idle { None } else { live.runs.next_wakeup(program) };
        if wakeup != live.wakeup {
            if let Some(old) = live.wakeup {
                self.timers.remove(&(old, key.clone()));
            }
            if let Some(new) = wakeup {
                self.timers.insert((new, key.clone()));
            }
            live.wakeup = wakeup;
        }
        if !idle {
            self.put(key, live);
        }
    }

    /// Makes room where more than `limit` runs are alive: those that saw no event for longest go, an eighth of all at once, so
    /// that it costs little on average. Returns how many went.
    pub(super) fn make_room(&mut self, limit: usize) -> u64 {
        if self.runs.len() <= limit {
            return 0;
        }
        let mut ages: Vec<(Timestamp, &RunKey)> = self.runs.iter().map(|(key, live)| (live.last, key)).collect();
        ages.sort_unstable();
        let goes = self.runs.len() - limit + limit / 8;
        let goes: Vec<RunKey> = ages.into_iter().take(goes).map(|(_, key)| key.clone()).collect();
        for key in &goes {
            if let Some(at) = self.take(key).and_then(|live| live.wakeup) {
                self.timers.remove(&(at, key.clone()));
            }
        }
        u64::try_from(goes.len()).unwrap_or(u64::MAX)
    }

    /// Drops the runs of tasks that are gone.
    pub(super) fn forget(&mut self, gone: &FxHashSet<TaskId>) {
        let armed = &mut self.armed;
        self.runs.retain(|key, live| keeps(!gone.contains(&key.task), live, armed));
        self.timers.retain(|(_, key)| !gone.contains(&key.task));
    }

    /// Drops runs whose window is over and that had no timer to say so.
    pub(super) fn tidy(&mut self, book: &Book, time: Timestamp) {
        let over = |key: &RunKey, live: &Live| {
            let task = book.get(key.task);
            task.is_none_or(|t| live.wakeup.is_none() && live.last.plus(t.window) <= time)
        };
        let armed = &mut self.armed;
        self.runs.retain(|key, live| keeps(!over(key, live), live, armed));
    }
}

/// Whether runs stay; those that do not arm their program no more.
fn keeps(stays: bool, live: &Live, armed: &mut Armed) -> bool {
    if !stays {
        armed.remove(live.program);
    }
    stays
}
