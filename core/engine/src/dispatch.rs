//! Which outputs a match opens, and whether a touch may go out.
//!
//! Pure: what past decisions count is in the [`Ledger`], which the host fills from its store and notes new decisions in;
//! every time comes in with the [`Candidate`]. Nothing here reads a clock, does I/O, or makes the decision itself.
//!
//! The controls stand in this order, the first that refuses gives the reason: `expires`, `ttl`, `cooldown`, `caps`.

mod ledger;
mod wording;

use std::sync::Arc;

use ensue_rule::{On, Output, Task, Timestamp, Value};

pub(crate) use ledger::{Ledger, LedgerEntry};

use crate::answer::Check;
use crate::outcome::Reason;

/// A touch of a match that is up for decision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    /// The task.
    pub task: &'a Task,
    /// The task's source.
    pub source: &'a str,
    /// Whose; `None`: anonymous, or all of the device.
    pub user: Option<&'a str>,
    /// The match's time.
    pub at: Timestamp,
    /// The user's time when it is judged.
    pub now: Timestamp,
    /// The user's offset of local time from UTC, in minutes.
    pub utc_offset_min: i32,
}

/// What becomes of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is decided.
    Pass {
        /// When it is no longer good.
        expires_at: Option<Timestamp>,
    },
    /// It is not.
    Refuse {
        /// Why.
        reason: Reason,
        /// Why, for a person.
        detail: String,
        /// When it would no longer have been good.
        expires_at: Option<Timestamp>,
    },
}

/// The outputs of `task` that a match (or timeout) with these values opens, with their indexes.
pub(crate) fn open_outputs<'t>(task: &'t Task, on: On, values: &[(Arc<str>, Value)]) -> Vec<(usize, &'t Output)> {
    let opens = |output: &Output| match &output.when {
        None => true,
        Some(when) => matches!(ensue_matcher::evaluate(when, values), Value::Bool(true)),
    };
    task.outputs.iter().enumerate().filter(|(_, o)| o.on == on && opens(o)).collect()
}

/// The controls that were asked of a touch of this task, in their order; the refusal's is the last.
pub(crate) fn checks(task: &Task, refused: Option<(Reason, &str)>) -> Vec<Check> {
    let policy = &task.policy;
    let asked = [
        (Reason::Expired, task.expires.is_some()),
        (Reason::Ttl, policy.ttl.is_some()),
        (Reason::Cooldown, policy.cooldown.is_some()),
        (Reason::Cap, !policy.caps.is_empty()),
    ];
    let refusing = refused.map(|(reason, _)| reason);
    let before = asked.into_iter().take_while(|(reason, _)| refusing != Some(*reason)).filter(|(_, has)| *has);
    let controls = asked.map(|(reason, _)| reason);
    let passed = before.map(|(reason, _)| Check { control: reason.as_str().into(), passed: true, detail: None });
    let last = refused.map(|(reason, detail)| Check {
        control: reason.as_str().into(),
        passed: false,
        detail: Some(detail.to_owned()),
    });
    // What is refused before any control is asked was asked none.
    let passed = passed.filter(|_| refusing.is_none_or(|reason| controls.contains(&reason)));
    passed.chain(last).collect()
}

impl Candidate<'_> {
    /// When the decision is no longer good.
    fn expires_at(&self) -> Option<Timestamp> {
        self.task.policy.ttl.map(|ttl| self.at.plus(ttl))
    }

    /// The controls that need no memory: the task's own end, and the decision's.
    fn judge_by_time(&self) -> Result<(), (Reason, String)> {
        let latest = self.at.max(self.now);
        if let Some(end) = self.task.expires.filter(|end| latest >= *end) {
            return Err((Reason::Expired, wording::expired(end)));
        }
        match (self.expires_at(), self.task.policy.ttl) {
            (Some(end), Some(ttl)) if self.now >= end => Err((Reason::Ttl, wording::ttl(ttl, end))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
