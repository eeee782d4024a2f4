//! The live runs of one stream, with their timers.
//!
//! Users are many and most have live runs of one task in one partition, or none: those need no table, no index of programs
//! and no set of timers.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ensue_matcher::{Armed, Late, Observation, Position, Program, ProgramId, ProgramSet, Runs};
use ensue_rule::{Timestamp, Value};
use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashSet};
use smallvec::SmallVec;

use crate::tasks::TaskId;

/// Which runs: of a task, in a partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RunKey {
    pub(super) task: TaskId,
    pub(super) key: Box<[Value]>,
}

/// The live runs of a task in one partition of a stream.
#[derive(Debug)]
pub(super) struct Live {
    task: TaskId,
    /// Of this program.
    program: ProgramId,
    /// Their partition.
    key: Box<[Value]>,
    pub(super) runs: Runs,
    /// When time next lets something out of them; [`Timestamp::MAX`]: never.
    wakeup: Timestamp,
    /// The last event that they saw.
    pub(super) last: Timestamp,
}

/// The live runs of one stream; none is idle.
#[derive(Debug, Default)]
pub(super) enum Lives {
    #[default]
    None,
    One(Box<Live>),
    Many(Box<Many>),
}

/// Live runs of several tasks or partitions, or events that are noted for some.
#[derive(Debug, Default)]
pub(super) struct Many {
    table: HashTable<Box<Live>>,
    /// Their programs: what the matcher's index looks at beside starts; and what is noted.
    armed: Armed,
    /// Those that time lets something out of; also of runs that were [taken](Lives::take) and are not kept yet.
    timers: BTreeSet<(Timestamp, RunKey)>,
}

impl Live {
    pub(super) fn new(run: RunKey, program: ProgramId, bound: Option<Position>) -> Self {
        let (wakeup, last) = (Timestamp::MAX, Timestamp::MIN);
        Self { task: run.task, program, key: run.key, runs: Runs::new(bound), wakeup, last }
    }

    /// When time next lets something out of them.
    pub(super) fn wakeup(&self) -> Option<Timestamp> {
        Some(self.wakeup).filter(|at| *at < Timestamp::MAX)
    }

    /// Ends those whose window is over `now`, where time lets nothing out of them: then nobody has told them yet.
    pub(super) fn end_over(&mut self, program: &Program, now: Timestamp) {
        if !program.has_timers() {
            self.runs.advance_to(program, now, &mut Vec::new());
        }
    }

    /// Of which task they are.
    pub(super) fn task(&self) -> TaskId {
        self.task
    }

    fn run(&self) -> RunKey {
        RunKey { task: self.task, key: self.key.clone() }
    }

    fn is(&self, run: &RunKey) -> bool {
        self.task == run.task && self.key == run.key
    }

    fn hash(&self) -> u64 {
        hash(self.task, &self.key)
    }
}

/// The hash of a key; it decides no order.
fn hash(task: TaskId, key: &[Value]) -> u64 {
    use std::hash::BuildHasher;
    FxBuildHasher.hash_one((task, key))
}

impl Lives {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Many(many) => many.table.len(),
        }
    }

    /// Their programs.
    pub(super) fn armed(&self) -> Cow<'_, Armed> {
        match self {
            Self::None => Cow::Owned(Armed::default()),
            Self::One(live) => {
                let mut armed = Armed::default();
                armed.add(live.program);
                Cow::Owned(armed)
            }
            Self::Many(many) => Cow::Borrowed(&many.armed),
        }
    }

    /// Their keys, in order.
    pub(super) fn keys(&self) -> Vec<RunKey> {
        let mut keys: Vec<RunKey> = self.iter().map(Live::run).collect();
        keys.sort_unstable();
        keys
    }

    /// Of which tasks they are, in order: as often as there are runs.
    pub(super) fn tasks(&self) -> impl Iterator<Item = TaskId> {
        let mut tasks: SmallVec<[TaskId; 4]> = self.iter().map(Live::task).collect();
        tasks.sort_unstable();
        tasks.into_iter()
    }

    fn iter(&self) -> impl Iterator<Item = &Live> {
        let (one, many) = match self {
            Self::None => (None, None),
            Self::One(live) => (Some(live), None),
            Self::Many(many) => (None, Some(&many.table)),
        };
        one.into_iter().chain(many.into_iter().flat_map(HashTable::iter)).map(|live| &**live)
    }

    /// When time next lets something out of one of them.
    pub(super) fn next_wakeup(&self) -> Option<Timestamp> {
        match self {
            Self::None => None,
            Self::One(live) => live.wakeup(),
            Self::Many(many) => many.timers.first().map(|(at, _)| *at),
        }
    }

    /// Those whose timers are due at `at`, in order. They have none until they are kept again.
    pub(super) fn take_timers(&mut self, at: Timestamp) -> Vec<RunKey> {
        match self {
            Self::One(live) if live.wakeup == at => {
                live.wakeup = Timestamp::MAX;
                vec![live.run()]
            }
            Self::Many(many) => many.take_timers(at),
            Self::None | Self::One(_) => Vec::new(),
        }
    }

    /// Takes runs out, to be stepped and [kept](Self::keep).
    pub(super) fn take(&mut self, run: &RunKey) -> Option<Box<Live>> {
        match self {
            Self::Many(many) => many.take(run),
            Self::One(live) if live.is(run) => match std::mem::take(self) {
                Self::One(live) => Some(live),
                Self::None | Self::Many(_) => None,
            },
            Self::None | Self::One(_) => None,
        }
    }

    /// Keeps runs after they were stepped, or drops them where nothing is alive; their timer moves.
    pub(super) fn keep(&mut self, mut live: Box<Live>, program: &Program) {
        let idle = live.runs.is_idle();
        let wakeup = if idle { None } else { live.runs.next_wakeup(program) }.unwrap_or(Timestamp::MAX);
        if wakeup != live.wakeup {
            let old = std::mem::replace(&mut live.wakeup, wakeup);
            if let Self::Many(many) = self {
                many.move_timer(&live, old);
            }
        }
        if !idle {
            self.put(live);
        } else if self.len() == 0 && self.notes() == 0 {
            *self = Self::None;
        }
    }

    /// Puts runs in that are not there, whose timer is.
    fn put(&mut self, live: Box<Live>) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(live),
            Self::One(other) => {
                let mut many = Box::<Many>::default();
                many.admit(other);
                many.admit(live);
                Self::Many(many)
            }
            Self::Many(mut many) => {
                many.put(live);
                Self::Many(many)
            }
        };
    }

    /// Takes over the runs of the same stream beside this one.
    pub(super) fn join(&mut self, built: Self) {
        let built: Vec<Box<Live>> = match built {
            Self::None => Vec::new(),
            Self::One(live) => vec![live],
            Self::Many(many) => many.table.into_iter().collect(),
        };
        for live in built {
            drop(self.take(&live.run()));
            if let Self::Many(many) = self {
                many.admit(live);
            } else {
                self.put(live);
            }
        }
    }

    /// Drops those of which `stays` does not say so, with their timers.
    pub(super) fn retain(&mut self, stays: impl Fn(&Live) -> bool) {
        match self {
            Self::One(live) if !stays(live) => *self = Self::None,
            Self::None | Self::One(_) => {}
            Self::Many(many) => {
                many.retain(stays);
                self.narrow();
            }
        }
    }

    /// Where there is at most one, and nothing noted, no table is needed.
    fn narrow(&mut self) {
        if let Self::Many(many) = self
            && many.table.len() < 2
            && many.armed.notes() == 0
        {
            let last = many.table.drain().next();
            *self = last.map_or(Self::None, Self::One);
        }
    }

    /// Notes an event for all programs that have in common what it hits.
    pub(super) fn note(&mut self, programs: &ProgramSet, event: &Observation) {
        if !matches!(self, Self::Many(_)) {
            let mut many = Box::<Many>::default();
            if let Self::One(live) = std::mem::take(self) {
                many.admit(live);
            }
            *self = Self::Many(many);
        }
        if let Self::Many(many) = self {
            many.armed.note(programs, event);
        }
    }

    fn noted(&self) -> Option<&Armed> {
        if let Self::Many(many) = self { Some(&many.armed) } else { None }
    }

    /// How many events are noted.
    pub(super) fn notes(&self) -> usize {
        self.noted().map_or(0, Armed::notes)
    }

    /// Whether these are as many as there may be.
    pub(super) fn is_full(&self, programs: &ProgramSet) -> bool {
        self.noted().is_some_and(|armed| armed.is_full(programs))
    }

    /// Whether a program has missed some.
    pub(super) fn has_missed(&self, program: ProgramId) -> bool {
        self.noted().is_some_and(|armed| armed.has_missed(program))
    }

    /// The programs that have, in order.
    pub(super) fn missed(&self) -> Vec<ProgramId> {
        self.noted().map(Armed::missed).unwrap_or_default()
    }

    /// Steps runs that were [taken](Self::take), or begin, with what they have missed before an event, or at all.
    pub(super) fn catch_up(
        &mut self,
        live: &mut Live,
        (program, before): (&Program, Option<Position>),
        recalled: &mut Observation,
        reads: impl Fn(Position) -> bool,
    ) {
        let Self::Many(many) = self else { return };
        let late = Late { program, runs: &mut live.runs, before, recalled };
        if let Some(last) = many.armed.catch_up(live.program, late, reads) {
            live.last = last;
        }
    }

    /// Drops what is noted: nobody has missed any of it.
    pub(super) fn drop_notes(&mut self) {
        if let Self::Many(many) = self {
            many.armed.drop_notes();
        }
        self.narrow();
    }

    /// Drops what is noted and over.
    pub(super) fn drop_notes_until(&mut self, now: Timestamp) {
        if let Self::Many(many) = self {
            many.armed.drop_notes_until(now);
        }
        self.narrow();
    }

    /// Makes room where there are more than `limit`: those that saw no event for longest go, an eighth of all at once, so
    /// that it costs little on average. Returns how many went.
    pub(super) fn make_room(&mut self, limit: usize) -> u64 {
        if self.len() <= limit {
            return 0;
        }
        let mut ages: Vec<(Timestamp, RunKey)> = self.iter().map(|live| (live.last, live.run())).collect();
        ages.sort_unstable();
        ages.truncate(self.len() - limit + limit / 8);
        let oldest: FxHashSet<(TaskId, &[Value])> = ages.iter().map(|(_, run)| (run.task, &*run.key)).collect();
        self.retain(|live| !oldest.contains(&(live.task, &*live.key)));
        u64::try_from(oldest.len()).unwrap_or(u64::MAX)
    }
}

impl Many {
    fn take_timers(&mut self, at: Timestamp) -> Vec<RunKey> {
        let mut keys = Vec::new();
        while self.timers.first().is_some_and(|(t, _)| *t == at) {
            keys.extend(self.timers.pop_first().map(|(_, key)| key));
        }
        for key in &keys {
            if let Some(live) = self.table.find_mut(hash(key.task, &key.key), |live| live.is(key)) {
                live.wakeup = Timestamp::MAX;
            }
        }
        keys
    }

    fn take(&mut self, run: &RunKey) -> Option<Box<Live>> {
        let found = self.table.find_entry(hash(run.task, &run.key), |live| live.is(run)).ok()?;
        let (live, _) = found.remove();
        self.armed.remove(live.program);
        Some(live)
    }

    fn put(&mut self, live: Box<Live>) {
        self.armed.add(live.program);
        self.table.insert_unique(live.hash(), live, |live| live.hash());
    }

    /// Puts runs in with their timer.
    fn admit(&mut self, live: Box<Live>) {
        self.timers.extend(live.wakeup().map(|at| (at, live.run())));
        self.put(live);
    }

    /// The timer of runs was at `old`.
    fn move_timer(&mut self, live: &Live, old: Timestamp) {
        if old < Timestamp::MAX {
            self.timers.remove(&(old, live.run()));
        }
        self.timers.extend(live.wakeup().map(|at| (at, live.run())));
    }

    fn retain(&mut self, stays: impl Fn(&Live) -> bool) {
        let (armed, timers) = (&mut self.armed, &mut self.timers);
        self.table.retain(|live| {
            let stays = stays(live);
            if !stays {
                armed.remove(live.program);
                live.wakeup().map(|at| timers.remove(&(at, live.run())));
            }
            stays
        });
    }
}
