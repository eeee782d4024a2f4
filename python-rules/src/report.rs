//! What the engine reports of opening and of applying tasks, as the objects that Python gets.

use ensue_engine::{ApplyReport, OpenReport, SetReport, Status, TaskReport};
use ensue_rule::Remark;
use serde::Serialize;

/// How opening went, as an object.
#[derive(Debug, Serialize)]
pub(crate) struct Opened {
    set_aside: Option<String>,
    tasks: usize,
    events: u64,
}

impl Opened {
    pub(crate) fn of(report: &OpenReport) -> Self {
        let set_aside = report.set_aside.as_ref().map(|path| path.display().to_string());
        Self { set_aside, tasks: report.tasks, events: report.events }
    }
}

/// How applying went, as an object.
#[derive(Debug, Serialize)]
pub(crate) struct Applied<'a> {
    sets: Vec<AppliedSet<'a>>,
}

#[derive(Debug, Serialize)]
struct AppliedSet<'a> {
    source: &'a str,
    version: Option<i64>,
    refused: Option<&'a Remark>,
    warnings: &'a [Remark],
    tasks: Vec<AppliedTask<'a>>,
}

#[derive(Debug, Serialize)]
struct AppliedTask<'a> {
    id: &'a str,
    status: &'static str,
    error: Option<&'a Remark>,
    warnings: &'a [Remark],
}

impl<'a> Applied<'a> {
    pub(crate) fn of(report: &'a ApplyReport) -> Self {
        let task = |t: &'a TaskReport| AppliedTask {
            id: &t.id,
            status: Status::as_str(t.status),
            error: t.error.as_ref(),
            warnings: &t.warnings,
        };
        let set = |s: &'a SetReport| AppliedSet {
            source: &s.source,
            version: s.version,
            refused: s.refused.as_ref(),
            warnings: &s.warnings,
            tasks: s.tasks.iter().map(task).collect(),
        };
        Self { sets: report.sets.iter().map(set).collect() }
    }
}
