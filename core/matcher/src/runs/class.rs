//! Run classes: partial matches that no future condition can tell apart.

use ensue_rule::Timestamp;
use smallvec::SmallVec;

use crate::buffer::{NodeId, NodeKind, SharedBuffer, Tick};
use crate::program::{After, Program, StageId, WaitId};
use crate::registers::Registers;
use crate::runs::paths;

/// All partial matches of one class that started with one event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) start: Tick,
    /// When it started.
    pub(super) at: Timestamp,
    /// What they bound; `None` before the first event.
    pub(super) node: Option<NodeId>,
}

/// Members by start, oldest first; no start twice.
pub(super) type Members = SmallVec<[Member; 1]>;

/// What tells classes apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) wait: WaitId,
    pub(super) registers: Registers,
    /// When the last event was taken, where the wait is bounded by it.
    pub(super) last: Option<Timestamp>,
    /// The session, where the rule is of one.
    pub(super) session: Option<u64>,
    /// The latest stage reached, where ON TIMEOUT reports the furthest partial match.
    pub(super) reached: Option<StageId>,
}

/// A run class.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) wait: WaitId,
    pub(super) registers: Registers,
    pub(super) last: Option<Timestamp>,
    pub(super) session: Option<u64>,
    pub(super) reached: Option<StageId>,
    pub(super) members: Members,
}

impl Class {
    pub(super) fn new(key: Key, members: Members) -> Self {
        Self {
            wait: key.wait,
            registers: key.registers,
            last: key.last,
            session: key.session,
            reached: key.reached,
            members,
        }
    }

    pub(super) fn is(&self, key: &Key) -> bool {
        self.wait == key.wait && self.last == key.last && self.session == key.session && self.registers == key.registers
    }

    pub(super) fn oldest(&self) -> Option<Tick> {
        self.members.first().map(|m| m.start)
    }

    /// When its first member, or all, are due.
    pub(super) fn due(&self, program: &Program) -> Option<Timestamp> {
        let window = self.members.first().map(|m| m.at.plus(program.window));
        window.min(self.bound_due(program).or(window))
    }

    /// When the bound on its step is violated.
    pub(super) fn bound_due(&self, program: &Program) -> Option<Timestamp> {
        let bound = program.waits[self.wait].bound?;
        self.last.map(|last| last.plus(bound.violated_at()))
    }

    /// Drops the members that started at or before `tick`; whether any are left.
    pub(super) fn cut(&mut self, tick: Tick) -> bool {
        let from = self.members.iter().position(|m| m.start > tick).unwrap_or(self.members.len());
        self.members.drain(..from);
        !self.members.is_empty()
    }
}

/// Adds `more` to `members`, both by start. Of one start both sets of partial matches are kept, or under CONSUME the
/// better partial match of the two: whatever comes completes both alike.
pub(super) fn merge(members: &mut Members, more: &Members, program: &Program, buffer: &mut SharedBuffer) {
    if members.last().zip(more.first()).is_none_or(|(a, b)| a.start < b.start) {
        members.extend_from_slice(more);
        return;
    }
    let mut at = 0;
    for new in more {
        while members.get(at).is_some_and(|m| m.start < new.start) {
            at += 1;
        }
        match members.get_mut(at).filter(|m| m.start == new.start) {
            Some(m) => m.node = either(*m, *new, program, buffer),
            None => members.insert(at, *new),
        }
    }
}

fn either(x: Member, y: Member, program: &Program, buffer: &mut SharedBuffer) -> Option<NodeId> {
    let (Some(a), Some(b)) = (x.node, y.node) else { return x.node.or(y.node) };
    if a == b {
        return Some(a);
    }
    if let (Some(_), Some(NodeKind::Trend(p)), Some(NodeKind::Trend(q))) =
        (&program.trends, kind(buffer, a), kind(buffer, b))
    {
        let sum = p.and(q);
        return Some(buffer.push(x.start, NodeKind::Trend(sum)));
    }
    if program.after == After::Consume {
        return Some(if paths::is_preferred(buffer, b, a, program) { b } else { a });
    }
    Some(buffer.push(x.start, NodeKind::Union(a, b)))
}

fn kind(buffer: &SharedBuffer, id: NodeId) -> Option<&NodeKind> {
    buffer.node(id).map(|n| &n.kind)
}
