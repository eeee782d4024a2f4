//! Blame: for what reason a wait did not outlive an event. It is asked after `Seen::fate` has said that it did not, in
//! the order in which fate asks.

use ensue_rule::{Contiguity, Timestamp};

use super::Ending;
use crate::program::{Held, NextForbid, Program, Target, TestId, WaitId};
use crate::registers::Registers;
use crate::runs::fate::Seen;

/// Why runs at a wait ended with the event.
pub(super) fn blame(seen: Seen<'_>, id: WaitId, registers: &Registers, last: Option<Timestamp>) -> Ending {
    let (program, wait) = (seen.program, &seen.program.waits[id]);
    let at = seen.observation.arrival.position;
    for held in &wait.held {
        if held.until.is_some_and(|u| seen.passes(u, registers)) {
            return held.then.map_or(Ending::Closed(at), |then| blame(seen, then, registers, last));
        }
        if seen.would_take(held, registers, last) {
            return Ending::Held(name(program, held.test), at);
        }
    }
    let judged = |n: &&NextForbid| !n.unless.iter().any(|h: &Held| seen.would_take(h, registers, last));
    let next = wait.next_forbids.iter().filter(judged).map(|n| n.test);
    let watched = wait.watch.iter().chain(&wait.forbids).copied();
    if let Some(test) = next.chain(watched).find(|t| seen.passes(*t, registers)) {
        return Ending::Forbidden(name(program, test), at);
    }
    if wait.untils.iter().any(|t| seen.passes(*t, registers)) {
        return Ending::Closed(at);
    }
    match (wait.target, wait.arrow) {
        (Target::Take(_), Contiguity::Strict) | (Target::Next, _) => Ending::Broken(at),
        // Another member of `&` had to take it.
        _ => Ending::Held(blocker(seen, id, registers), at),
    }
}

fn blocker(seen: Seen<'_>, id: WaitId, registers: &Registers) -> std::sync::Arc<str> {
    let wait = &seen.program.waits[id];
    let of = wait.blockers.iter().find(|b| b.iter().all(|t| seen.passes(*t, registers)));
    let test = of.and_then(|b| b.first()).or_else(|| wait.takes.first());
    test.map(|t| name(seen.program, *t)).unwrap_or_default()
}

fn name(program: &Program, test: TestId) -> std::sync::Arc<str> {
    program.tests[test].label.as_str().into()
}
