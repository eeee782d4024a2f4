//! `expires` and `ttl`: the end of a task, and of a decision.

use ensue_rule::Task;

use super::{Candidate, Control, Ledger, OfSource, Verdict};
use crate::dispatch::wording::span;
use crate::iso::Utc;
use crate::outcome::Reason;

/// The task's own end.
#[derive(Debug)]
pub(super) struct Expires;

/// How long after its match a decision is good.
#[derive(Debug)]
pub(super) struct Ttl;

impl Control for Expires {
    fn judge(&self, c: &Candidate<'_>, _: &Ledger) -> Verdict {
        match c.task.expires.filter(|end| c.at.max(c.now) >= *end) {
            Some(end) => Verdict::Refuse(Reason::Expired, format!("the task ended at {}", Utc(end))),
            None => Verdict::Pass,
        }
    }

    fn asked(&self, task: &Task, _: &[OfSource]) -> Option<Reason> {
        task.expires.map(|_| Reason::Expired)
    }
}

impl Control for Ttl {
    fn judge(&self, c: &Candidate<'_>, _: &Ledger) -> Verdict {
        match c.expires_at().zip(c.task.policy.ttl).filter(|(end, _)| c.now >= *end) {
            Some((end, ttl)) => {
                let detail = format!("the decision was good for {}, until {}", span(ttl), Utc(end));
                Verdict::Refuse(Reason::Ttl, detail)
            }
            None => Verdict::Pass,
        }
    }

    fn asked(&self, task: &Task, _: &[OfSource]) -> Option<Reason> {
        task.policy.ttl.map(|_| Reason::Ttl)
    }
}
