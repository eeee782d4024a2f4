//! Counters of tasks: how often they matched, what became of that, and what the app told of it. Numbers only: nothing of
//! an event, a value or a user.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::tasks::Active;

/// The counters of one version of one task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Matches.
    #[serde(skip_serializing_if = "is_zero")]
    pub matches: u64,
    /// Partial matches that ON TIMEOUT reported.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeouts: u64,
    /// Decisions.
    #[serde(skip_serializing_if = "is_zero")]
    pub decisions: u64,
    /// Refusals by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refusals: BTreeMap<String, u64>,
    /// Feedback by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub feedback: BTreeMap<String, u64>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Whose counters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CountsOf {
    pub(crate) source: Arc<str>,
    pub(crate) task: Arc<str>,
    pub(crate) version: Option<i64>,
}

impl CountsOf {
    pub(crate) fn task(task: &Active) -> Self {
        Self { source: task.source.clone(), task: task.task.id.clone(), version: task.version }
    }
}

impl Counts {
    /// Counts a refusal.
    pub(crate) fn refuse(&mut self, reason: &str) {
        add(&mut self.refusals, reason, 1);
    }

    /// Counts feedback.
    pub(crate) fn answer(&mut self, kind: &str) {
        add(&mut self.feedback, kind, 1);
    }

    /// Adds others to these.
    pub(crate) fn merge(&mut self, more: &Self) {
        for (n, more) in [
            (&mut self.matches, more.matches),
            (&mut self.timeouts, more.timeouts),
            (&mut self.decisions, more.decisions),
        ] {
            *n = n.saturating_add(more);
        }
        more.refusals.iter().for_each(|(name, n)| add(&mut self.refusals, name, *n));
        more.feedback.iter().for_each(|(name, n)| add(&mut self.feedback, name, *n));
    }
}

fn add(to: &mut BTreeMap<String, u64>, name: &str, n: u64) {
    match to.get_mut(name) {
        Some(old) => *old = old.saturating_add(n),
        None => {
            to.insert(name.to_owned(), n);
        }
    }
}
