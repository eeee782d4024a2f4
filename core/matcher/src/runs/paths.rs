//! Paths: partial and whole matches read out of the shared buffer.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use ensue_rule::{Timestamp, Value};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::body::Body;
use crate::buffer::{NodeId, Seen, SharedBuffer, Tick};
use crate::expr::View;
use crate::observation::Position;
use crate::output::{Cause, Match, Seqs};
use crate::program::{Program, StageId, Yield};
use crate::registers::{RegisterSet, Registers, Taken};
use crate::table::Id;

/// Events with the stages that took them, in the order in which they were taken.
pub(super) type Path = SmallVec<[(Tick, StageId); 4]>;

/// What is still to read of the buffer, each with how much of a path stands before it.
type Todo = SmallVec<[(Unread, usize); 16]>;

#[derive(Clone, Copy, Debug)]
enum Unread {
    /// What a node says besides its alternatives.
    Own(NodeId),
    /// All that a node says.
    All(NodeId),
}

/// The partial matches of a body, as the buffer knows them.
#[derive(Debug)]
pub(super) struct Below {
    pub(super) root: NodeId,
    /// Their starts lie in this span.
    from: Tick,
    to: Tick,
    /// Where newer starts stand at the root too: how many paths of the span there are below each node.
    counts: Option<FxHashMap<NodeId, u64>>,
}

impl Below {
    /// What starts after `floor` below the root of a body.
    pub(super) fn of(body: &Body, buffer: &SharedBuffer, floor: Tick) -> Option<Self> {
        let (root, from) = (body.root()?, floor.next());
        let newest = body.newest()?;
        let to = body.starts().last().copied().unwrap_or(newest);
        let mut below = Self { root, from, to, counts: None };
        if newest > to {
            below.counts = Some(below.count(buffer));
        }
        Some(below)
    }

    /// Whether some of the span are below a node.
    #[inline]
    fn lives(&self, id: NodeId) -> bool {
        self.counts.as_ref().is_none_or(|counts| counts.get(&id).is_some_and(|n| *n > 0))
    }

    /// How many there are, saturating.
    pub(super) fn len(&self, buffer: &mut SharedBuffer) -> u64 {
        match &self.counts {
            Some(counts) => counts.get(&self.root).copied().unwrap_or(0),
            None => buffer.live_paths(self.root, self.from.previous()),
        }
    }

    fn count(&self, buffer: &SharedBuffer) -> FxHashMap<NodeId, u64> {
        let (mut counts, mut todo) = (FxHashMap::<NodeId, u64>::default(), vec![self.root]);
        while let Some(id) = todo.last().copied() {
            let node = buffer.look(id, self.from, self.to);
            let below = node.map(|n| [n.prev, n.alt]).unwrap_or_default();
            let known = todo.len();
            todo.extend(below.iter().flatten().filter(|id| !counts.contains_key(id)));
            if todo.len() > known {
                continue;
            }
            let of = |id: Option<NodeId>| id.and_then(|id| counts.get(&id).copied()).unwrap_or(0);
            let own = node.map_or(0, |n| {
                let before = n.before().map(of);
                before.into_iter().fold(u64::from(n.begins), u64::saturating_add).saturating_add(of(n.alt))
            });
            counts.insert(id, own);
            todo.pop();
        }
        counts
    }

    /// The path, where it is plain that there is a single one: what most completing events find.
    pub(super) fn only(&self, buffer: &SharedBuffer) -> Option<Path> {
        if self.counts.is_some() || !buffer.is_single(self.root) {
            return None;
        }
        let live = |id: &NodeId| buffer.reaches(*id, self.from, self.to);
        let (mut path, mut at) = (Path::new(), self.root);
        loop {
            let node = buffer.look(at, self.from, self.to).filter(|n| !n.alt.is_some_and(|alt| live(&alt)))?;
            if let Some(event) = node.event {
                path.push(event);
            }
            match node.prev.filter(live) {
                None if node.begins => break,
                Some(before) if !node.begins => at = before,
                _ => return None,
            }
        }
        path.reverse();
        Some(path)
    }

    /// Calls `visit` with every path until it breaks: what was bound earlier first. Each node that is looked at leads to
    /// a path, so the delay between two is that of one path's length and, once each, of the alternatives passed by.
    pub(super) fn each(
        &self,
        buffer: &SharedBuffer,
        mut visit: impl FnMut(Path) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let (mut todo, mut reversed) = (Todo::new(), Path::new());
        todo.push((Unread::All(self.root), 0));
        while let Some((unread, kept)) = todo.pop() {
            reversed.truncate(kept);
            let mut at = match unread {
                Unread::Own(id) => Some(id),
                Unread::All(id) => self.oldest(buffer, id, kept, &mut todo),
            };
            while let Some(node) = at.and_then(|id| buffer.look(id, self.from, self.to)) {
                if let Some(event) = node.event {
                    reversed.push(event);
                }
                if node.begins {
                    let mut path = Path::from_slice(&reversed);
                    path.reverse();
                    visit(path)?;
                }
                at = self.before(buffer, &node, reversed.len(), &mut todo);
            }
        }
        ControlFlow::Continue(())
    }

    /// What is before the event of a node, the older of two; the newer one is noted as still to do.
    fn before(&self, buffer: &SharedBuffer, node: &Seen, kept: usize, todo: &mut Todo) -> Option<NodeId> {
        match node.before() {
            [Some(older), Some(newer)] => {
                todo.push((Unread::All(newer), kept));
                self.oldest(buffer, older, kept, todo)
            }
            [one, other] => one.or(other).and_then(|id| self.oldest(buffer, id, kept, todo)),
        }
    }

    /// The oldest alternative at a node; the newer ones are noted as still to do.
    fn oldest(&self, buffer: &SharedBuffer, id: NodeId, kept: usize, todo: &mut Todo) -> Option<NodeId> {
        let (from, to) = (self.from, self.to);
        let mut at = Some(id).filter(|id| buffer.reaches(*id, from, to) && self.lives(*id))?;
        let next = |id: NodeId| buffer.alternative(id).filter(|alt| buffer.reaches(*alt, from, to) && self.lives(*alt));
        while let Some(alt) = next(at) {
            todo.push((Unread::Own(at), kept));
            at = alt;
        }
        Some(at)
    }
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
    let position =
        |step: Option<&(Tick, StageId)>| step.and_then(|(tick, _)| buffer.position(*tick)).unwrap_or_default();
    let mut bindings: Vec<(Arc<str>, Seqs)> = Vec::with_capacity(program.stages.len());
    for (id, stage) in program.stages.iter().filter(|(_, s)| !s.forbidden) {
        let mut seqs = Seqs::new();
        for (tick, _) in path.iter().filter(|(_, s)| *s == id) {
            if let Some(position) = buffer.position(*tick) {
                seqs.push(position.seq);
            }
        }
        if !seqs.is_empty() {
            bindings.push((stage.name.clone(), seqs));
        }
    }
    Match {
        bindings,
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
        let slots = buffer.kept(*tick);
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
