//! Applying task sets: what is added, changed, kept, refused and removed, and which tasks must read the log anew.
//!
//! A [`Plan`] is made first, with every new program compiled; the store writes it; then it is put in force, or, where
//! writing failed, given up.

use std::sync::Arc;

use ensue_matcher::Error;
use ensue_rule::{Demand, Remark, Task, TaskEntry, TaskSet, Timestamp, TouchPolicy};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Active, Book, Place, TaskId, chains, cover};
use crate::identity::rule_hash;
use crate::report::{ApplyReport, SetReport, Status, TaskReport};
use crate::store::{StoredSet, StoredTask};

/// What applying sets would make of a book.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The next arrival number and the largest time seen.
    now: (u64, Timestamp),
    sets: Vec<StoredSet>,
    tasks: Vec<Active>,
    /// Whether any task, old or new, derives events: else there are no chains to look for.
    derives: bool,
    /// Tasks with a new program: their runs are built from the log.
    pub(crate) fresh: Vec<TaskId>,
    /// Those of them that match something else than before, or are new: their state begins anew.
    pub(crate) anew: Vec<Anew>,
    /// What to tell the host.
    pub(crate) report: ApplyReport,
}

/// A task whose state begins anew.
#[derive(Clone, Debug)]
pub(crate) struct Anew {
    /// Its running form.
    pub(crate) task: TaskId,
    /// Whether it was there before.
    was_there: bool,
    /// Its place in the report.
    source: Arc<str>,
    id: Arc<str>,
}

impl Anew {
    /// Says in the report that its state begins anew, where something went or was found.
    pub(crate) fn tell(&self, found: u64, report: &mut ApplyReport) {
        if found == 0 && !self.was_there {
            return;
        }
        let why = if self.was_there { "the rule has changed: half-finished matches are given up, and " } else { "" };
        let message =
            format!("{why}the kept events are matched anew; {found} matches in them are counted, not decided");
        let sets = report.sets.iter_mut().filter(|s| s.source == self.source && s.refused.is_none());
        if let Some(task) = sets.flat_map(|s| &mut s.tasks).filter(|t| t.id == self.id).last() {
            task.warnings.push(Remark { path: "rule".to_owned(), code: "W0901".to_owned(), message });
        }
    }
}

impl Plan {
    /// The sets, for the store.
    pub(crate) fn sets(&self) -> &[StoredSet] {
        &self.sets
    }

    /// The tasks, for the store.
    pub(crate) fn stored(&self) -> Vec<StoredTask> {
        self.tasks.iter().map(Active::stored).collect()
    }

    /// Whether a task may run beside those planned before it.
    fn check(&self, task: &Active) -> Result<(), Remark> {
        if self.derives { chains::check(task, &self.tasks) } else { Ok(()) }
    }

    /// Puts a set in the place of the one before it of its source; its place among the sources.
    fn enter(&mut self, source: &Arc<str>, version: Option<i64>, policies: Vec<TouchPolicy>) -> Result<u32, Remark> {
        let next = self.sets.iter().map(|s| s.place + 1).max().unwrap_or(0);
        let Some(old) = self.sets.iter_mut().find(|s| s.source == *source) else {
            self.sets.push(StoredSet { source: source.clone(), place: next, version, policies });
            return Ok(next);
        };
        if let (Some(new), Some(in_force)) = (version, old.version)
            && new < in_force
        {
            return Err(too_old(new, in_force));
        }
        old.version = version.or(old.version);
        old.policies = policies;
        Ok(old.place)
    }
}

impl Book {
    /// What applying `sets` would make of this; `now`: the next arrival number and the largest time seen.
    pub(crate) fn plan(&mut self, sets: Vec<TaskSet>, now: (u64, Timestamp)) -> Plan {
        let new = sets.iter().flat_map(|s| &s.tasks).filter_map(|e| e.task.as_ref().ok());
        let derives = self.tasks.values().map(|t| &t.task).chain(new).any(|t| super::derives(t).next().is_some());
        let mut plan = Plan {
            now,
            derives,
            sets: self.sets.clone(),
            tasks: self.tasks().cloned().collect(),
            fresh: Vec::new(),
            anew: Vec::new(),
            report: ApplyReport::default(),
        };
        for set in sets {
            let report = self.plan_set(&mut plan, set);
            plan.report.sets.push(report);
        }
        plan
    }

    /// Puts a plan in force; returns the tasks that are gone.
    pub(crate) fn adopt(&mut self, plan: Plan) -> Vec<TaskId> {
        let stay: FxHashSet<TaskId> = plan.tasks.iter().map(|t| t.id).collect();
        let gone: Vec<Arc<Active>> = self.tasks.values().filter(|old| !stay.contains(&old.id)).cloned().collect();
        for task in &gone {
            self.discard(task);
        }
        self.put(plan.sets, plan.tasks);
        gone.iter().map(|t| t.id).collect()
    }

    /// Gives a plan up.
    pub(crate) fn abandon(&mut self, plan: &Plan) {
        for task in plan.tasks.iter().filter(|t| plan.fresh.contains(&t.id)) {
            self.discard(task);
        }
    }

    /// Lets go of what an earlier set of the same apply brought and this one does not keep.
    fn supersede(&mut self, plan: &mut Plan, planned: &[Active]) {
        for task in planned.iter().filter(|old| plan.tasks.iter().all(|t| t.id != old.id)) {
            plan.fresh.retain(|id| *id != task.id);
            plan.anew.retain(|anew| anew.task != task.id);
            self.discard(task);
        }
    }

    fn plan_set(&mut self, plan: &mut Plan, set: TaskSet) -> SetReport {
        let TaskSet { source, version, tasks, warnings, policies } = set;
        let mut report = SetReport { source: source.clone(), version, refused: None, warnings, tasks: Vec::new() };
        let set_place = match plan.enter(&source, version, policies) {
            Ok(place) => place,
            Err(refused) => {
                report.refused = Some(refused);
                return report;
            }
        };
        let (old, others): (Vec<Active>, _) = plan.tasks.drain(..).partition(|t| t.source == source);
        let planned: Vec<Active> = old.iter().filter(|t| plan.fresh.contains(&t.id)).cloned().collect();
        let mut old: FxHashMap<Arc<str>, Active> = old.into_iter().map(|t| (t.task.id.clone(), t)).collect();
        plan.tasks = others;
        for (index, entry) in tasks.into_iter().enumerate() {
            let order = (set_place, u32::try_from(index).unwrap_or(u32::MAX));
            let before = old.remove(&entry.id);
            let made = self.plan_task(plan, Place { source: source.clone(), order, version }, entry, before);
            report.tasks.push(made);
        }
        self.supersede(plan, &planned);
        let mut gone: Vec<Active> = old.into_values().collect();
        gone.sort_by_key(|t| t.order);
        let removed = |t: Active| TaskReport {
            id: t.task.id.clone(),
            status: Status::Removed,
            error: None,
            warnings: Vec::new(),
        };
        report.tasks.extend(gone.into_iter().map(removed));
        report
    }

    fn plan_task(&mut self, plan: &mut Plan, place: Place, entry: TaskEntry, before: Option<Active>) -> TaskReport {
        let TaskEntry { id, task, warnings } = entry;
        let order = place.order;
        let planned = task.and_then(|task| {
            let path = |remark: Remark| Remark { path: format!("taskArray[{}]{}", order.1, remark.path), ..remark };
            self.planned(plan, place, task, before.as_ref()).map_err(path)
        });
        let (active, status, error) = match (planned, before) {
            (Ok((active, status)), _) => (Some(active), status, None),
            (Err(remark), Some(old)) => (Some(Active { order, ..old }), Status::Kept, Some(remark)),
            (Err(remark), None) => (None, Status::Refused, Some(remark)),
        };
        plan.tasks.extend(active);
        TaskReport { id, status, error, warnings }
    }

    /// The running form of a good task.
    fn planned(
        &mut self,
        plan: &mut Plan,
        place: Place,
        task: Arc<Task>,
        before: Option<&Active>,
    ) -> Result<(Active, Status), Remark> {
        super::check_outputs(&task).map_err(|(output, e)| {
            let at = if task.outputs.len() > 1 { format!("[{output}]") } else { String::new() };
            Remark { path: format!(".output{at}.when"), ..refusal(&e) }
        })?;
        let same = before.filter(|old| old.hash == rule_hash(&task));
        if let Some(old) = same.filter(|old| old.task.rule == task.rule) {
            let status = if *old.task == *task { Status::Unchanged } else { Status::Updated };
            let watched = Demand::of_controls(&task);
            let active = Active { order: place.order, version: place.version, task, watched, ..old.clone() };
            plan.check(&active)?;
            return Ok((active, status));
        }
        // Where only what it returns has changed, its state goes on from where it was.
        let since = same.map_or_else(|| self.since(&task, plan.now), |old| old.since);
        let status = if before.is_some() { Status::Updated } else { Status::Added };
        let active = self.compile(place, task, since).map_err(|e| refusal(&e))?;
        if let Err(remark) = plan.check(&active) {
            self.discard(&active);
            return Err(remark);
        }
        plan.fresh.push(active.id);
        if same.is_none() {
            let (source, id) = (active.source.clone(), active.task.id.clone());
            plan.anew.push(Anew { task: active.id, was_there: before.is_some(), source, id });
        }
        Ok((active, status))
    }

    /// From where in the log a new task may read: all that are in force have kept what they demand, also those that go.
    fn since(&self, task: &Task, now: (u64, Timestamp)) -> (u64, Timestamp) {
        let window = task.rule.window(self.limits.default_window);
        cover::since(&Demand::of(task), window, &self.tasks().collect::<Vec<_>>(), now)
    }
}

fn too_old(new: i64, in_force: i64) -> Remark {
    let message = format!("version {new} is below version {in_force}, which is in force");
    Remark { path: "version".to_owned(), code: "E0901".to_owned(), message }
}

fn refusal(error: &Error) -> Remark {
    let message = format!("{error}; {}", error.hint());
    Remark { path: String::new(), code: "E0902".to_owned(), message }
}
