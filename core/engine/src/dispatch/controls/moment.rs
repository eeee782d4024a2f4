//! `onePerMoment`: of the touches of one instant only the first that passes. They come here in the order in which their
//! matches compete, so that it is the winner.

use ensue_rule::{Policy, Task};

use super::{Candidate, Control, Ledger, OfSource, Verdict};
use crate::dispatch::ledger::Key;
use crate::outcome::Reason;

#[derive(Debug)]
pub(super) struct OnePerMoment;

impl Control for OnePerMoment {
    fn judge(&self, c: &Candidate<'_>, past: &Ledger) -> Verdict {
        let Some((source, _)) = c.documents.iter().find(|(_, policy)| policy.one_per_moment) else {
            return Verdict::Pass;
        };
        let mut latest = past.of(c.user, &Key::All).iter().rev().skip_while(|m| m.at > c.at);
        match latest.next().filter(|m| m.at == c.at) {
            Some(winner) => {
                let detail = format!("`{}` went first, and `{source}` lets one touch out at a moment", winner.task);
                Verdict::Refuse(Reason::Priority, detail)
            }
            None => Verdict::Pass,
        }
    }

    fn asked(&self, _: &Task, documents: &[OfSource]) -> Option<Reason> {
        documents.iter().any(|(_, policy)| policy.one_per_moment).then_some(Reason::Priority)
    }

    fn looks_back(&self, _: &Policy, documents: &[OfSource]) -> bool {
        documents.iter().any(|(_, policy)| policy.one_per_moment)
    }
}
