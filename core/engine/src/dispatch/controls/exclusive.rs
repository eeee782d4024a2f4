//! `exclusive`: of a group of tasks one at a time is before the user, until it expires or the user has answered.

use ensue_rule::{Policy, Task};

use super::{Candidate, Control, Ledger, OfSource, Verdict};
use crate::dispatch::ledger::{Key, until};
use crate::iso::Utc;
use crate::outcome::Reason;

#[derive(Debug)]
pub(super) struct Exclusive;

impl Control for Exclusive {
    fn judge(&self, c: &Candidate<'_>, past: &Ledger) -> Verdict {
        let Some(group) = &c.task.policy.exclusive else { return Verdict::Pass };
        let others = until(past.of(c.user, &Key::Group(group.clone())), c.now).iter().rev();
        let live = others.filter(|m| !m.is_of(c.source, &c.task.id) && !m.is_answered());
        match live.filter_map(|m| Some((m, m.expires_at?))).find(|(_, end)| c.now < *end) {
            Some((m, end)) => {
                let detail = format!("`{}` of the group `{group}` is live, until {}", m.task, Utc(end));
                Verdict::Refuse(Reason::Exclusive, detail)
            }
            None => Verdict::Pass,
        }
    }

    fn asked(&self, task: &Task, _: &[OfSource]) -> Option<Reason> {
        task.policy.exclusive.as_ref().map(|_| Reason::Exclusive)
    }

    /// However far: what is live is kept by its own end, which the policy of its time gave it.
    fn looks_back(&self, policy: &Policy, _: &[OfSource]) -> bool {
        policy.exclusive.is_some()
    }
}
