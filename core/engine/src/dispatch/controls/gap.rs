//! `cooldown` and `minGap`: not so soon after the task's last decision, or after any touch of the user.

use ensue_rule::{Duration, Policy, Task};

use super::{Candidate, Control, Ledger, OfSource, Verdict};
use crate::dispatch::ledger::{Key, until};
use crate::dispatch::wording::span;
use crate::iso::Utc;
use crate::outcome::Reason;

/// After the task's own.
#[derive(Debug)]
pub(super) struct Cooldown;

/// After any.
#[derive(Debug)]
pub(super) struct MinGap;

impl Control for Cooldown {
    fn judge(&self, c: &Candidate<'_>, past: &Ledger) -> Verdict {
        let Some(cooldown) = c.task.policy.cooldown else { return Verdict::Pass };
        let Some(last) = past.of(c.user, &Key::of_task(c)).last() else { return Verdict::Pass };
        let over = last.at.plus(cooldown);
        if c.at >= over {
            return Verdict::Pass;
        }
        let (cooldown, last, over) = (span(cooldown), Utc(last.at), Utc(over));
        let detail = format!("cooldown of {cooldown} after the decision at {last}, until {over}");
        Verdict::Refuse(Reason::Cooldown, detail)
    }

    fn asked(&self, task: &Task, _: &[OfSource]) -> Option<Reason> {
        task.policy.cooldown.map(|_| Reason::Cooldown)
    }

    fn reach(&self, policy: &Policy, _: &[OfSource]) -> Duration {
        policy.cooldown.unwrap_or_default()
    }
}

impl Control for MinGap {
    fn judge(&self, c: &Candidate<'_>, past: &Ledger) -> Verdict {
        let gaps = c.documents.iter().filter_map(|(source, policy)| Some((policy.min_gap?, source)));
        let Some((gap, source)) = gaps.max_by_key(|(gap, _)| *gap) else { return Verdict::Pass };
        let Some(last) = until(past.of(c.user, &Key::All), c.at).last() else { return Verdict::Pass };
        let over = last.at.plus(gap);
        if c.at >= over {
            return Verdict::Pass;
        }
        let (task, last, over, gap) = (&last.task, Utc(last.at), Utc(over), span(gap));
        let detail = format!("minGap {gap} of `{source}` after `{task}` at {last}, until {over}");
        Verdict::Refuse(Reason::MinGap, detail)
    }

    fn asked(&self, _: &Task, documents: &[OfSource]) -> Option<Reason> {
        documents.iter().any(|(_, policy)| policy.min_gap.is_some()).then_some(Reason::MinGap)
    }

    fn reach(&self, _: &Policy, documents: &[OfSource]) -> Duration {
        documents.iter().filter_map(|(_, policy)| policy.min_gap).max().unwrap_or_default()
    }
}
