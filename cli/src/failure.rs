//! How a command ends.

use std::io;

/// What a command that ran to its end says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All was well: exit code 0.
    Well,
    /// Something of what it was given is refused: exit code 1.
    Refused,
}

impl Outcome {
    /// Refused where `any` is.
    pub(crate) fn refused(any: bool) -> Self {
        if any { Self::Refused } else { Self::Well }
    }
}

/// What keeps a command from its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody reads what is printed: no error.
    BrokenPipe,
    /// Arguments, or files that can't be read or written: exit code 2.
    Message(String),
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }

    /// Of reading or writing `what`.
    pub(crate) fn io(doing: &str, what: &str, error: &io::Error) -> Self {
        let text = error.to_string();
        let text = text.split(" (os error").next().unwrap_or_default();
        let mut chars = text.chars();
        let first = chars.next().map(|c| c.to_ascii_lowercase());
        let text: String = first.into_iter().chain(chars).collect();
        Self::Message(format!("cannot {doing} {what}: {text}"))
    }
}

impl From<io::Error> for Failure {
    /// Of writing to standard output.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::io("write to", "standard output", &error),
        }
    }
}

impl From<ensue_engine::Error> for Failure {
    fn from(error: ensue_engine::Error) -> Self {
        Self::Message(error.to_string())
    }
}
