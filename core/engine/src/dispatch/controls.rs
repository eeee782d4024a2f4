//! The controls of touches, in the order in which they are asked; the first that does not let a touch pass says what becomes
//! of it. `docs/tasks.md` has the same order for people.
//!
//! To add one: a file with a type that is a [`Control`], and its place in [`ORDER`]. What it counts of the past it finds in
//! the [`Ledger`]; how far back it looks it says by `reach`, so that so much is kept.

mod arms;
mod backoff;
mod caps;
mod delay;
mod exclusive;
mod gap;
mod moment;
mod quiet;
mod term;

use std::fmt::Debug;

use ensue_rule::{Duration, Policy, Task};

use super::{Candidate, Ledger, OfSource, Verdict};
use crate::answer::Check;
use crate::outcome::Reason;

/// How far back feedback is looked at, and sessions are; and for how long feedback may come.
pub(crate) const MEMORY: Duration = Duration(90 * Duration::DAY.0);

/// Something that may keep a touch back.
pub(crate) trait Control: Debug + Sync {
    /// What it says. Reads only the candidate, its task's policy, those of documents, and the past.
    fn judge(&self, c: &Candidate<'_>, past: &Ledger) -> Verdict;

    /// The reason of its refusals, where it has something to ask of touches of this task.
    fn asked(&self, task: &Task, documents: &[OfSource]) -> Option<Reason>;

    /// How far back it looks at past decisions, by when they were made or first shown, for a task with this policy, beside
    /// these of documents.
    fn reach(&self, _policy: &Policy, _documents: &[OfSource]) -> Duration {
        Duration(0)
    }

    /// Whether it looks at past decisions at all.
    fn looks_back(&self, policy: &Policy, documents: &[OfSource]) -> bool {
        self.reach(policy, documents) > Duration(0)
    }
}

/// All controls: first what only waits, then what needs no past, then what counts the task's own decisions, then what counts
/// all of the user's.
pub(crate) const ORDER: [&dyn Control; 14] = [
    &delay::Delay,
    &term::Expires,
    &arms::Rollout,
    &arms::Holdout,
    &term::Ttl,
    &quiet::Quiet,
    &exclusive::Exclusive,
    &gap::Cooldown,
    &backoff::Feedback,
    &backoff::Adaptive,
    &caps::OfTask,
    &moment::OnePerMoment,
    &gap::MinGap,
    &caps::OfDocuments,
];

/// What becomes of a candidate. Changes nothing: one that passes is [noted](super::Daybook::note) by whoever decides it.
pub(crate) fn judge(c: &Candidate<'_>, past: &Ledger) -> Verdict {
    let mut verdicts = ORDER.iter().map(|control| control.judge(c, past));
    verdicts.find(|verdict| *verdict != Verdict::Pass).unwrap_or(Verdict::Pass)
}

/// The controls that were asked of a touch of this task, in their order; the refusal's is the last.
pub(crate) fn checks(task: &Task, documents: &[OfSource], refused: Option<(Reason, &str)>) -> Vec<Check> {
    let asked: Vec<Reason> = ORDER.iter().filter_map(|control| control.asked(task, documents)).collect();
    let refusing = refused.map(|(reason, _)| reason);
    // What is refused by none of them was asked none.
    let by_control = refusing.is_none_or(|reason| asked.contains(&reason));
    let before = asked.into_iter().filter(|_| by_control).take_while(|reason| refusing != Some(*reason));
    let passed = before.map(|reason| Check { control: reason.as_str().into(), passed: true, detail: None });
    let last = refused.map(|(reason, detail)| Check {
        control: reason.as_str().into(),
        passed: false,
        detail: Some(detail.to_owned()),
    });
    passed.chain(last).collect()
}

/// Whether any control looks at past decisions for a task with this policy.
pub(crate) fn looks_back(policy: &Policy, documents: &[OfSource]) -> bool {
    ORDER.iter().any(|control| control.looks_back(policy, documents))
}

/// How far back any control looks for a task with this policy.
pub(crate) fn reach(policy: &Policy, documents: &[OfSource]) -> Duration {
    ORDER.iter().map(|control| control.reach(policy, documents)).max().unwrap_or_default()
}
