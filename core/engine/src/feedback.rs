//! Feedback: what became of a decision once the app had it.

use std::fmt;
use std::sync::Arc;

use ensue_rule::Timestamp;

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedbackKind {
    /// The user saw it.
    Shown,
    /// The user took it up.
    Clicked,
    /// The user sent it away.
    Dismissed,
    /// The user did what it was for.
    Converted,
}

impl FeedbackKind {
    /// All kinds; the place of each is its code in the store.
    pub const ALL: [Self; 4] = [Self::Shown, Self::Clicked, Self::Dismissed, Self::Converted];

    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Clicked => "clicked",
            Self::Dismissed => "dismissed",
            Self::Converted => "converted",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    pub(crate) fn of_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|code| Self::ALL.get(code)).copied()
    }
}

/// Feedback to a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// The decision's id.
    pub decision: Arc<str>,
    /// What became of it.
    pub kind: FeedbackKind,
    /// When, if that was said.
    pub ts: Option<Timestamp>,
    /// The input line (only in replay).
    pub line: Option<u64>,
}

impl fmt::Display for FeedbackKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
