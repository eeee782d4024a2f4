//! The tasks in force: their programs, which events trigger which, and from where in the log each may read.
//!
//! Changes only when a set is applied ([`apply`]). Holds no state of any stream: that is the fold's.

mod apply;
mod chains;
mod cover;
mod triggers;

use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_matcher::{Error, Limits, Position, Program, ProgramId, ProgramSet};
use ensue_rule::{Demand, Duration, Event, OutputKind, Per, Task, TaskScope, Timestamp, Wanted};
use rustc_hash::FxHashMap;

use triggers::Triggers;

use crate::dispatch::{self, OfSource};
use crate::identity::{RuleHash, rule_hash};
use crate::ingest::DemandTable;
use crate::store::{StoredSet, StoredTask};

/// Names a running form of a task; never used again in one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TaskId(u32);

/// A task in force.
#[derive(Clone, Debug)]
pub(crate) struct Active {
    /// This running form of it.
    pub(crate) id: TaskId,
    /// Its source.
    pub(crate) source: Arc<str>,
    /// Its place: that of its source, then in the document.
    pub(crate) order: (u32, u32),
    /// The version of the set it came in.
    pub(crate) version: Option<i64>,
    /// The task.
    pub(crate) task: Arc<Task>,
    /// Of what decides what it matches.
    pub(crate) hash: RuleHash,
    /// What it needs to match.
    pub(crate) demand: Demand,
    /// What its controls look at.
    pub(crate) watched: Demand,
    /// How long it looks at an event.
    pub(crate) window: Duration,
    /// Its program, in the set of its kind.
    pub(crate) program: ProgramId,
    /// From this arrival number on, and after this event time, the log has all that it needs.
    pub(crate) since: (u64, Timestamp),
}

/// Where a task stands: its source, its place, the version of its set.
struct Place {
    source: Arc<str>,
    order: (u32, u32),
    version: Option<i64>,
}

/// The tasks in force.
#[derive(Debug)]
pub(crate) struct Book {
    limits: Limits,
    sets: Vec<StoredSet>,
    tasks: BTreeMap<TaskId, Arc<Active>>,
    /// The programs of continuous tasks, which every event is shown to at once.
    continuous: ProgramSet,
    by_name: FxHashMap<(Arc<str>, Arc<str>), TaskId>,
    /// What documents ask of all touches, in the order of their sources.
    documents: Vec<OfSource>,
    by_program: FxHashMap<ProgramId, TaskId>,
    /// The programs of triggered tasks, asked one by one.
    triggered: ProgramSet,
    triggers: Triggers,
    /// What is wanted of derived events, and of events recorded before anyone knew.
    wants: DemandTable,
    device: bool,
    sessions: bool,
    next: u32,
}

impl Active {
    /// Its form in the store.
    fn stored(&self) -> StoredTask {
        StoredTask {
            source: self.source.clone(),
            place: self.order.1,
            version: self.version,
            since_seq: self.since.0,
            since_ts: self.since.1,
            task: self.task.clone(),
        }
    }

    /// Whether it looks back at triggers, rather than at every event.
    pub(crate) fn is_triggered(&self) -> bool {
        self.task.trigger.is_some()
    }

    /// Whether the log has all that it needs at this place, so that it may read there.
    pub(crate) fn reads(&self, place: Position) -> bool {
        place.seq >= self.since.0 && place.ts > self.since.1
    }

    /// Whether derived events of this action type and scene join its stream: only where its filter, a condition or its
    /// trigger names the action type.
    pub(crate) fn joins(&self, action_type: &str, scene: Option<&str>) -> bool {
        let named = |w: &Wanted| matches!(w, Wanted::Of(names) if names.contains(action_type));
        self.wanted().flat_map(|d| &d.events).any(|e| named(&e.action_types) && e.scenes.has(scene))
    }

    /// All that must be recorded for it.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = &Demand> + Clone {
        [&self.demand, &self.watched].into_iter()
    }
}

impl Book {
    /// No tasks.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            sets: Vec::new(),
            tasks: BTreeMap::new(),
            continuous: ProgramSet::new(limits.clone()),
            by_name: FxHashMap::default(),
            documents: Vec::new(),
            by_program: FxHashMap::default(),
            triggered: ProgramSet::new(limits.clone()),
            triggers: Triggers::default(),
            wants: DemandTable::default(),
            device: false,
            sessions: false,
            next: 0,
            limits,
        }
    }

    /// The tasks that the store remembers. Those that this version cannot compile any more are left out.
    pub(crate) fn restore(limits: Limits, sets: Vec<StoredSet>, tasks: Vec<StoredTask>) -> Self {
        let mut book = Self::new(limits);
        let places: FxHashMap<Arc<str>, u32> = sets.iter().map(|s| (s.source.clone(), s.place)).collect();
        let mut active = Vec::new();
        for stored in tasks {
            let Some(place) = places.get(&stored.source) else { continue };
            let place = Place { source: stored.source, order: (*place, stored.place), version: stored.version };
            let since = (stored.since_seq, stored.since_ts);
            if check_outputs(&stored.task).is_err() {
                continue;
            }
            if let Ok(task) = book.compile(place, stored.task, since) {
                active.push(task);
            }
        }
        book.put(sets, active);
        book
    }

    /// Whether any set was ever applied.
    pub(crate) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The numbers that bound its programs.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The sets in force.
    pub(crate) fn sets(&self) -> &[StoredSet] {
        &self.sets
    }

    /// The tasks in force, for the store.
    pub(crate) fn stored(&self) -> Vec<StoredTask> {
        self.tasks().map(Active::stored).collect()
    }

    pub(crate) fn get(&self, id: TaskId) -> Option<&Arc<Active>> {
        self.tasks.get(&id)
    }

    /// All tasks in force.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &Active> {
        self.tasks.values().map(|t| &**t)
    }

    /// A task by its source and id.
    pub(crate) fn find(&self, source: &Arc<str>, id: &Arc<str>) -> Option<&Arc<Active>> {
        self.by_name.get(&(source.clone(), id.clone())).and_then(|id| self.tasks.get(id))
    }

    /// What documents ask of all touches.
    pub(crate) fn documents(&self) -> &[OfSource] {
        &self.documents
    }

    /// The task of a program of the continuous set.
    pub(crate) fn of_program(&self, program: ProgramId) -> Option<&Active> {
        self.by_program.get(&program).and_then(|id| self.tasks.get(id)).map(|t| &**t)
    }

    pub(crate) fn continuous(&self) -> &ProgramSet {
        &self.continuous
    }

    pub(crate) fn triggered(&self) -> &ProgramSet {
        &self.triggered
    }

    /// The program of a task.
    pub(crate) fn program(&self, task: &Active) -> Option<&Arc<Program>> {
        if task.is_triggered() { self.triggered.program(task.program) } else { self.continuous.program(task.program) }
    }

    /// The tasks that an event of this action type and scene triggers, in document order.
    pub(crate) fn triggered_by(&self, action_type: &str, scene: Option<&str>) -> Vec<TaskId> {
        self.triggers.by(action_type, scene)
    }

    /// Whether some task takes all users as one stream.
    pub(crate) fn has_device(&self) -> bool {
        self.device
    }

    /// Whether some cap counts sessions.
    pub(crate) fn counts_sessions(&self) -> bool {
        self.sessions
    }

    /// Leaves of an event only what is wanted; whether it is wanted at all.
    pub(crate) fn narrow(&self, event: &mut Event) -> bool {
        let Some(want) = self.wants.look_up(&event.action_type, event.scene.as_deref()) else { return false };
        event.args = want.keep(std::mem::take(&mut event.args));
        true
    }

    /// Whether some task reads derived events of this kind.
    pub(crate) fn joined(&self, action_type: &str, scene: Option<&str>) -> bool {
        self.tasks.values().any(|t| t.joins(action_type, scene))
    }

    /// How long any task looks at an event of this action type and scene; `None`: none does.
    pub(crate) fn window_of(&self, action_type: &str, scene: Option<&str>) -> Option<Duration> {
        self.tasks.values().filter(|t| t.demand.wants(action_type, scene)).map(|t| t.window).max()
    }

    /// The longest window of all tasks.
    pub(crate) fn longest_window(&self) -> Duration {
        self.tasks.values().map(|t| t.window).max().unwrap_or_default()
    }

    /// How long past decisions count for any control, and at least a day.
    pub(crate) fn horizon(&self) -> Duration {
        let reaches = self.tasks.values().map(|t| dispatch::reach(&t.task.policy, &self.documents));
        reaches.max().unwrap_or_default().max(Duration::DAY)
    }

    fn compile(
        &mut self,
        Place { source, order, version }: Place,
        task: Arc<Task>,
        since: (u64, Timestamp),
    ) -> Result<Active, Error> {
        let set = if task.trigger.is_some() { &mut self.triggered } else { &mut self.continuous };
        let program = set.add(&task.rule, &task.filter)?;
        let id = TaskId(self.next);
        self.next += 1;
        let (hash, demand, watched) = (rule_hash(&task), Demand::of(&task), Demand::of_controls(&task));
        let window = task.rule.window(self.limits.default_window);
        Ok(Active { id, source, order, version, task, hash, demand, watched, window, program, since })
    }

    fn discard(&mut self, task: &Active) {
        let set = if task.is_triggered() { &mut self.triggered } else { &mut self.continuous };
        set.remove(task.program);
    }

    /// Puts sets and tasks in force.
    fn put(&mut self, sets: Vec<StoredSet>, tasks: Vec<Active>) {
        let continuous = tasks.iter().filter(|t| !t.is_triggered());
        self.by_program = continuous.map(|t| (t.program, t.id)).collect();
        self.triggers = Triggers::of(&tasks);
        self.wants = DemandTable::of(tasks.iter().flat_map(Active::wanted), 0);
        self.by_name = tasks.iter().map(|t| ((t.source.clone(), t.task.id.clone()), t.id)).collect();
        let policies =
            |set: &StoredSet| set.policies.iter().map(|p| (set.source.clone(), p.clone())).collect::<Vec<_>>();
        self.documents = sets.iter().flat_map(policies).collect();
        let caps = tasks.iter().flat_map(|t| &t.task.policy.caps);
        let mut caps = caps.chain(self.documents.iter().flat_map(|(_, policy)| &policy.caps));
        self.sessions = caps.any(|cap| cap.per == Per::Session);
        self.device = tasks.iter().any(|t| t.task.scope == TaskScope::Device);
        self.tasks = tasks.into_iter().map(|t| (t.id, Arc::new(t))).collect();
        self.sets = sets;
    }
}

/// Whether every `when` can be computed; else the output of the first that can't, by its index.
fn check_outputs(task: &Task) -> Result<(), (usize, Error)> {
    let mut whens = task.outputs.iter().enumerate().filter_map(|(i, o)| Some((i, o.when.as_ref()?)));
    whens.try_for_each(|(i, when)| ensue_matcher::check_values(when).map_err(|e| (i, e)))
}

/// The derived events that a task may make: action type and scene.
fn derives(task: &Task) -> impl Iterator<Item = (&Arc<str>, Option<&Arc<str>>)> {
    task.outputs.iter().filter_map(|o| match &o.kind {
        OutputKind::Event { action_type, scene } => Some((action_type, scene.as_ref())),
        OutputKind::Touch { .. } => None,
    })
}
