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
            Kind::NoThread { .. } | Kind::FromListener => "unavailable",
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
            Kind::NoThread { why } => write!(f, "no thread can be started: {why}"),
            Kind::FromListener => f.write_str("a listener of a replay may not wait for the engine"),
        }
    }
}

impl std::error::Error for Error {}
