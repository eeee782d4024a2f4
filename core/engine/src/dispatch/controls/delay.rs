//! `delay`: a touch waits for so long after its match, and is judged then.

use ensue_rule::Task;

use super::{Candidate, Control, Ledger, OfSource, Verdict};
use crate::outcome::Reason;

#[derive(Debug)]
pub(super) struct Delay;

impl Control for Delay {
    fn judge(&self, c: &Candidate<'_>, _: &Ledger) -> Verdict {
        match c.task.policy.delay.filter(|_| !c.held) {
            Some(delay) => Verdict::Hold(c.since.plus(delay)),
            None => Verdict::Pass,
        }
    }

    fn asked(&self, _: &Task, _: &[OfSource]) -> Option<Reason> {
        None
    }
}
