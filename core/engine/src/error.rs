//! What can go wrong with an engine as a whole. Bad events and refused tasks are no errors: they are reported each by
//! itself, and stop nothing.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the engine cannot do what it was asked.
#[derive(Clone, Debug)]
pub struct Error {
    kind: Arc<Kind>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// The engine was closed, or its worker died.
    Closed,
    /// The path is not a file that can be opened.
    Unusable { path: PathBuf, why: String },
    /// Another process has the file.
    InUse { path: PathBuf },
    /// Written by a later version.
    Newer { path: PathBuf, found: i64, known: i64 },
    /// The store failed; `unsound`: the file is torn.
    Store { doing: &'static str, why: String, unsound: bool },
    /// No task set has come yet: events wait in memory.
    NoTasks,
    /// No thread could be started.
    NoThread { why: String },
    /// No task in force has this id.
    UnknownTask { task: Arc<str> },
    /// The store knows no decision or refusal of this id; `erased`: it knows that there was one.
    UnknownId { id: String, erased: bool },
    /// A cursor that no drain has given.
    BadCursor { cursor: String },
    /// A rule in force that cannot be compiled: none, unless the engine is newer than its limits.
    Uncompiled { why: String },
    /// Events that a script's call could look at are no longer kept.
    Truncated,
    /// A script looks at the history of a call that is over.
    CallOver,
    /// A listener of a replay, or a script, called what waits for the thread that it is called on.
    FromListener,
}

impl Error {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind: Arc::new(kind) }
    }

    pub(crate) fn closed() -> Self {
        Self::new(Kind::Closed)
    }

    /// The word by which a face names this kind of error: stable, for programs.
    pub fn code(&self) -> &'static str {
        match &*self.kind {
            Kind::Closed => "closed",
            Kind::Unusable { .. } => "unusable_path",
            Kind::InUse { .. } => "in_use",
            Kind::Newer { .. } => "newer_schema",
            Kind::Store { .. } => "store",
            Kind::NoTasks => "no_tasks",
            Kind::UnknownTask { .. } => "unknown_task",
            Kind::UnknownId { .. } => "unknown_id",
            Kind::BadCursor { .. } => "bad_cursor",
            Kind::NoThread { .. } | Kind::FromListener | Kind::Uncompiled { .. } | Kind::Truncated | Kind::CallOver => {
                "unavailable"
            }
        }
    }

    /// Whether the engine is closed.
    pub fn is_closed(&self) -> bool {
        matches!(*self.kind, Kind::Closed)
    }

    /// Whether another process, or another engine of this one, has the file.
    pub fn is_in_use(&self) -> bool {
        matches!(*self.kind, Kind::InUse { .. })
    }

    /// Whether the file was written by a later version of Ensue.
    pub fn is_newer_schema(&self) -> bool {
        matches!(*self.kind, Kind::Newer { .. })
    }

    /// Whether the path is not a file that can be opened: a directory, no rights, no parent folder.
    pub fn is_unusable_path(&self) -> bool {
        matches!(*self.kind, Kind::Unusable { .. })
    }

    /// Whether the file of the store is torn.
    pub(crate) fn is_unsound(&self) -> bool {
        matches!(*self.kind, Kind::Store { unsound: true, .. })
    }

    /// Whether nothing is kept yet because no task set has come.
    pub fn is_no_tasks(&self) -> bool {
        matches!(*self.kind, Kind::NoTasks)
    }

    /// Whether a task, a decision or a refusal was asked about that is not known.
    pub fn is_unknown(&self) -> bool {
        matches!(*self.kind, Kind::UnknownTask { .. } | Kind::UnknownId { .. })
    }

    /// Whether a cursor is none.
    pub fn is_bad_cursor(&self) -> bool {
        matches!(*self.kind, Kind::BadCursor { .. })
    }

    /// Whether the store failed (disk full, I/O).
    pub fn is_store(&self) -> bool {
        matches!(*self.kind, Kind::Store { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            Kind::Closed => f.write_str("the engine is closed"),
            Kind::Unusable { path, why } => write!(f, "cannot open {} as a store: {why}", path.display()),
            Kind::InUse { path } => write!(f, "the store {} is in use by another engine", path.display()),
            Kind::Newer { path, found, known } => write!(
                f,
                "the store {} has schema {found}, written by a later version; this one knows up to {known}",
                path.display()
            ),
            Kind::Store { doing, why, .. } => write!(f, "the store failed while {doing}: {why}"),
            Kind::NoTasks => f.write_str("no task set has come yet: events wait in memory and none is kept"),
            Kind::UnknownTask { task } => write!(f, "no task in force is called `{task}`"),
            Kind::UnknownId { id, erased: false } => {
                write!(f, "no decision or refusal `{id}` is known: it was never made here, or is no longer kept")
            }
            Kind::UnknownId { id, erased: true } => write!(f, "what the decision `{id}` said was erased with its user"),
            Kind::BadCursor { cursor } => write!(f, "`{cursor}` is no cursor that a drain has given"),
            Kind::Uncompiled { why } => write!(f, "a rule in force cannot be followed: {why}"),
            Kind::NoThread { why } => write!(f, "no thread can be started: {why}"),
            Kind::Truncated => f.write_str("the history is no longer whole: events of it are no longer kept"),
            Kind::CallOver => f.write_str("the call is over, and its history with it"),
            Kind::FromListener => f.write_str("a listener of a replay, or a script, may not wait for the engine"),
        }
    }
}

impl std::error::Error for Error {}
