//! What goes wrong, as one enum: what, in one sentence for a person, and where that is known.
//!
//! A bad task among good ones is no error: it is in the report of `apply`.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ensue_dsl::Diagnostic;
use ensue_engine::{BadEvent, Error};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Error)]
pub enum EnsueError {
    /// Task documents are malformed as a whole, and nothing of them applies.
    Tasks {
        /// Stable: `E` and four digits.
        code: String,
        /// What is wrong.
        reason: String,
        /// What to write instead.
        hint: Option<String>,
        /// The JSON path.
        path: Option<String>,
        /// The line, from 1.
        line: Option<u32>,
        /// The column in characters, from 1.
        column: Option<u32>,
    },
    /// An event in JSON is malformed; it is counted as rejected.
    Event {
        /// What is wrong.
        reason: String,
        /// The byte, from 1, where the JSON is malformed.
        column: Option<u32>,
    },
    /// The engine is closed.
    Closed {
        /// What is wrong.
        reason: String,
    },
    /// Another process, or another engine of this one, has the file.
    InUse {
        /// What is wrong.
        reason: String,
    },
    /// The file was written by a later version of Ensue.
    NewerSchema {
        /// What is wrong.
        reason: String,
    },
    /// The path is not a file that can be opened.
    UnusablePath {
        /// What is wrong.
        reason: String,
    },
    /// The store failed: disk full, I/O.
    Store {
        /// What is wrong.
        reason: String,
    },
    /// No decision, refusal or task has this id.
    Unknown {
        /// What is wrong.
        reason: String,
    },
    /// What was given as the cursor of a batch is none.
    BadCursor {
        /// What is wrong.
        reason: String,
    },
    /// It cannot be done now: no thread can be started, no tasks have come yet to keep an event for, or a listener of a replay would wait for itself.
    Unavailable {
        /// What is wrong.
        reason: String,
    },
    /// A listener of the host threw what it was not to throw.
    Callback {
        /// What it said.
        reason: String,
    },
    /// A mistake of Ensue itself; please report it.
    Internal {
        /// What it said.
        reason: String,
    },
}

impl EnsueError {
    fn reason(&self) -> &str {
        match self {
            Self::Tasks { reason, .. }
            | Self::Event { reason, .. }
            | Self::Closed { reason }
            | Self::InUse { reason }
            | Self::NewerSchema { reason }
            | Self::UnusablePath { reason }
            | Self::Store { reason }
            | Self::Unknown { reason }
            | Self::BadCursor { reason }
            | Self::Unavailable { reason }
            | Self::Callback { reason }
            | Self::Internal { reason } => reason,
        }
    }

    fn internal(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::Internal { reason: text.unwrap_or("a panic").to_owned() }
    }
}

impl fmt::Display for EnsueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for EnsueError {}

impl From<Error> for EnsueError {
    fn from(error: Error) -> Self {
        let reason = error.to_string();
        match error {
            e if e.is_closed() => Self::Closed { reason },
            e if e.is_in_use() => Self::InUse { reason },
            e if e.is_newer_schema() => Self::NewerSchema { reason },
            e if e.is_unusable_path() => Self::UnusablePath { reason },
            e if e.is_unknown() => Self::Unknown { reason },
            e if e.is_bad_cursor() => Self::BadCursor { reason },
            e if e.is_store() => Self::Store { reason },
            _ => Self::Unavailable { reason },
        }
    }
}

impl From<Diagnostic> for EnsueError {
    fn from(d: Diagnostic) -> Self {
        let place = d.text.is_some().then(|| d.line_column());
        Self::Tasks {
            code: d.code.to_owned(),
            reason: d.message,
            hint: d.hint,
            // The document as a whole has none.
            path: d.path.filter(|path| !path.is_empty()),
            line: place.map(|(line, _)| short(line)),
            column: place.map(|(_, column)| short(column)),
        }
    }
}

impl From<BadEvent> for EnsueError {
    fn from(bad: BadEvent) -> Self {
        Self::Event { reason: bad.to_string(), column: bad.column.map(short) }
    }
}

impl From<uniffi::UnexpectedUniFFICallbackError> for EnsueError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Callback { reason: error.reason }
    }
}

fn short(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Runs the body of a call; a panic in it is an error like another.
pub(crate) fn guarded<T>(body: impl FnOnce() -> Result<T, EnsueError>) -> Result<T, EnsueError> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(EnsueError::internal(&*panic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let caught = guarded::<()>(|| std::panic::resume_unwind(Box::new("oh".to_owned())));
        assert_eq!(caught, Err(EnsueError::Internal { reason: "oh".to_owned() }));
    }
}
