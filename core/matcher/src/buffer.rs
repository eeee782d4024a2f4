//! The shared buffer: the graph in which all runs of one program and key share the events they bound.
//!
//! A node says "this event, after what `prev` says" or "what either of two nodes says" (the output and union nodes of
//! tECS: Bucchi, Grez, Quintana, Riveros, Vansummeren, "CORE", VLDB 2022; its ancestor is the buffer of Agrawal, Diao,
//! Gyllstrom, Immerman, SIGMOD 2008). All runs below a node have one start, which the node carries: what is older than
//! the oldest live start goes from the front, without a walk.

use std::collections::VecDeque;

use ensue_rule::Value;

use crate::observation::Position;
use crate::program::StageId;
use crate::trends::Trend;

/// The number of an event among those fed to one key, from 1; the order in which everything is meant.
pub(crate) type Tick = u64;

/// A node, by its place since the buffer began; wraps around, which 2^32 live nodes would be needed to notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(u32);

#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The start of all runs below.
    start: Tick,
    /// How many paths there are below, saturating.
    pub(crate) paths: u64,
    pub(crate) kind: NodeKind,
}

#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    /// This event, taken by this stage, after `prev` (`None`: it is the first).
    Event { event: Tick, stage: StageId, prev: Option<NodeId> },
    /// What either says; the older node first.
    Union(NodeId, NodeId),
    /// How many partial matches there are and what they add up to, where a rule asks for nothing else.
    Trend(Trend),
}

/// An event that some run bound.
#[derive(Debug)]
pub(crate) struct BoundEvent {
    tick: Tick,
    pub(crate) position: Position,
    /// The attributes that RETURN reads.
    pub(crate) kept: Box<[Value]>,
}

/// Nodes and bound events of one key, oldest first.
#[derive(Debug, Default)]
pub(crate) struct SharedBuffer {
    nodes: VecDeque<Node>,
    /// The id of the front node.
    base: u32,
    events: VecDeque<BoundEvent>,
}

impl SharedBuffer {
    /// Keeps an event, once, however many runs bind it. Events come in the order of their ticks.
    pub(crate) fn bind(&mut self, tick: Tick, position: Position, kept: impl FnOnce() -> Box<[Value]>) {
        if self.events.back().is_none_or(|e| e.tick != tick) {
            self.events.push_back(BoundEvent { tick, position, kept: kept() });
        }
    }

    pub(crate) fn push(&mut self, start: Tick, kind: NodeKind) -> NodeId {
        let id = NodeId(self.base.wrapping_add(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)));
        let below = |id: NodeId| self.node(id).map_or(0, |n| n.paths);
        let paths = match &kind {
            NodeKind::Event { prev, .. } => prev.map_or(1, below),
            NodeKind::Union(a, b) => below(*a).saturating_add(below(*b)),
            NodeKind::Trend(_) => 1,
        };
        self.nodes.push_back(Node { start, paths, kind });
        id
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(usize::try_from(id.0.wrapping_sub(self.base)).unwrap_or(usize::MAX))
    }

    pub(crate) fn event(&self, tick: Tick) -> Option<&BoundEvent> {
        let at = self.events.binary_search_by_key(&tick, |e| e.tick).ok()?;
        self.events.get(at)
    }

    /// The last event at or before `place`.
    pub(crate) fn tick_at(&self, place: Position) -> Option<Tick> {
        let after = self.events.partition_point(|e| e.position <= place);
        self.events.get(after.checked_sub(1)?).map(|e| e.tick)
    }

    /// Forgets what no run that starts at or after `oldest` can reach (`None`: everything).
    pub(crate) fn release(&mut self, oldest: Option<Tick>) {
        let Some(oldest) = oldest else {
            self.base = self.base.wrapping_add(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
            self.nodes.clear();
            self.events.clear();
            return;
        };
        while self.nodes.front().is_some_and(|n| n.start < oldest) {
            self.nodes.pop_front();
            self.base = self.base.wrapping_add(1);
        }
        while self.events.front().is_some_and(|e| e.tick < oldest) {
            self.events.pop_front();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }
}
