//! What a replay says: the objects of `ensue run --json`, and how they are made of what the engine reports.

use std::sync::Arc;

use ensue_rule::Remark;
use serde::{Serialize, Serializer};

use crate::outcome::Outcome;
use crate::report::{ApplyReport, SetReport, Status, TaskReport};
use crate::stats::Stats;

/// One object of the output.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// What became of a task or a set.
    Report(Report),
    /// A line that is no event.
    Rejected(Rejected),
    /// What the engine told.
    Outcome(Outcome),
    /// The counters, last of all.
    Summary(Summary),
}

/// What became of a task; of the set as a whole where there is no task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename = "report")]
pub struct Report {
    /// The source of the set; null where none could be read.
    pub source: Option<Arc<str>>,
    /// The version of the set.
    pub version: Option<i64>,
    /// The task.
    pub task: Option<Arc<str>>,
    /// What became of it; null where there are only warnings to a set.
    #[serde(serialize_with = "status_name")]
    pub status: Option<Status>,
    /// What its author should know.
    pub warnings: Vec<Remark>,
    /// Why it is refused.
    #[serde(flatten)]
    pub error: Option<Remark>,
}

/// A line that is no event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename = "rejected")]
pub struct Rejected {
    /// Counted from 1.
    pub line: u64,
    /// Why, for a person.
    pub reason: String,
}

/// The counters of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(tag = "kind", rename = "summary")]
#[allow(missing_docs, reason = "each is explained where it is counted: `Stats`")]
pub struct Summary {
    pub events: u64,
    pub rejected: u64,
    pub late: u64,
    pub clamped: u64,
    pub demanded: u64,
    pub stored: u64,
    pub dropped: u64,
    pub capped: u64,
    pub null_key: u64,
    /// Bytes of the lines.
    pub bytes_in: u64,
    pub bytes_stored: u64,
    pub matches: u64,
    pub timeouts: u64,
    pub decisions: u64,
    pub refusals: u64,
    pub errors: u64,
    /// Wall time since the replay was opened.
    pub seconds: f64,
}

#[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn status_name<S: Serializer>(status: &Option<Status>, s: S) -> Result<S::Ok, S::Error> {
    status.map(Status::as_str).serialize(s)
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Report(x) => x.serialize(s),
            Self::Rejected(x) => x.serialize(s),
            Self::Outcome(x) => x.serialize(s),
            Self::Summary(x) => x.serialize(s),
        }
    }
}

impl Report {
    /// That task documents, or the rule of a task, could not even be read.
    pub fn unread(task: Option<&str>, error: Option<Remark>) -> Self {
        let source = task.is_some().then(|| "default".into());
        let (task, status) = (task.map(Into::into), Some(Status::Refused));
        Self { source, version: None, task, status, warnings: Vec::new(), error }
    }

    /// Whether something was refused.
    pub fn is_refusal(&self) -> bool {
        matches!(self.status, Some(Status::Refused | Status::Kept))
    }
}

impl Item {
    /// The id of a decision.
    pub(super) fn decision(&self) -> Option<&str> {
        match self {
            Self::Outcome(Outcome::Decision(d)) => Some(&d.id),
            _ => None,
        }
    }
}

/// The line of the input that let it out.
pub(super) fn line_of(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Match(m) | Outcome::Timeout(m) => m.line,
        Outcome::Event(e) => e.line,
        Outcome::Decision(d) => d.line,
        Outcome::Refusal(r) => r.line,
    }
}

/// A report a task, and one for a set that is refused or warned of as a whole.
pub(super) fn reports(applied: ApplyReport) -> Vec<Report> {
    applied.sets.into_iter().flat_map(set_reports).collect()
}

fn set_reports(set: SetReport) -> Vec<Report> {
    let SetReport { source, version, refused, warnings, tasks } = set;
    let whole = (refused.is_some() || !warnings.is_empty()).then(|| Report {
        source: Some(source.clone()),
        version,
        task: None,
        status: refused.is_some().then_some(Status::Refused),
        warnings,
        error: refused,
    });
    let of_task = |t: TaskReport| Report {
        source: Some(source.clone()),
        version,
        task: Some(t.id),
        status: Some(t.status),
        warnings: t.warnings,
        error: t.error,
    };
    whole.into_iter().chain(tasks.into_iter().map(of_task)).collect()
}

impl Summary {
    pub(super) fn of(stats: &Stats) -> Self {
        Self {
            events: stats.events,
            rejected: stats.rejected,
            late: stats.late,
            clamped: stats.clamped,
            demanded: stats.demanded,
            stored: stats.stored,
            dropped: stats.dropped,
            capped: stats.capped,
            null_key: stats.null_key,
            bytes_in: 0,
            bytes_stored: stats.bytes_stored,
            matches: stats.matches,
            timeouts: stats.timeouts,
            decisions: stats.decisions,
            refusals: stats.refusals,
            errors: stats.errors,
            seconds: 0.0,
        }
    }
}
