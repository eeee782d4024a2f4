//! The nodes of a shared buffer, and what names them.

use crate::program::StageId;

/// The number of an event among those that runs of one key bound. It counts around (serial numbers as in RFC 1982):
/// comparing two is right while fewer than 2^31 lie between them, and far fewer are ever alive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Tick(pub(super) u32);

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
pub(crate) struct NodeId(pub(super) u32);

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
pub(super) struct Node {
    /// No partial match below starts before this; what is over may still count.
    pub(super) oldest: Tick,
    /// The newest start below.
    pub(super) newest: Tick,
    /// How many partial matches it stands for, of those that start at or after `oldest`; saturating.
    pub(super) paths: u64,
    pub(super) event: Tick,
    pub(super) prev: Back,
    pub(super) alt: Back,
    pub(super) stage: StageId,
    pub(super) kind: Kind,
}

impl Node {
    /// Says nothing yet.
    pub(super) fn new(event: Tick) -> Self {
        let (stage, kind) = (StageId(0), Kind::Either);
        Self { oldest: event, newest: event, paths: 0, event, prev: 0, alt: 0, stage, kind }
    }

    /// Says what another node says besides.
    pub(super) fn take_in(&mut self, below: Option<&Self>) {
        let Some(below) = below else { return };
        self.oldest = self.oldest.min(below.oldest);
        self.newest = self.newest.max(below.newest);
        self.paths = self.paths.saturating_add(below.paths);
    }
}

/// How many nodes back another one lies; 0: there is none.
pub(super) type Back = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
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
    pub(super) fn begins(self) -> bool {
        matches!(self, Self::First | Self::FirstAgain)
    }

    #[inline]
    pub(super) fn again(self) -> bool {
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

/// The node so many back.
#[inline]
pub(super) fn before(id: NodeId, back: Back) -> Option<NodeId> {
    (back != 0).then(|| NodeId(id.0.wrapping_sub(back)))
}
