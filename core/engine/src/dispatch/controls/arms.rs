//! `rollout` and `holdout`: to whom a task goes out at all. Who is in which arm is drawn once and for all, by a hash.

use ensue_rule::{SdkVersion, Share, Task};

use super::{Candidate, Control, Ledger, OfSource, Verdict};
use crate::dispatch::draw;
use crate::iso::Utc;
use crate::outcome::Reason;

/// Versions of the engine, a share of users, from a time on.
#[derive(Debug)]
pub(super) struct Rollout;

/// A share of users to whom nothing goes out.
#[derive(Debug)]
pub(super) struct Holdout;

impl Control for Rollout {
    fn judge(&self, c: &Candidate<'_>, _: &Ledger) -> Verdict {
        match refused(c) {
            Some(detail) => Verdict::Refuse(Reason::Rollout, detail),
            None => Verdict::Pass,
        }
    }

    fn asked(&self, task: &Task, _: &[OfSource]) -> Option<Reason> {
        (task.policy.rollout != ensue_rule::Rollout::default()).then_some(Reason::Rollout)
    }
}

fn refused(c: &Candidate<'_>) -> Option<String> {
    let rollout = &c.task.policy.rollout;
    if rollout.min_sdk.is_some() || rollout.max_sdk.is_some() {
        let own = own_version();
        if let Some(min) = rollout.min_sdk.filter(|min| own < *min) {
            return Some(format!("for version {min} and later, this is {own}"));
        }
        if let Some(max) = rollout.max_sdk.filter(|max| own > *max) {
            return Some(format!("for version {max} and earlier, this is {own}"));
        }
    }
    if let Some(starts) = rollout.starts.filter(|starts| c.at < *starts) {
        return Some(format!("the task starts at {}", Utc(starts)));
    }
    let share = rollout.share?;
    let drawn = draw::of(c, draw::ROLLOUT, rollout.salt.as_deref());
    (drawn >= share).then(|| format!("the user is not among the {share} to whom it goes out (drawn {drawn})"))
}

/// The version of this engine.
fn own_version() -> SdkVersion {
    let number = |text: &str| text.parse().unwrap_or(0);
    SdkVersion(
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
    )
}

impl Control for Holdout {
    fn judge(&self, c: &Candidate<'_>, _: &Ledger) -> Verdict {
        let share = c.task.policy.holdout;
        if share == Share::default() {
            return Verdict::Pass;
        }
        let drawn = draw::of(c, draw::HOLDOUT, c.task.policy.salt.as_deref());
        if drawn >= share {
            return Verdict::Pass;
        }
        let detail = format!("the user is among the {share} to whom nothing goes out (drawn {drawn})");
        Verdict::Refuse(Reason::Holdout, detail)
    }

    fn asked(&self, task: &Task, _: &[OfSource]) -> Option<Reason> {
        (task.policy.holdout != Share::default()).then_some(Reason::Holdout)
    }
}
