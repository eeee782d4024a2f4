//! The shared buffer: the graph in which all runs of one program and key share the events they bound.
//!
//! A node stands for a set of partial matches: those that end with its event (the first of a match, or after each
//! that `prev` stands for), and those that `alt` stands for besides. Taking an event costs one node, however many
//! partial matches take it. Each node carries the newest start below it: where that is over, so is all below, and the
//! branch is passed by (the output and union nodes of tECS: Bucchi, Grez, Quintana, Riveros, Vansummeren, "CORE", VLDB
//! 2022; its ancestor is the buffer of Agrawal, Diao, Gyllstrom, Immerman, SIGMOD 2008).
//!
//! Nodes and events lie by age, so what is over goes from the front, without a walk. The buffer knows no conditions.

mod node;

use ensue_rule::Value;
use smallvec::SmallVec;

use crate::aged::Aged;
use crate::observation::Position;
use node::{Back, Kind, Node, before};
pub(crate) use node::{Binding, NodeId, Root, Seen, Tick};

/// A buffer of up to so many nodes is short.
const SHORT: usize = 128;

/// Nodes and bound events of one key, oldest first.
#[derive(Debug)]
pub(crate) struct SharedBuffer {
    nodes: Aged<Node>,
    /// The id of the front node.
    base: u32,
    /// Where the bound events stood in the stream.
    events: Aged<Position>,
    /// What RETURN reads of them, where it reads anything that they have.
    kept: Option<Box<Kept>>,
    /// The tick of the front event, or of the next one.
    first: Tick,
    /// So much may be in it before it is looked at what is over.
    full: u32,
}

/// Values of bound events, oldest first.
type Kept = SmallVec<[(Tick, Box<[Value]>); 1]>;

impl Default for SharedBuffer {
    fn default() -> Self {
        Self { nodes: Aged::default(), base: 0, events: Aged::default(), kept: None, first: Tick(1), full: 16 }
    }
}

impl SharedBuffer {
    /// The tick of the next event that a run binds.
    #[inline]
    pub(crate) fn next_tick(&self) -> Tick {
        Tick(self.first.0.wrapping_add(count(self.events.len())))
    }

    /// The tick of the last event that a run bound.
    pub(crate) fn last_tick(&self) -> Tick {
        self.next_tick().previous()
    }

    /// Keeps an event; its tick is what [`Self::next_tick`] said before.
    #[inline]
    pub(crate) fn bind(&mut self, position: Position) -> Tick {
        let tick = self.next_tick();
        self.events.push(position);
        tick
    }

    /// Keeps what RETURN reads of the event last bound.
    pub(crate) fn keep(&mut self, values: Box<[Value]>) {
        let tick = self.last_tick();
        self.kept.get_or_insert_default().push((tick, values));
    }

    /// Where an event stood in the stream.
    #[inline]
    pub(crate) fn position(&self, tick: Tick) -> Option<Position> {
        self.events.at(self.place(tick)).copied()
    }

    /// What RETURN reads of an event; nothing where it has nothing of that.
    pub(crate) fn kept(&self, tick: Tick) -> &[Value] {
        let Some(kept) = &self.kept else { return &[] };
        let found = kept.binary_search_by(|(at, _)| at.cmp(&tick)).ok().and_then(|at| kept.get(at));
        found.map_or(&[], |(_, values)| values)
    }

    fn place(&self, tick: Tick) -> usize {
        index(tick.0.wrapping_sub(self.first.0))
    }

    /// The last event at or before `place`.
    pub(crate) fn tick_at(&self, place: Position) -> Option<Tick> {
        let after = self.events.as_slice().partition_point(|position| *position <= place);
        (after > 0).then(|| Tick(self.first.0.wrapping_add(count(after))).previous())
    }

    /// A node for an event that was taken.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "of every event that a run takes")]
    pub(crate) fn take(&mut self, b: Binding) -> Root {
        let (kind, paths) = match (b.begins, b.again && b.alt.is_some()) {
            (true, false) => (Kind::First, 1),
            (true, true) => (Kind::FirstAgain, 1),
            (false, true) => (Kind::Again, 0),
            (false, false) => (Kind::After, 0),
        };
        let node = Node { event: b.event, stage: b.stage, kind, paths, ..Node::new(b.event) };
        self.push(node, b.prev.map(|r| r.node), b.alt.map(|r| r.node))
    }

    /// A node for what either says; the older one is said first.
    #[inline(never)]
    pub(crate) fn either(&mut self, a: Root, b: Root) -> Root {
        if a == b {
            return a;
        }
        let (older, newer) = if self.age(a.node) < self.age(b.node) { (a, b) } else { (b, a) };
        self.push(Node::new(self.next_tick()), Some(newer.node), Some(older.node))
    }

    #[inline]
    fn push(&mut self, mut node: Node, prev: Option<NodeId>, alt: Option<NodeId>) -> Root {
        let nodes = &self.nodes;
        let (base, end) = (self.base, self.base.wrapping_add(count(nodes.len())));
        if !node.kind.begins() {
            // So old that whatever is below is newer.
            node.newest = Tick(node.event.0.wrapping_sub(1 << 30));
        }
        if let Some(prev) = prev {
            node.prev = end.wrapping_sub(prev.0);
            node.take_in(nodes.at(index(prev.0.wrapping_sub(base))));
        }
        if let Some(alt) = alt {
            let below = nodes.at(index(alt.0.wrapping_sub(base)));
            node.alt = end.wrapping_sub(alt.0);
            node.take_in(below);
            if node.kind.again() {
                node.paths = node.paths.saturating_add(below.map_or(0, |n| n.paths));
            }
        }
        let newest = node.newest;
        self.nodes.push(node);
        Root { node: NodeId(end), newest }
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.at(self.age(id))
    }

    /// The place of a node; the older, the smaller.
    fn age(&self, id: NodeId) -> usize {
        index(id.0.wrapping_sub(self.base))
    }

    /// Whether a partial match below a node starts in `from..=to`, as far as the node knows.
    #[inline]
    pub(crate) fn reaches(&self, id: NodeId, from: Tick, to: Tick) -> bool {
        self.node(id).is_some_and(|n| n.newest >= from && n.oldest <= to)
    }

    /// Whether a node stands for no more than one partial match.
    #[inline]
    pub(crate) fn is_single(&self, id: NodeId) -> bool {
        self.node(id).is_some_and(|n| n.paths == 1)
    }

    /// What a node stands for besides.
    #[inline]
    pub(crate) fn alternative(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).and_then(|n| before(id, n.alt))
    }

    /// What a node says, if it [reaches](Self::reaches) that span.
    pub(crate) fn look(&self, id: NodeId, from: Tick, to: Tick) -> Option<Seen> {
        let n = self.node(id).filter(|n| n.newest >= from && n.oldest <= to)?;
        Some(Seen {
            event: (n.kind != Kind::Either).then_some((n.event, n.stage)),
            begins: n.kind.begins() && n.event >= from && n.event <= to,
            prev: before(id, n.prev),
            again: n.kind.again(),
            alt: before(id, n.alt),
        })
    }

    /// How many partial matches below a node start after `floor`, which never falls.
    pub(crate) fn live_paths(&mut self, root: NodeId, floor: Tick) -> u64 {
        self.refresh(root, floor);
        self.node(root).filter(|n| n.newest > floor).map_or(0, |n| n.paths)
    }

    /// The oldest start after `floor`, which never falls.
    pub(crate) fn oldest(&mut self, root: NodeId, floor: Tick) -> Option<Tick> {
        self.refresh(root, floor);
        self.node(root).filter(|n| n.newest > floor).map(|n| n.oldest)
    }

    /// Lets the nodes below a root forget what is over: once for each node and start at most, short buffers apart.
    fn refresh(&mut self, root: NodeId, floor: Tick) {
        if self.node(root).is_none_or(|n| n.oldest > floor || n.newest <= floor) {
            return;
        }
        let root = index(root.0.wrapping_sub(self.base));
        let nodes = self.nodes.as_mut_slice();
        if root < SHORT {
            // Quicker than to look which are below: what a node says follows from older ones.
            (0..=root).for_each(|at| {
                tell(nodes, at, floor);
            });
            return;
        }
        let mut todo = SmallVec::<[usize; 32]>::new();
        todo.push(root);
        while let Some(at) = todo.last().copied() {
            let Some(node) = nodes.get(at) else { return };
            let known = todo.len();
            for back in [node.prev, node.alt] {
                let before = at.wrapping_sub(index(back));
                let stale = |n: &Node| back != 0 && n.newest > floor && n.oldest <= floor;
                todo.extend(nodes.get(before).filter(|n| stale(n)).map(|_| before));
            }
            // Those before it first.
            if todo.len() == known {
                tell(nodes, at, floor);
                todo.pop();
            }
        }
    }

    /// Whether half of it may be over: forgetting then costs nothing on average.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.weight() >= index(self.full)
    }

    /// Forgets what no run that starts after `floor` can reach, and events before that.
    pub(crate) fn forget(&mut self, floor: Tick) {
        let over = self.nodes.as_slice().iter().take_while(|n| n.newest <= floor).count();
        self.nodes.cut(over);
        self.base = self.base.wrapping_add(count(over));
        let gone = index(floor.next().0.wrapping_sub(self.first.0)).min(self.events.len());
        if self.first <= floor && gone > 0 {
            self.events.cut(gone);
            self.first = Tick(self.first.0.wrapping_add(count(gone)));
            if let Some(kept) = &mut self.kept {
                kept.drain(..kept.partition_point(|(at, _)| *at <= floor));
            }
        }
        self.full = count(self.weight().max(8) * 2);
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.first = self.next_tick();
        self.base = self.base.wrapping_add(count(self.nodes.len()));
        self.nodes.clear();
        self.events.clear();
        if let Some(kept) = &mut self.kept {
            kept.clear();
        }
    }

    /// How many nodes and events there are.
    pub(crate) fn weight(&self) -> usize {
        self.nodes.len() + self.events.len()
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }
}

/// Lets a node forget what is over, where those before it have.
#[inline]
fn tell(nodes: &mut [Node], at: usize, floor: Tick) -> Option<()> {
    let node = nodes.get(at).filter(|n| n.newest > floor && n.oldest <= floor)?;
    let begins = node.kind.begins() && node.event > floor;
    let (mut oldest, mut paths) = if begins { (node.event, 1_u64) } else { (node.newest, 0) };
    let mut add = |back: Back, times: u64| {
        if let Some(n) = nodes.get(at.wrapping_sub(index(back))).filter(|n| back != 0 && n.newest > floor) {
            oldest = oldest.min(n.oldest);
            paths = paths.saturating_add(n.paths.saturating_mul(times));
        }
    };
    add(node.prev, 1);
    add(node.alt, 1 + u64::from(node.kind.again()));
    let node = nodes.get_mut(at)?;
    (node.oldest, node.paths) = (oldest, paths);
    Some(())
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
