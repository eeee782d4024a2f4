//! Paths: partial and whole matches read out of the shared buffer.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use ensue_rule::{Timestamp, Value};

use crate::buffer::{NodeId, NodeKind, SharedBuffer, Tick};
use crate::expr::View;
use crate::observation::Position;
use crate::output::{Cause, Match};
use crate::program::{Program, StageId, Yield};
use crate::registers::{RegisterSet, Registers, Taken};
use crate::table::Id;

/// Events with the stages that took them, in the order in which they were taken.
pub(super) type Path = Vec<(Tick, StageId)>;

/// Calls `visit` with every path below a node until it breaks: what was bound earlier first. The delay between two
/// paths is that of one path's length.
pub(super) fn each(
    buffer: &SharedBuffer,
    node: NodeId,
    mut visit: impl FnMut(Path) -> ControlFlow<()>,
) -> ControlFlow<()> {
    // What is still to do: a node, and how much of `reversed` stands before it.
    let (mut todo, mut reversed) = (vec![(node, 0)], Path::new());
    while let Some((id, kept)) = todo.pop() {
        reversed.truncate(kept);
        let mut at = Some(id);
        while let Some(node) = at.and_then(|id| buffer.node(id)) {
            match &node.kind {
                &NodeKind::Union(older, newer) => {
                    todo.push((newer, reversed.len()));
                    at = Some(older);
                }
                &NodeKind::Event { event, stage, prev } => {
                    reversed.push((event, stage));
                    at = prev;
                }
                // A sum has forgotten its matches.
                NodeKind::Trend(_) => at = None,
            }
        }
        visit(reversed.iter().rev().copied().collect())?;
    }
    ControlFlow::Continue(())
}

/// The one path below a node of a CONSUME program.
pub(super) fn only(buffer: &SharedBuffer, node: NodeId) -> Path {
    let mut path = Path::new();
    let _ = each(buffer, node, |p| {
        path = p;
        ControlFlow::Break(())
    });
    path
}

/// Whether CONSUME prefers the partial match at `a` to that at `b`, both of one start. What they share does not tell,
/// so it costs only as much as they differ.
pub(super) fn is_preferred(buffer: &SharedBuffer, a: NodeId, b: NodeId, program: &Program) -> bool {
    let step = |id: Option<NodeId>| match buffer.node(id?).map(|n| &n.kind)? {
        &NodeKind::Event { event, stage, prev } => Some((event, stage, prev)),
        NodeKind::Union(..) | NodeKind::Trend(_) => None,
    };
    let (mut x, mut y) = (Some(a), Some(b));
    let (mut left, mut right) = (Path::new(), Path::new());
    while x != y {
        let (p, q) = (step(x), step(y));
        let (at, other) = (p.map(|p| p.0), q.map(|q| q.0));
        if let Some((event, stage, prev)) = p.filter(|_| at >= other) {
            left.push((event, stage));
            x = prev;
        }
        if let Some((event, stage, prev)) = q.filter(|_| other >= at) {
            right.push((event, stage));
            y = prev;
        }
        if p.is_none() && q.is_none() {
            break;
        }
    }
    left.reverse();
    right.reverse();
    preference(&left, &right, program).is_lt()
}

/// CONSUME's order among those of one start, the preferred first: the most events in the first stage, the second and so on, then the
/// earliest events stage by stage.
pub(super) fn preference(a: &Path, b: &Path, program: &Program) -> Ordering {
    let of = |path: &Path, stage: StageId| -> Vec<Tick> {
        path.iter().filter(|(_, s)| *s == stage).map(|(tick, _)| *tick).collect()
    };
    let (mut counts, mut events) = (Ordering::Equal, Ordering::Equal);
    for stage in program.stages.ids() {
        let (x, y) = (of(a, stage), of(b, stage));
        counts = counts.then(y.len().cmp(&x.len()));
        events = events.then(x.cmp(&y));
    }
    counts.then(events)
}

/// When and by what a path became a match.
#[derive(Clone, Copy, Debug)]
pub(super) struct Completed {
    pub(super) at: Timestamp,
    pub(super) by: Cause,
}

/// A path as a match, with the values of RETURN (or of ON TIMEOUT RETURN).
pub(super) fn to_match(
    path: &Path,
    buffer: &SharedBuffer,
    program: &Program,
    yields: &Yield,
    when: Completed,
) -> Match {
    let position = |step: Option<&(Tick, StageId)>| {
        step.and_then(|(tick, _)| buffer.event(*tick)).map(|e| e.position).unwrap_or_default()
    };
    let bindings = program.stages.iter().filter_map(|(id, stage)| {
        let events = path.iter().filter(|(_, s)| *s == id).filter_map(|(tick, _)| buffer.event(*tick));
        let seqs: Vec<u64> = events.map(|e| e.position.seq).collect();
        (!seqs.is_empty()).then(|| (stage.name.clone(), seqs))
    });
    Match {
        bindings: bindings.collect(),
        start: position(path.first()),
        end: position(path.last()),
        at: when.at,
        by: when.by,
        values: values(path, buffer, yields),
    }
}

/// The values of RETURN, folded over the events of a path.
fn values(path: &Path, buffer: &SharedBuffer, yields: &Yield) -> Vec<(Arc<str>, Value)> {
    if yields.values.is_empty() {
        return Vec::new();
    }
    let mut all = RegisterSet::default();
    yields.registers.ids().for_each(|r| all.insert(r));
    let mut registers = Registers::default();
    for (tick, stage) in path {
        let slots: &[Value] = buffer.event(*tick).map_or(&[], |e| &e.kept);
        registers = registers.take(&yields.registers, Taken { stage: *stage, slots }, all);
    }
    let view = View { slots: &[], registers: &registers, definitions: &yields.registers };
    yields.values.iter().map(|(name, code)| (name.clone(), code.eval(view).into_owned())).collect()
}

/// The last event of a path.
pub(super) fn last(path: &Path) -> Tick {
    path.iter().map(|(tick, _)| *tick).max().unwrap_or_default()
}

/// The furthest stage of a path, for ON TIMEOUT.
pub(super) fn furthest(path: &Path) -> usize {
    path.iter().map(|(_, stage)| stage.index()).max().unwrap_or_default()
}

/// A place in the stream just before another.
pub(super) fn just_before(p: Position) -> Position {
    match p.seq.checked_sub(1) {
        Some(seq) => Position { ts: p.ts, seq },
        None => Position { ts: Timestamp(p.ts.0.saturating_sub(1)), seq: u64::MAX },
    }
}
