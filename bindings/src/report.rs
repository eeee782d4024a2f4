//! What the engine answers to opening and to applying tasks, and what it tells of its store.

use ensue_engine as core;

/// How opening went.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct OpenReport {
    /// The file that was there was no sound store: it was set aside under this name, and a fresh one begun.
    pub set_aside: Option<String>,
    /// Tasks that run on from before.
    pub tasks: u64,
    /// Events read again to rebuild their state.
    pub events: u64,
}

/// How the store of a running engine is; told when that changes.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct StoreReport {
    /// How it is.
    pub state: StoreState,
    /// Why, for a person.
    pub detail: String,
    /// Rows that could not be written since the engine was opened, as far as it is known now.
    pub unwritten: u64,
}

/// How a store is, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum StoreState {
    /// It cannot be written: matching goes on in memory, and what comes is not kept.
    Failing,
    /// It can be written again. Decisions made meanwhile are kept now; events are not, and their place is marked.
    Working,
    /// There is a fresh file: the one before was gone, and all of it was written anew; or torn, and all that was known but the events was.
    Afresh,
}

/// How applying went, one report a set.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ApplyReport {
    /// The sets, in the order given.
    pub sets: Vec<SetReport>,
}

/// How applying the set of a source went.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SetReport {
    /// Whose set it is.
    pub source: String,
    /// Its version.
    pub version: Option<i64>,
    /// Why the set as a whole changed nothing.
    pub refused: Option<Remark>,
    /// Notes on the document as a whole.
    pub warnings: Vec<Remark>,
    /// The tasks in document order, then those that are gone.
    pub tasks: Vec<TaskReport>,
}

/// What became of a task.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct TaskReport {
    /// The task.
    pub id: String,
    /// What became of it.
    pub status: TaskStatus,
    /// Why, where it is refused or its last good version was kept.
    pub error: Option<Remark>,
    /// What its author should know.
    pub warnings: Vec<Remark>,
}

/// What became of a task, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum TaskStatus {
    /// It is new and runs.
    Added,
    /// It runs in its new form.
    Updated,
    /// It was there in the same form.
    Unchanged,
    /// The new form is refused; the one before runs on.
    Kept,
    /// It is refused and does not run.
    Refused,
    /// It is no longer in the set.
    Removed,
}

/// Something to say about a place in a document.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Remark {
    /// The JSON path.
    pub path: String,
    /// Stable: `E` or `W` and four digits.
    pub code: String,
    /// One sentence for a person, with line and column where it is about a rule text.
    pub message: String,
}

impl From<core::OpenReport> for OpenReport {
    fn from(report: core::OpenReport) -> Self {
        let set_aside = report.set_aside.map(|path| path.display().to_string());
        Self { set_aside, tasks: u64::try_from(report.tasks).unwrap_or(u64::MAX), events: report.events }
    }
}

impl From<&core::StoreReport> for StoreReport {
    fn from(report: &core::StoreReport) -> Self {
        Self { state: report.state.into(), detail: report.detail.clone(), unwritten: report.unwritten }
    }
}

impl From<core::StoreState> for StoreState {
    fn from(state: core::StoreState) -> Self {
        match state {
            core::StoreState::Failing => Self::Failing,
            core::StoreState::Working => Self::Working,
            core::StoreState::Afresh => Self::Afresh,
        }
    }
}

impl From<core::ApplyReport> for ApplyReport {
    fn from(report: core::ApplyReport) -> Self {
        Self { sets: report.sets.into_iter().map(Into::into).collect() }
    }
}

impl From<core::SetReport> for SetReport {
    fn from(set: core::SetReport) -> Self {
        Self {
            source: (*set.source).to_owned(),
            version: set.version,
            refused: set.refused.map(Into::into),
            warnings: set.warnings.into_iter().map(Into::into).collect(),
            tasks: set.tasks.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<core::TaskReport> for TaskReport {
    fn from(task: core::TaskReport) -> Self {
        Self {
            id: (*task.id).to_owned(),
            status: task.status.into(),
            error: task.error.map(Into::into),
            warnings: task.warnings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<core::Status> for TaskStatus {
    fn from(status: core::Status) -> Self {
        match status {
            core::Status::Added => Self::Added,
            core::Status::Updated => Self::Updated,
            core::Status::Unchanged => Self::Unchanged,
            core::Status::Kept => Self::Kept,
            core::Status::Refused => Self::Refused,
            core::Status::Removed => Self::Removed,
        }
    }
}

impl From<ensue_rule::Remark> for Remark {
    fn from(remark: ensue_rule::Remark) -> Self {
        Self { path: remark.path, code: remark.code, message: remark.message }
    }
}
