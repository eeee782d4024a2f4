//! From where in the log a new task may read: how long what it demands has been kept for tasks that were there before.
//!
//! Each kind of event that it demands must have been demanded, with all fields, by one single task. That is a little less
//! than the truth (two tasks might cover it together), and never more.

use std::collections::BTreeSet;
use std::sync::Arc;

use ensue_rule::{Attr, Demand, Duration, EventDemand, Timestamp, Wanted};

use super::Active;

/// A place in the log by arrival, and a time.
pub(super) type Since = (u64, Timestamp);

/// From where on what `demand` names was kept, for tasks with a window of `window`; `now`: the next arrival number and
/// the largest time seen.
pub(super) fn since(demand: &Demand, window: Duration, before: &[&Active], now: (u64, Timestamp)) -> Since {
    let kinds = demand.events.iter().flat_map(singles);
    let kept = kinds.map(|kind| {
        let holders = before.iter().filter(|t| t.demand.events.iter().any(|e| covers(e, &kind)));
        holders.map(|t| held_by(t, window, now.1)).min().unwrap_or((now.0, Timestamp::MIN))
    });
    kept.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1))).unwrap_or((now.0, Timestamp::MIN))
}

/// What a task has kept: since it came, and of that only its window.
fn held_by(task: &Active, window: Duration, now: Timestamp) -> Since {
    let from = if task.window < window { task.since.1.max(now.minus(task.window)) } else { task.since.1 };
    (task.since.0, from)
}

/// A kind of event, one action type at a time.
fn singles(kind: &EventDemand) -> Vec<EventDemand> {
    match &kind.action_types {
        Wanted::Any => vec![kind.clone()],
        Wanted::Of(names) => {
            let one =
                |n: &Arc<str>| EventDemand { action_types: Wanted::Of(BTreeSet::from([n.clone()])), ..kind.clone() };
            names.iter().map(one).collect()
        }
    }
}

fn covers(old: &EventDemand, new: &EventDemand) -> bool {
    // Any does not cover a name: derived events are kept only where they are named.
    let named = matches!((&old.action_types, &new.action_types), (Wanted::Of(_), Wanted::Of(_)));
    let both_any = old.action_types == Wanted::Any && new.action_types == Wanted::Any;
    (named || both_any)
        && within(&new.action_types, &old.action_types)
        && within(&new.scenes, &old.scenes)
        && (old.whole || !new.whole && new.fields.iter().all(|f| reads(&old.fields, f)))
}

fn within(new: &Wanted, old: &Wanted) -> bool {
    match (new, old) {
        (_, Wanted::Any) => true,
        (Wanted::Any, Wanted::Of(_)) => false,
        (Wanted::Of(new), Wanted::Of(old)) => new.is_subset(old),
    }
}

/// Whether an attribute is among those that are kept: built in, named, or inside one that is.
fn reads(fields: &BTreeSet<Attr>, attr: &Attr) -> bool {
    let Attr::Arg(path) = attr else { return true };
    (1..=path.len()).filter_map(|n| path.get(..n)).any(|outer| fields.contains(&Attr::Arg(outer.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(action_types: &[&str], fields: &[&str]) -> EventDemand {
        let action_types = match action_types {
            [] => Wanted::Any,
            names => Wanted::Of(names.iter().map(|n| Arc::from(*n)).collect()),
        };
        let fields = fields.iter().map(|f| Attr::try_from((*f).to_owned()).unwrap()).collect();
        EventDemand { action_types, scenes: Wanted::Any, fields, whole: false }
    }

    #[test]
    fn a_kind_is_covered_by_one_that_keeps_as_much() {
        for (old, new, covered) in [
            (kind(&["a"], &["args.x"]), kind(&["a"], &["args.x"]), true),
            (kind(&["a"], &["args.x"]), kind(&["a"], &["args.x.y", "scene"]), true),
            (kind(&["a"], &["args.x.y"]), kind(&["a"], &["args.x"]), false),
            (kind(&["a", "b"], &[]), kind(&["a"], &[]), true),
            (kind(&["a"], &[]), kind(&["b"], &[]), false),
            (kind(&["a"], &[]), kind(&[], &[]), false),
            (kind(&[], &[]), kind(&[], &[]), true),
            (kind(&[], &[]), kind(&["a"], &[]), false),
        ] {
            assert_eq!(covers(&old, &new), covered, "{old:?} {new:?}");
        }
        let (some, all) = (kind(&["a"], &["args.x"]), EventDemand { whole: true, ..kind(&["a"], &[]) });
        assert!(covers(&all, &some) && !covers(&some, &all));
    }
}
