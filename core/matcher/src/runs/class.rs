//! Run classes: partial matches that no future condition can tell apart.

use std::hash::{BuildHasher, BuildHasherDefault, Hash};

use ensue_rule::Timestamp;
use rustc_hash::FxHasher;

use super::body::Body;
use crate::buffer::{SharedBuffer, Tick};
use crate::program::{Program, StageId, WaitId};
use crate::registers::Registers;

/// What tells classes apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) wait: WaitId,
    pub(super) registers: Registers,
    /// Only for rules that ask for such things.
    pub(super) aside: Option<Box<Aside>>,
}

/// What tells classes of a few rules apart besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Aside {
    /// When the last event was taken, where the wait is bounded by it.
    pub(super) last: Option<Timestamp>,
    /// The session, where the rule is of one.
    pub(super) session: Option<u64>,
    /// The latest stage reached, where ON TIMEOUT reports the furthest partial match.
    pub(super) reached: Option<StageId>,
}

impl Aside {
    /// Nothing where there is nothing to say.
    pub(super) fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

impl Key {
    pub(super) fn aside(&self) -> Aside {
        self.aside.as_deref().copied().unwrap_or_default()
    }

    /// When the bound on its step is violated.
    pub(super) fn bound_due(&self, program: &Program) -> Option<Timestamp> {
        let last = self.aside.as_ref()?.last?;
        program.waits[self.wait].bound.map(|bound| last.plus(bound.violated_at()))
    }
}

/// A run class.
#[derive(Clone, Debug)]
pub(super) struct Class {
    pub(super) key: Key,
    pub(super) body: Body,
}

impl Class {
    /// Whether some of it started after `floor`, and its step's bound is not violated.
    pub(super) fn lives(&self, program: &Program, over: Over) -> bool {
        self.body.lives(over.floor) && self.key.bound_due(program).is_none_or(|due| due > over.now)
    }

    /// Drops what is over; whether it lives.
    pub(super) fn cut(&mut self, program: &Program, over: Over) -> bool {
        self.body.cut(over.floor) && self.key.bound_due(program).is_none_or(|due| due > over.now)
    }

    /// When the first of its starts after `floor`, or all, are due; only where starts are noted.
    pub(super) fn due(&self, program: &Program, floor: Tick, buffer: &SharedBuffer) -> Option<Timestamp> {
        let oldest = self.body.oldest_noted(floor);
        let window = oldest.and_then(|start| ends(start, program, buffer));
        window.min(self.key.bound_due(program).or(window))
    }
}

/// The hash of what tells apart; it decides no order.
pub(crate) fn hash(of: &impl Hash) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(of)
}

/// What is over: what started with this event or before, and what was due by now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Over {
    pub(super) floor: Tick,
    pub(super) now: Timestamp,
}

/// When the window of what started with an event ends.
pub(super) fn ends(start: Tick, program: &Program, buffer: &SharedBuffer) -> Option<Timestamp> {
    buffer.position(start).map(|p| p.ts.plus(program.window))
}
