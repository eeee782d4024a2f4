//! Derived events that lead back to the task that makes them.

use std::sync::Arc;

use ensue_rule::{Demand, OutputKind, Task, Wanted};

use super::json::Node;
use crate::codes;
use crate::diagnostic::Diagnostic;

/// Which tasks of a set feed which others by their events; never with a cycle.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    tasks: Vec<Feeder>,
}

/// A task that makes events. (One that makes none lies on no cycle.)
#[derive(Debug)]
struct Feeder {
    task: Arc<Task>,
    demand: Demand,
}

impl Feeds {
    /// Adds a task, or gives the ids through which its events would come back to it, its own first and last.
    pub(super) fn add(&mut self, task: &Arc<Task>) -> Option<Vec<Arc<str>>> {
        if !task.outputs.iter().any(|o| matches!(o.kind, OutputKind::Event { .. })) {
            return None;
        }
        self.tasks.push(Feeder { task: task.clone(), demand: Demand::of(task) });
        let chain = self.way_back(self.tasks.len() - 1);
        if chain.is_some() {
            self.tasks.pop();
        }
        chain
    }

    /// A way from a task to itself.
    fn way_back(&self, target: usize) -> Option<Vec<Arc<str>>> {
        let mut seen = vec![false; self.tasks.len()];
        let start = self.tasks.get(target)?;
        let mut todo = vec![(start, vec![start.task.id.clone()])];
        while let Some((from, chain)) = todo.pop() {
            for (at, to) in self.tasks.iter().enumerate().filter(|(_, to)| from.feeds(to)) {
                let longer = || chain.iter().chain([&to.task.id]).cloned().collect();
                if at == target {
                    return Some(longer());
                }
                if let Some(new @ false) = seen.get_mut(at) {
                    *new = true;
                    todo.push((to, longer()));
                }
            }
        }
        None
    }
}

impl Feeder {
    /// Whether an event of this task joins the stream of the other: that must name its action type.
    fn feeds(&self, to: &Self) -> bool {
        self.task.outputs.iter().any(|o| match &o.kind {
            OutputKind::Event { action_type, scene } => (to.demand.events.iter())
                .any(|e| matches!(e.action_types, Wanted::Of(_)) && e.wants(action_type, scene.as_deref())),
            OutputKind::Touch { .. } => false,
        })
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
