//! The shared buffer: the graph in which all runs of one program and key share the events they bound.
//!
//! A node stands for a set of partial matches: those that end with its event (the first of a match, or after each
//! that `prev` stands for), and those that `alt` stands for besides. Taking an event costs one node, however many
//! partial matches take it. Each node carries the newest start below it: where that is over, so is all below, and the
//! branch is passed by (the output and union nodes of tECS: Bucchi, Grez, Quintana, Riveros, Vansummeren, "CORE", VLDB
//! 2022; its ancestor is the buffer of Agrawal, Diao, Gyllstrom, Immerman, SIGMOD 2008).
//!
//! Nodes and events lie by age, so what is over goes from the front, without a walk. The buffer knows no conditions.

use std::collections::VecDeque;

use ensue_rule::Value;
use smallvec::SmallVec;

use crate::aged::Aged;
use crate::observation::Position;
use crate::program::StageId;

/// The number of an event among those that runs of one key bound. It counts around (serial numbers as in RFC 1982):
/// comparing two is right while fewer than 2^31 lie between them, and far fewer are ever alive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Tick(u32);

impl Tick {
    pub(crate) fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    pub(crate) fn previous(self) -> Self {
        Self(self.0.wrapping_sub(1))
    }
}

impl Ord for Tick {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.wrapping_sub(other.0).cast_signed().cmp(&0)
    }
}

impl PartialOrd for Tick {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }

    #[inline]
    fn gt(&self, other: &Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() > 0
    }

    #[inline]
    fn le(&self, other: &Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() <= 0
    }
}

/// A node, by its place since the buffer began; counts around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(u32);

impl NodeId {
    /// Whether it was made before another one.
    fn is_before(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() < 0
    }
}

/// A node that a run class stands at, with the newest start below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    pub(crate) node: NodeId,
    pub(crate) newest: Tick,
}

/// An event as a node takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    pub(crate) event: Tick,
    pub(crate) stage: StageId,
    /// Whether partial matches begin with it.
    pub(crate) begins: bool,
    /// Partial matches that it makes longer.
    pub(crate) prev: Option<Root>,
    /// Partial matches that the node stands for besides; older ones.
    pub(crate) alt: Option<Root>,
    /// Whether the event makes those longer too (a loop that passes over everything).
    pub(crate) again: bool,
}

/// 32 bytes: a day of events makes thousands.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// No partial match below starts before this; what is over may still count.
    oldest: Tick,
    /// The newest start below.
    newest: Tick,
    /// How many partial matches it stands for, of those that start at or after `oldest`; saturating.
    paths: u64,
    event: Tick,
    prev: Back,
    alt: Back,
    stage: StageId,
    kind: Kind,
}

impl Node {
    /// Says nothing yet.
    fn new(event: Tick) -> Self {
        let (stage, kind) = (StageId(0), Kind::Either);
        Self { oldest: event, newest: event, paths: 0, event, prev: 0, alt: 0, stage, kind }
    }

    /// Says what another node says besides.
    fn take_in(&mut self, below: Option<&Self>) {
        let Some(below) = below else { return };
        self.oldest = self.oldest.min(below.oldest);
        self.newest = self.newest.max(below.newest);
        self.paths = self.paths.saturating_add(below.paths);
    }
}

/// A buffer of up to so many nodes is short.
const SHORT: usize = 128;

/// How many nodes back another one lies; 0: there is none.
type Back = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The event after what `prev` stands for.
    After,
    /// The same, and after what `alt` stands for.
    Again,
    /// The event after what `prev` stands for, and partial matches begin with it too.
    First,
    /// Both.
    FirstAgain,
    /// No event: what `prev` or `alt` stands for.
    Either,
}

impl Kind {
    #[inline]
    fn begins(self) -> bool {
        matches!(self, Self::First | Self::FirstAgain)
    }

    #[inline]
    fn again(self) -> bool {
        matches!(self, Self::Again | Self::FirstAgain)
    }
}

/// What a node says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// `None`: what `prev` or `alt` says.
    pub(crate) event: Option<(Tick, StageId)>,
    pub(crate) begins: bool,
    pub(crate) prev: Option<NodeId>,
    /// Whether `alt` is before the event too.
    pub(crate) again: bool,
    pub(crate) alt: Option<NodeId>,
}

impl Seen {
    /// What is before the event, the older first.
    pub(crate) fn before(&self) -> [Option<NodeId>; 2] {
        match (self.prev, self.alt.filter(|_| self.again)) {
            (Some(prev), Some(alt)) if alt.is_before(prev) => [Some(alt), Some(prev)],
            both => both.into(),
        }
    }
}

/// Nodes and bound events of one key, oldest first.
#[derive(Debug)]
pub(crate) struct SharedBuffer {
    nodes: Aged<Node>,
    /// The id of the front node.
    base: u32,
    /// Where the bound events stood in the stream.
    events: Aged<Position>,
    /// What RETURN reads of them, beside `events`; nothing where it reads nothing.
    #[allow(clippy::box_collection, reason = "few rules read anything, and keys are many")]
    kept: Option<Box<VecDeque<Box<[Value]>>>>,
    /// The tick of the front event, or of the next one.
    first: Tick,
    /// So much may be in it before it is looked at what is over.
    full: u32,
}

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

    /// Keeps what RETURN reads of the event last bound: of every one, or of none.
    pub(crate) fn keep(&mut self, values: Box<[Value]>) {
        self.kept.get_or_insert_default().push_back(values);
    }

    /// Where an event stood in the stream.
    #[inline]
    pub(crate) fn position(&self, tick: Tick) -> Option<Position> {
        self.events.as_slice().get(self.place(tick)).copied()
    }

    /// What RETURN reads of an event.
    pub(crate) fn kept(&self, tick: Tick) -> &[Value] {
        self.kept.as_ref().and_then(|kept| kept.get(self.place(tick))).map_or(&[], |values| values)
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
        let nodes = self.nodes.as_slice();
        let (base, end) = (self.base, self.base.wrapping_add(count(nodes.len())));
        if !node.kind.begins() {
            // So old that whatever is below is newer.
            node.newest = Tick(node.event.0.wrapping_sub(1 << 30));
        }
        if let Some(prev) = prev {
            node.prev = end.wrapping_sub(prev.0);
            node.take_in(nodes.get(index(prev.0.wrapping_sub(base))));
        }
        if let Some(alt) = alt {
            let below = nodes.get(index(alt.0.wrapping_sub(base)));
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
        self.nodes.as_slice().get(self.age(id))
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
                kept.drain(..gone.min(kept.len()));
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

/// The node so many back.
#[inline]
fn before(id: NodeId, back: Back) -> Option<NodeId> {
    (back != 0).then(|| NodeId(id.0.wrapping_sub(back)))
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
