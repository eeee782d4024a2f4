//! What a program asks of events: the predicates that matter to it without live runs, and the slots that its steps read.

use super::slots::SlotId;
use crate::program::{Program, Target, WaitId};

/// Bits of the predicates that are looked at where an event may begin a run; `None`: all.
///
/// Those of the waits at which runs begin, of the waits that take their place once a greedy loop has closed, and of the
/// loops, and of their UNTIL, that say whether a match is complete with its first event.
pub(super) fn starting(program: &Program) -> Option<u64> {
    if !program.partition.is_empty() {
        // An event without a partition key is counted, whoever waits for it.
        return None;
    }
    let (mut bits, mut todo, mut seen) = (0, program.starts.clone(), Vec::<WaitId>::new());
    while let Some(id) = todo.pop() {
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        let wait = &program.waits[id];
        bits |= wait.bits?;
        todo.extend(wait.held.iter().filter_map(|h| h.then));
        if let Target::Take(to) = wait.target {
            for held in program.positions[to].complete.iter().flat_map(|c| &c.held) {
                for test in std::iter::once(held.test).chain(held.until) {
                    bits |= 1 << program.tests[test].bit?;
                }
            }
        }
    }
    Some(bits)
}

/// The slots whose values steps of the program read.
pub(super) fn reads(program: &Program) -> Vec<SlotId> {
    let mut reads = Vec::new();
    visit_reads(program, &mut |slot| reads.push(slot));
    reads.sort_unstable();
    reads.dedup();
    reads
}

fn visit_reads(program: &Program, visit: &mut impl FnMut(SlotId)) {
    program.tests.iter().flat_map(|(_, t)| &t.conditions).for_each(|code| code.slots(visit));
    program.stages.iter().flat_map(|(_, s)| &s.leave).for_each(|code| code.slots(visit));
    program.registers.iter().filter_map(|(_, r)| r.slot).for_each(&mut *visit);
    program.partition.iter().chain(&program.kept).copied().for_each(&mut *visit);
    let sums = program.trends.iter().flat_map(|t| &t.sums);
    sums.filter_map(|s| s.slot).for_each(visit);
}
