//! Which registers are still of use, where: backward over the automaton, to the least solution.

use super::conditions::Conditions;
use super::waits::Automaton;
use super::{Completion, PositionId, StageId, Target, TestId, WaitId};
use crate::expr::Code;
use crate::registers::RegisterSet;

/// Fills `live` of all waits and positions.
pub(super) fn fill(automaton: &mut Automaton, conditions: &Conditions) {
    if conditions.registers.len() == 0 {
        return;
    }
    let mut changed = true;
    while changed {
        changed = false;
        for id in automaton.waits.ids() {
            let live = wait(automaton, conditions, id);
            changed |= automaton.waits[id].live != live;
            automaton.waits[id].live = live;
        }
        for id in automaton.positions.ids() {
            let live = position(automaton, conditions, id);
            changed |= automaton.positions[id].live != live;
            automaton.positions[id].live = live;
        }
    }
}

fn position(automaton: &Automaton, conditions: &Conditions, id: PositionId) -> RegisterSet {
    let p = &automaton.positions[id];
    let waits = p.waits.iter().map(|w| automaton.waits[*w].live);
    let leaves = p.complete.iter().map(|c| leaving(conditions, &c.leaves));
    waits.chain(leaves).fold(RegisterSet::default(), RegisterSet::union)
}

fn wait(automaton: &Automaton, conditions: &Conditions, id: WaitId) -> RegisterSet {
    let w = &automaton.waits[id];
    let nexts = w.next_forbids.iter().map(|n| n.test);
    let held = w
        .held
        .iter()
        .chain(w.next_forbids.iter().flat_map(|n| &n.unless))
        .flat_map(|h| std::iter::once(h.test).chain(h.until));
    let tests =
        w.forbids.iter().chain(&w.watch).chain(&w.untils).chain(&w.begun).chain(w.blockers.iter().flatten()).copied();
    let mut live = RegisterSet::default();
    for t in tests.chain(nexts).chain(held).chain(w.takes.iter().copied()) {
        live = live.union(tested(conditions, t));
    }
    live = live.union(leaving(conditions, &w.leaves));
    for next in w.then.into_iter().chain(w.held.iter().filter_map(|h| h.then)) {
        live = live.union(automaton.waits[next].live);
    }
    let Target::Take(p) = w.target else { return live };
    let position = &automaton.positions[p];
    for held in position.complete.iter().flat_map(|c: &Completion| &c.held) {
        live = live.union(tested(conditions, held.test));
    }
    let mut after = position.live;
    for (id, r) in conditions.registers.iter() {
        let fresh = r.turn.is_some_and(|g| w.turns.contains(&g));
        if fresh || (r.stage == position.stage && r.overwrites()) {
            after.remove(id);
        }
    }
    live.union(after)
}

fn tested(conditions: &Conditions, test: TestId) -> RegisterSet {
    reads(&conditions.tests[test].conditions)
}

fn leaving(conditions: &Conditions, stages: &[StageId]) -> RegisterSet {
    stages.iter().fold(RegisterSet::default(), |set, s| set.union(reads(&conditions.stages[*s].leave)))
}

fn reads(codes: &[Code]) -> RegisterSet {
    let mut set = RegisterSet::default();
    codes.iter().for_each(|c| c.registers(&mut |r| set.insert(r)));
    set
}
