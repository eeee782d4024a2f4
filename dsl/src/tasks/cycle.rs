//! Derived events that lead back to the task that makes them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use ensue_rule::{Demand, EventDemand, Output, OutputKind, Task, Wanted};

use super::json::Node;
use crate::codes;
use crate::diagnostic::Diagnostic;

/// Which tasks of a set feed which others by their events; never with a cycle.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    tasks: Vec<Feeder>,
    /// The tasks whose streams name an action type: only these does a derived event of that type join.
    by_action_type: HashMap<Arc<str>, Vec<usize>>,
}

/// A task that makes events. (One that makes none lies on no cycle.)
#[derive(Debug)]
struct Feeder {
    id: Arc<str>,
    makes: Vec<(Arc<str>, Option<Arc<str>>)>,
    demand: Demand,
}

impl Feeds {
    /// Adds a task, or gives the ids through which its events would come back to it, its own first and last.
    pub(super) fn add(&mut self, task: &Task) -> Option<Vec<Arc<str>>> {
        let feeder = Feeder::of(task)?;
        let chain = self.way_back(&feeder);
        if chain.is_none() {
            for name in feeder.named() {
                self.by_action_type.entry(name.clone()).or_default().push(self.tasks.len());
            }
            self.tasks.push(feeder);
        }
        chain
    }

    /// A way from a new task to itself.
    fn way_back(&self, new: &Feeder) -> Option<Vec<Arc<str>>> {
        let mut seen = HashSet::new();
        let mut todo = vec![(new, vec![new.id.clone()])];
        while let Some((from, chain)) = todo.pop() {
            let longer = |to: &Feeder| chain.iter().chain([&to.id]).cloned().collect();
            if from.feeds(new) {
                return Some(longer(new));
            }
            for at in from.makes.iter().filter_map(|(name, _)| self.by_action_type.get(name)).flatten() {
                if let Some(to) = self.tasks.get(*at).filter(|to| from.feeds(to) && seen.insert(*at)) {
                    todo.push((to, longer(to)));
                }
            }
        }
        None
    }
}

impl Feeder {
    /// `None` for a task that makes no events.
    fn of(task: &Task) -> Option<Self> {
        let event = |o: &Output| match &o.kind {
            OutputKind::Event { action_type, scene } => Some((action_type.clone(), scene.clone())),
            OutputKind::Touch { .. } => None,
        };
        let makes: Vec<_> = task.outputs.iter().filter_map(event).collect();
        (!makes.is_empty()).then(|| Self { id: task.id.clone(), makes, demand: Demand::of(task) })
    }

    /// The action types that its stream names.
    fn named(&self) -> BTreeSet<&Arc<str>> {
        let names = self.demand.events.iter().filter_map(|e| match &e.action_types {
            Wanted::Of(names) => Some(names),
            Wanted::Any => None,
        });
        names.flatten().collect()
    }

    /// Whether an event of this task joins the stream of the other: that must name its action type.
    fn feeds(&self, to: &Self) -> bool {
        let joins = |e: &EventDemand, (action_type, scene): &(Arc<str>, Option<Arc<str>>)| {
            matches!(e.action_types, Wanted::Of(_)) && e.wants(action_type, scene.as_deref())
        };
        self.makes.iter().any(|made| to.demand.events.iter().any(|e| joins(e, made)))
    }
}

/// The refusal of the task that closes a cycle.
pub(super) fn refused(chain: &[Arc<str>], node: &Node<'_>) -> Diagnostic {
    let chain: Vec<String> = chain.iter().map(|id| format!("`{}`", crate::token::shorten(id))).collect();
    let message = format!("the events of this task lead back to it: {}", chain.join(" -> "));
    Diagnostic::error(codes::EVENT_CYCLE, message)
        .path(format!("{}.output", node.path))
        .hint("give the derived event an action type that no task before it asks for")
}
