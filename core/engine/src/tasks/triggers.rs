//! Which tasks an event triggers, at a cost that does not depend on how many there are.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Active, TaskId};

/// Tasks by what triggers them; in each list by document order.
#[derive(Debug, Default)]
pub(super) struct Triggers {
    named: FxHashMap<Arc<str>, Scenes>,
    any: Scenes,
}

#[derive(Debug, Default)]
struct Scenes {
    named: FxHashMap<Arc<str>, Vec<Triggered>>,
    any: Vec<Triggered>,
}

type Triggered = ((u32, u32), TaskId);

impl Triggers {
    pub(super) fn of(tasks: &[Active]) -> Self {
        let mut triggers = Self::default();
        for task in tasks {
            let Some(trigger) = &task.task.trigger else { continue };
            let entry = (task.order, task.id);
            if trigger.action_types.is_empty() {
                triggers.any.add(&trigger.scenes, entry);
            }
            for action_type in &trigger.action_types {
                triggers.named.entry(action_type.clone()).or_default().add(&trigger.scenes, entry);
            }
        }
        triggers
    }

    pub(super) fn by(&self, action_type: &str, scene: Option<&str>) -> Vec<TaskId> {
        let mut found: Vec<Triggered> = Vec::new();
        for scenes in self.named.get(action_type).into_iter().chain([&self.any]) {
            found.extend(&scenes.any);
            found.extend(scene.and_then(|s| scenes.named.get(s)).into_iter().flatten());
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|(_, id)| id).collect()
    }
}

impl Scenes {
    fn add(&mut self, scenes: &[Arc<str>], entry: Triggered) {
        if scenes.is_empty() {
            self.any.push(entry);
        }
        for scene in scenes {
            self.named.entry(scene.clone()).or_default().push(entry);
        }
    }
}
