//! Plans: what an event does, worked out at compile time where that depends only on which predicate holds.
//!
//! In a program whose conditions all look at single events, and which asks of an event only whether the next stage takes
//! it, the moves that a predicate makes are the same for every run. Such programs are most; the others are stepped by
//! asking each wait ([`crate::runs`]). Their runs wait in *cells*, one for all waits that have the same partial matches
//! at all times.

use super::waits::Automaton;
use super::{Position, PositionId, StageId, Target, WaitId};
use crate::program::conditions::Conditions;
use crate::table::{Id, Table, id};
use ensue_rule::Contiguity;

id! {
    /// A place in which runs of a planned program wait.
    CellId
}

/// What events do in a planned program.
#[derive(Debug, Default, PartialEq, Hash)]
pub(crate) struct Plans {
    /// By predicate: what an event does for which it holds.
    by_bit: Vec<Vec<Planned>>,
    /// How many cells there are.
    pub(crate) cells: usize,
}

/// Runs that take the event.
#[derive(Debug, PartialEq, Hash)]
pub(crate) struct Planned {
    /// As which stage.
    pub(crate) stage: StageId,
    pub(crate) sources: Vec<Source>,
    /// Where they wait then.
    pub(crate) into: Vec<CellId>,
    /// A loop that passes over everything: the cell that the runs wait in before and after, and in no other then. It is one
    /// of the sources.
    pub(crate) again: Option<CellId>,
    /// Whether some source is left.
    pub(crate) leaves: bool,
    /// Whether runs begin with the event.
    pub(crate) begins: bool,
    /// Whether the pattern is complete.
    pub(crate) complete: bool,
}

impl Planned {
    /// Says what follows from the sources.
    fn settled(self) -> Self {
        let same = |cell: &CellId| self.sources.iter().any(|s| s.cell == *cell && !s.leaves);
        let again = if let [cell] = self.into.as_slice() { Some(*cell).filter(same) } else { None };
        let leaves = self.sources.iter().any(|s| s.leaves);
        // What is complete stands at a node of its own.
        Self { again: again.filter(|_| !self.complete), leaves, ..self }
    }
}

/// Runs that wait for the event.
#[derive(Debug, PartialEq, Hash)]
pub(crate) struct Source {
    pub(crate) cell: CellId,
    /// They wait no longer: the event may not be passed over.
    pub(crate) leaves: bool,
}

impl Plans {
    /// What an event does for which one predicate holds, if that is a single move.
    #[inline]
    pub(crate) fn single(&self, bits: u64) -> Option<&Planned> {
        let moves = self.by_bit.get(usize::try_from(bits.trailing_zeros()).ok()?)?;
        if let [planned] = moves.as_slice() { Some(planned).filter(|_| bits.is_power_of_two()) } else { None }
    }

    /// What an event does for which these predicates hold: what it does for each alone, since every wait asks for one.
    pub(crate) fn moves(&self, bits: u64) -> impl Iterator<Item = &Planned> {
        let one = |bit: u32| usize::try_from(bit).ok().and_then(|bit| self.by_bit.get(bit));
        Bits(bits).filter_map(one).flatten()
    }
}

/// The numbers of the bits that are set.
#[derive(Clone, Debug)]
struct Bits(u64);

impl Iterator for Bits {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(bit)
    }
}

/// The plans of a program; `None` where there is more to ask.
pub(super) fn plans(automaton: &Automaton, conditions: &Conditions) -> Option<Plans> {
    let plain = automaton.waits.iter().all(|(_, w)| {
        w.plain.is_some() && !w.timed && w.arrow != Contiguity::Strict && matches!(w.target, Target::Take(_))
    });
    let held = automaton.positions.iter().flat_map(|(_, p)| &p.complete).any(|c| !c.held.is_empty());
    let leave = conditions.stages.iter().any(|(_, s)| !s.leave.is_empty());
    if !plain || held || leave || conditions.registers.len() > 0 {
        return None;
    }
    let cells = Cells::of(automaton);
    let by_bit = (0..conditions.predicates.len()).map(|bit| planned(automaton, &cells, 1 << bit)).collect();
    Some(Plans { by_bit, cells: cells.count })
}

/// Which waits share a cell.
struct Cells {
    /// By wait; `None` for those at which runs begin.
    of: Table<WaitId, Option<CellId>>,
    count: usize,
}

impl Cells {
    /// The waits of a position that pass over every event have the same partial matches at all times: all that arrived.
    fn of(automaton: &Automaton) -> Self {
        let mut cells = Self { of: Table::default(), count: 0 };
        automaton.waits.ids().for_each(|_| {
            cells.of.push(None);
        });
        for (_, position) in automaton.positions.iter() {
            let mut shared = None;
            for wait in &position.waits {
                let any = automaton.waits[*wait].arrow == Contiguity::Any;
                let cell = shared.filter(|_| any).unwrap_or_else(|| cells.add());
                shared = if any { Some(cell) } else { shared };
                cells.of[*wait] = Some(cell);
            }
        }
        cells
    }

    fn add(&mut self) -> CellId {
        self.count += 1;
        CellId::from_index(self.count - 1)
    }

    /// Where what arrives at a position waits.
    fn after(&self, position: &Position) -> Vec<CellId> {
        let mut cells: Vec<CellId> = position.waits.iter().filter_map(|wait| self.of[*wait]).collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }
}

fn planned(automaton: &Automaton, cells: &Cells, bit: u64) -> Vec<Planned> {
    let mut moves: Vec<(PositionId, Planned)> = Vec::new();
    for (id, wait) in automaton.waits.iter().filter(|(_, w)| w.plain == Some(bit)) {
        let Target::Take(to) = wait.target else { continue };
        let at = moves.iter().position(|(p, _)| *p == to).unwrap_or_else(|| {
            let position = &automaton.positions[to];
            let (complete, into) = (!position.complete.is_empty(), cells.after(position));
            let stage = position.stage;
            let (sources, again, leaves, begins) = (Vec::new(), None, false, false);
            moves.push((to, Planned { stage, sources, into, again, leaves, begins, complete }));
            moves.len() - 1
        });
        let Some((_, planned)) = moves.get_mut(at) else { continue };
        match cells.of[id] {
            Some(cell) => planned.sources.push(Source { cell, leaves: wait.arrow != Contiguity::Any }),
            None => planned.begins = true,
        }
    }
    moves.into_iter().map(|(_, planned)| planned.settled()).collect()
}
