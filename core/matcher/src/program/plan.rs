//! Plans: what an event does, worked out at compile time where that depends only on which predicate holds.
//!
//! In a program whose conditions all look at single events, and which asks of an event only whether the next stage takes
//! it, the moves that a predicate makes are the same for every run. Such programs are most; the others are stepped by
//! asking each wait ([`crate::runs`]).

use super::waits::Automaton;
use super::{PositionId, Target, WaitId};
use crate::program::conditions::Conditions;
use ensue_rule::Contiguity;

/// What an event does for which one predicate holds.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) moves: Vec<Planned>,
}

/// Runs that take the event at a position.
#[derive(Debug, PartialEq)]
pub(crate) struct Planned {
    pub(crate) to: PositionId,
    pub(crate) sources: Vec<Source>,
    /// Whether runs begin with the event.
    pub(crate) begins: bool,
    /// Whether the pattern is complete there.
    pub(crate) complete: bool,
}

/// Runs that wait for the event.
#[derive(Debug, PartialEq)]
pub(crate) struct Source {
    pub(crate) wait: WaitId,
    /// They wait no longer: the event may not be passed over.
    pub(crate) leaves: bool,
}

/// The plan of each predicate; `None` where there is more to ask.
pub(super) fn plans(automaton: &Automaton, conditions: &Conditions) -> Option<Vec<Plan>> {
    let plain = automaton.waits.iter().all(|(_, w)| {
        w.plain.is_some() && !w.timed && w.arrow != Contiguity::Strict && matches!(w.target, Target::Take(_))
    });
    let held = automaton.positions.iter().flat_map(|(_, p)| &p.complete).any(|c| !c.held.is_empty());
    let leave = conditions.stages.iter().any(|(_, s)| !s.leave.is_empty());
    if !plain || held || leave || conditions.registers.len() > 0 {
        return None;
    }
    Some((0..conditions.predicates.len()).map(|bit| plan(automaton, 1 << bit)).collect())
}

fn plan(automaton: &Automaton, bit: u64) -> Plan {
    let mut moves: Vec<Planned> = Vec::new();
    for (id, wait) in automaton.waits.iter().filter(|(_, w)| w.plain == Some(bit)) {
        let Target::Take(to) = wait.target else { continue };
        let at = moves.iter().position(|m| m.to == to).unwrap_or_else(|| {
            let complete = !automaton.positions[to].complete.is_empty();
            moves.push(Planned { to, sources: Vec::new(), begins: false, complete });
            moves.len() - 1
        });
        let Some(planned) = moves.get_mut(at) else { continue };
        if automaton.starts.contains(&id) {
            planned.begins = true;
        } else {
            planned.sources.push(Source { wait: id, leaves: wait.arrow != Contiguity::Any });
        }
    }
    Plan { moves }
}
