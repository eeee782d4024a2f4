//! The best: which of the partial matches of one start CONSUME prefers, found without listing them.
//!
//! Partial matches below one node wait at the same place, so whatever comes makes all of them longer alike, and the best
//! one of a node follows from the best ones of the nodes before it. Each node is asked once.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::paths::{Path, preference};
use crate::buffer::{NodeId, Seen, SharedBuffer, Tick};
use crate::program::{Program, StageId};

/// A partial match, as its last event and the one that it makes longer.
#[derive(Debug)]
struct Link {
    event: Tick,
    stage: StageId,
    before: Option<LinkId>,
    /// How many events each stage has taken.
    counts: SmallVec<[u32; 4]>,
}

type LinkId = usize;

/// The preferred path below a node among those with that start.
pub(super) fn best(buffer: &SharedBuffer, root: NodeId, start: Tick, program: &Program) -> Option<Path> {
    let mut search = Search { buffer, start, program, links: Vec::new(), known: FxHashMap::default() };
    let best = search.of(root)?;
    Some(search.path(best))
}

struct Search<'a> {
    buffer: &'a SharedBuffer,
    start: Tick,
    program: &'a Program,
    links: Vec<Link>,
    known: FxHashMap<NodeId, Option<LinkId>>,
}

impl Search<'_> {
    fn of(&mut self, root: NodeId) -> Option<LinkId> {
        let mut todo = vec![root];
        while let Some(id) = todo.last().copied() {
            if self.known.contains_key(&id) {
                todo.pop();
                continue;
            }
            let node = self.buffer.look(id, self.start, self.start);
            let below = node.map(|n| [n.prev, n.alt]).unwrap_or_default();
            let before = todo.len();
            todo.extend(below.iter().flatten().filter(|id| !self.known.contains_key(id)));
            if todo.len() == before {
                let best = node.and_then(|n| self.best_of(n));
                self.known.insert(id, best);
                todo.pop();
            }
        }
        self.known.get(&root).copied().flatten()
    }

    /// The best of a node whose nodes before are known.
    fn best_of(&mut self, node: Seen) -> Option<LinkId> {
        let known = |id: Option<NodeId>| id.and_then(|id| self.known.get(&id).copied().flatten());
        let ([older, newer], alt) = (node.before().map(known), known(node.alt));
        let prev = self.better(older, newer);
        let own = match node.event {
            None => prev,
            // What begins with this event has no other start.
            Some(taken) if node.begins => Some(self.link(taken, None)),
            Some(taken) => prev.map(|prev| self.link(taken, Some(prev))),
        };
        self.better(own, alt)
    }

    fn better(&self, a: Option<LinkId>, b: Option<LinkId>) -> Option<LinkId> {
        match (a, b) {
            (Some(a), Some(b)) => Some(if self.compare(a, b).is_gt() { b } else { a }),
            (a, b) => a.or(b),
        }
    }

    fn link(&mut self, (event, stage): (Tick, StageId), before: Option<LinkId>) -> LinkId {
        let mut counts = before.and_then(|id| self.links.get(id)).map(|l| l.counts.clone()).unwrap_or_default();
        let stages = self.program.stages.len();
        counts.resize(stages, 0);
        if let Some(n) = counts.get_mut(crate::table::Id::index(stage)) {
            *n += 1;
        }
        self.links.push(Link { event, stage, before, counts });
        self.links.len() - 1
    }

    /// Which CONSUME prefers: less is better. What both share does not tell.
    fn compare(&self, a: LinkId, b: LinkId) -> Ordering {
        let counts = |id: LinkId| self.links.get(id).map(|l| &l.counts);
        let more = counts(b).cmp(&counts(a));
        if more.is_ne() {
            return more;
        }
        let (mut x, mut y) = (Some(a), Some(b));
        let (mut left, mut right) = (Path::new(), Path::new());
        while x != y {
            let (p, q) = (x.and_then(|x| self.links.get(x)), y.and_then(|y| self.links.get(y)));
            let (at, other) = (p.map(|p| p.event), q.map(|q| q.event));
            if let Some(p) = p.filter(|_| at >= other) {
                left.push((p.event, p.stage));
                x = p.before;
            }
            if let Some(q) = q.filter(|_| other >= at) {
                right.push((q.event, q.stage));
                y = q.before;
            }
        }
        left.reverse();
        right.reverse();
        preference(&left, &right, self.program)
    }

    fn path(&self, id: LinkId) -> Path {
        let mut path = Path::new();
        let mut at = Some(id);
        while let Some(link) = at.and_then(|id| self.links.get(id)) {
            path.push((link.event, link.stage));
            at = link.before;
        }
        path.reverse();
        path
    }
}
