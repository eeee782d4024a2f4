//! What the engine answers: to opening, to applying task sets, to recording an event.

use std::path::PathBuf;
use std::sync::Arc;

use ensue_rule::task::Remark;

/// How opening went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// The file that was there was not a sound store: it was set aside under this name, and a fresh one begun.
    pub set_aside: Option<PathBuf>,
    /// Tasks that run on from before.
    pub tasks: usize,
    /// Events read again to rebuild their state.
    pub events: u64,
}

/// How the store of a running engine is; told when that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreReport {
    /// How it is.
    pub state: StoreState,
    /// Why, for a person.
    pub detail: String,
    /// Rows that could not be written since the engine was opened, as far as it is known now.
    pub unwritten: u64,
}

/// How a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreState {
    /// It cannot be written: matching goes on in memory, and what comes is not kept.
    Failing,
    /// It can be written again. Decisions made meanwhile are kept now; events are not, and their place is marked.
    Working,
    /// There is a fresh file. The one before was gone, and all of it was written anew; or it was torn, and all that was known
    /// but the events was.
    Afresh,
}

/// How applying task sets went, one report a set, in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplyReport {
    /// The sets.
    pub sets: Vec<SetReport>,
}

/// How applying one set went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetReport {
    /// Whose set it is.
    pub source: Arc<str>,
    /// Its version.
    pub version: Option<i64>,
    /// Why the set as a whole changed nothing (its version is below the one in force).
    pub refused: Option<Remark>,
    /// Notes on the document as a whole.
    pub warnings: Vec<Remark>,
    /// The tasks in document order, then those that are gone.
    pub tasks: Vec<TaskReport>,
}

/// What became of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskReport {
    /// The task.
    pub id: Arc<str>,
    /// What became of it.
    pub status: Status,
    /// Why, where it is refused or its last good version was kept.
    pub error: Option<Remark>,
    /// What its author should know.
    pub warnings: Vec<Remark>,
}

/// What became of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It is new and runs.
    Added,
    /// It was there and runs in its new form.
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

impl Status {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Kept => "kept",
            Self::Refused => "refused",
            Self::Removed => "removed",
        }
    }
}

/// What became of a recorded event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Some task wants it: it waits for the worker.
    Queued,
    /// No task wants it: it moved its user's time and is gone.
    Unwanted,
    /// Some task wants it, but the queue is full: it is dropped and counted.
    Full,
    /// It is not a good event; counted.
    Rejected(Rejected),
    /// The user has opted out: it left no trace.
    OptedOut,
    /// The engine is closed.
    Closed,
}

/// Why an event is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejected {
    /// No action type.
    NoActionType,
    /// Derived events come from tasks only.
    Derived,
    /// Over the size limit.
    TooLarge,
    /// An offset from UTC of more than a day.
    UtcOffset,
}

impl Rejected {
    /// The reason, for a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoActionType => "an event needs an action type",
            Self::Derived => "the source `derived` is for events that tasks make",
            Self::TooLarge => "the event is over the size limit",
            Self::UtcOffset => "the offset from UTC must be between -1440 and 1440 minutes",
        }
    }
}
