//! Moves: the runs that take an event, gathered by where they go and what they remember.

use ensue_rule::Timestamp;
use hashbrown::HashTable;
use smallvec::SmallVec;

use super::body::Body;
use super::class::{Aside, Key, hash};
use super::fate::Seen;
use crate::program::{PositionId, Wait, WaitId};
use crate::registers::{Registers, Taken};

/// Runs that take the event at a position.
#[derive(Debug)]
pub(super) struct Move {
    pub(super) to: PositionId,
    /// Whether the pattern is complete there.
    pub(super) complete: bool,
    /// Whether runs begin with the event.
    pub(super) begins: bool,
    pub(super) body: Body,
    state: State,
}

/// As runs are after the event.
#[derive(Debug, PartialEq, Eq, Hash)]
struct State {
    registers: Registers,
    aside: Aside,
}

/// Those that one event makes; seldom more than two.
#[derive(Debug, Default)]
pub(super) struct Moves {
    pub(super) list: SmallVec<[Move; 2]>,
    /// Where there are many.
    index: HashTable<usize>,
}

/// Up to so many moves are looked through one by one.
const FEW: usize = 16;

/// Partial matches that leave a wait, because its target takes the event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving<'a> {
    pub(super) wait: &'a Wait,
    pub(super) to: PositionId,
    pub(super) registers: &'a Registers,
    pub(super) aside: Aside,
}

impl Moves {
    /// Where runs go that take the event: together with those that arrive at the same place with the same registers;
    /// `None`: they would remember more than they may.
    pub(super) fn into(&mut self, seen: Seen<'_>, leaving: Leaving<'_>) -> Option<&mut Move> {
        let (program, Leaving { wait, to, registers, aside }) = (seen.program, leaving);
        let (definitions, position) = (&program.registers, &program.positions[to]);
        let taken = Taken { stage: position.stage, slots: &seen.observation.content.slots };
        let after = registers.restart(definitions, &wait.turns).take(definitions, taken, position.live);
        if program.gathers && after.gathered() > program.limits.distinct {
            return None;
        }
        let reached = program.tells_reached().then_some(position.stage).max(aside.reached);
        let complete = !position.complete.is_empty() && seen.completes(&position.complete, registers, &after);
        let state = State { registers: after, aside: Aside { last: None, session: aside.session, reached } };
        let at = self.find(to, complete, &state).unwrap_or_else(|| {
            self.add(Move { to, complete, begins: false, body: Body::none(program), state });
            self.list.len() - 1
        });
        self.list.get_mut(at)
    }

    fn find(&self, to: PositionId, complete: bool, state: &State) -> Option<usize> {
        let is = |m: &Move| m.to == to && m.complete == complete && m.state == *state;
        if self.list.len() <= FEW {
            return self.list.iter().position(is);
        }
        self.index.find(hash(state), |at| self.list.get(*at).is_some_and(is)).copied()
    }

    fn add(&mut self, m: Move) {
        self.list.push(m);
        if self.list.len() <= FEW {
            return;
        }
        let list = &self.list;
        let of = |at: &usize| list.get(*at).map_or(0, |m| hash(&m.state));
        for at in self.index.len()..list.len() {
            self.index.insert_unique(of(&at), at, of);
        }
    }
}

impl Move {
    /// What tells those apart that now wait there.
    pub(super) fn key(&self, wait: &Wait, id: WaitId, ts: Timestamp) -> Key {
        let aside = Aside { last: wait.timed.then_some(ts), ..self.state.aside };
        Key { wait: id, registers: self.state.registers.keep(wait.live), aside: aside.boxed() }
    }
}
