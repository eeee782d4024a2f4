//! What of the stream a task has kept, as [`Demand`] derives it; equal kinds of events said once.

use std::collections::BTreeSet;
use std::sync::Arc;

use ensue_rule::{Attr, Demand, EventDemand, Task, Wanted};
use serde::Serialize;

/// A kind of event, and what of it is read.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Explained {
    /// Null: all.
    pub(super) action_types: Option<BTreeSet<Arc<str>>>,
    /// Null: all.
    pub(super) scenes: Option<BTreeSet<Arc<str>>>,
    /// What is read of `args`; the built-in attributes are always kept.
    pub(super) fields: BTreeSet<String>,
}

pub(super) fn explain(task: &Task) -> Vec<Explained> {
    let mut out: Vec<Explained> = Vec::new();
    for demand in Demand::of(task).events {
        let new = explained(&demand);
        match out.iter_mut().find(|e| e.action_types == new.action_types && e.scenes == new.scenes) {
            Some(same) => same.fields.extend(new.fields),
            None => out.push(new),
        }
    }
    out
}

fn explained(demand: &EventDemand) -> Explained {
    let names = |wanted: &Wanted| match wanted {
        Wanted::Any => None,
        Wanted::Of(names) => Some(names.clone()),
    };
    let args = demand.fields.iter().filter(|attr| matches!(attr, Attr::Arg(_)));
    Explained {
        action_types: names(&demand.action_types),
        scenes: names(&demand.scenes),
        fields: args.map(ToString::to_string).collect(),
    }
}
