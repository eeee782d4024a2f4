//! Which outputs a match opens, and whether a touch may go out.
//!
//! Pure: what past decisions count, and what became of them, is in the [`Ledger`], which the host fills from its store and
//! to which it adds new decisions by way of the [`Daybook`]; every time comes in with the [`Candidate`]. Nothing here reads
//! a clock, does I/O, or makes the decision itself. What may keep a touch back are the [`controls`], a file each, in one
//! order.

pub(crate) mod controls;
mod daybook;
mod draw;
mod ledger;
mod local;
mod wording;

use std::sync::Arc;

use ensue_rule::{On, Output, Task, Timestamp, TouchPolicy, Value};

pub(crate) use controls::{MEMORY, checks, judge, looks_back, reach};
pub(crate) use daybook::Daybook;
pub(crate) use ledger::{Answers, Ledger, LedgerEntry};

use crate::outcome::Reason;

/// A policy that holds for all touches, and whose it is.
pub(crate) type OfSource = (Arc<str>, TouchPolicy);

/// A touch of a match that is up for decision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    /// The task.
    pub task: &'a Task,
    /// The task's source.
    pub source: &'a Arc<str>,
    /// The app's name for the touch.
    pub touch: &'a Arc<str>,
    /// Whose; `None`: anonymous, or all of the device.
    pub user: Option<&'a Arc<str>>,
    /// The match's time.
    pub since: Timestamp,
    /// The time for which it is judged: the match's, or that at which it came due where it was held.
    pub at: Timestamp,
    /// The user's time when it is judged.
    pub now: Timestamp,
    /// Whether it was held, and has come due.
    pub held: bool,
    /// The user's offset of local time from UTC, in minutes.
    pub utc_offset_min: i32,
    /// The number of the user's session.
    pub session: u64,
    /// What holds for all touches.
    pub documents: &'a [OfSource],
    /// What tells this device's anonymous user from those of others.
    pub install: u64,
}

/// What a control says to a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may go out.
    Pass,
    /// It is asked again at this time.
    Hold(Timestamp),
    /// It may not go out: why, also for a person.
    Refuse(Reason, String),
}

/// The outputs of `task` that a match (or timeout) with these values opens, with their indexes.
pub(crate) fn open_outputs<'t>(task: &'t Task, on: On, values: &[(Arc<str>, Value)]) -> Vec<(usize, &'t Output)> {
    let opens = |output: &Output| match &output.when {
        None => true,
        Some(when) => matches!(ensue_matcher::evaluate(when, values), Value::Bool(true)),
    };
    task.outputs.iter().enumerate().filter(|(_, o)| o.on == on && opens(o)).collect()
}

impl Candidate<'_> {
    /// When the decision is no longer good.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        self.task.policy.ttl.map(|ttl| self.since.plus(ttl))
    }
}

#[cfg(test)]
mod tests;
