//! Near misses: which conjuncts kept an event from being taken, and what they found.

use smallvec::SmallVec;

use super::{Failed, NearMiss, Tracer};
use crate::expr::View;
use crate::program::{Asked, Completion, StageId, Wait, WaitId};
use crate::registers::Registers;
use crate::runs::fate::Seen;
use crate::table::Id;

/// Kept of one run.
const KEPT: usize = 3;

impl Tracer {
    /// Whether the event is of the kind that one of the waits asks for.
    pub(super) fn nearly(&self, waits: &[WaitId]) -> bool {
        let first = |w: &WaitId| self.program.waits[*w].takes.first().and_then(|t| self.of_kind.get(t.index()));
        waits.iter().any(|w| first(w) == Some(&true))
    }

    /// Why the event is not for the target of a wait, if it is nearly for it: it is of the kind that is asked for, or at
    /// least one condition holds.
    pub(super) fn near(&self, seen: Seen<'_>, wait: &Wait, registers: &Registers) -> Option<NearMiss> {
        let (first, also) = wait.takes.split_first()?;
        if self.of_kind.get(first.index()) != Some(&true) {
            return None;
        }
        let begun;
        let registers = if wait.turns.is_empty() {
            registers
        } else {
            begun = registers.restart(&self.program.registers, &wait.turns);
            &begun
        };
        let view = seen.with(registers);
        let own = &self.asked.tests[*first];
        let mut failing: SmallVec<[&Asked; 4]> = own.iter().filter(|a| !a.code.holds(view)).collect();
        let of_kind = own.iter().any(|a| a.kind);
        if !of_kind && failing.len() == own.len() && !own.is_empty() {
            return None;
        }
        let more = also.iter().flat_map(|t| &self.asked.tests[*t]);
        let leaves = wait.leaves.iter().flat_map(|s| &self.asked.leave[*s]);
        failing.extend(more.chain(leaves).filter(|a| !a.code.holds(view)));
        if failing.is_empty() {
            return None;
        }
        let stage = self.program.stages[StageId(first.0)].name.clone();
        let failed = failing.iter().filter_map(|a| self.failed(a, view)).collect();
        Some(NearMiss { stage, event: seen.observation.arrival.position, failed })
    }

    /// Why the pattern is not complete with the event just taken, though nothing more is lacking.
    pub(super) fn not_complete(&self, complete: &[Completion], view: View<'_>) -> Vec<Failed> {
        let leaves = complete.iter().map(|c| self.left(&c.leaves, view));
        leaves.min_by_key(Vec::len).unwrap_or_default()
    }

    /// The conditions on leaving these stages that do not hold.
    pub(super) fn left(&self, leaves: &[StageId], view: View<'_>) -> Vec<Failed> {
        let asked = leaves.iter().flat_map(|s| &self.asked.leave[*s]);
        asked.filter(|a| !a.code.holds(view)).filter_map(|a| self.failed(a, view)).collect()
    }

    fn failed(&self, asked: &Asked, view: View<'_>) -> Option<Failed> {
        let found = asked.operands.iter().map(|(e, code)| (e.clone(), code.eval(view).into_owned())).collect();
        Some(Failed { condition: self.written(asked.written)?, found })
    }
}

/// Adds a near miss to those of a run: those that failed least stay, of equals the latest.
pub(super) fn note(list: &mut Vec<NearMiss>, miss: NearMiss) {
    let at = list.iter().position(|m| m.failed.len() >= miss.failed.len()).unwrap_or(list.len());
    list.insert(at, miss);
    list.truncate(KEPT);
}
