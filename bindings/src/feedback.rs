//! What became of a decision once the app had it.

use ensue_engine as core;
use ensue_rule::Timestamp;

use crate::engine::Engine;
use crate::error::{EnsueError, guarded};
use crate::event::Recorded;

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
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

/// Feedback to a decision.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Feedback {
    /// The decision's id.
    pub decision: String,
    /// What became of it.
    pub kind: FeedbackKind,
    /// When, in ms since 1970, if that was said.
    pub ts_ms: Option<i64>,
}

#[uniffi::export]
impl Engine {
    /// Says what became of a decision; what controls count of it counts for all that is decided after this call. Each kind
    /// counts once for a decision. Absent time: now. An id that no decision has is counted as `feedback_unknown`, and told
    /// to the listener.
    pub fn feedback(&self, decision: String, kind: FeedbackKind, ts_ms: Option<i64>) -> Result<Recorded, EnsueError> {
        guarded(|| Ok(self.core.feedback(&decision, kind.into(), ts_ms.map(Timestamp)).into()))
    }
}

impl From<&core::Feedback> for Feedback {
    fn from(given: &core::Feedback) -> Self {
        Self { decision: given.decision.to_string(), kind: given.kind.into(), ts_ms: given.ts.map(|ts| ts.0) }
    }
}

impl From<FeedbackKind> for core::FeedbackKind {
    fn from(kind: FeedbackKind) -> Self {
        match kind {
            FeedbackKind::Shown => Self::Shown,
            FeedbackKind::Clicked => Self::Clicked,
            FeedbackKind::Dismissed => Self::Dismissed,
            FeedbackKind::Converted => Self::Converted,
        }
    }
}

impl From<core::FeedbackKind> for FeedbackKind {
    fn from(kind: core::FeedbackKind) -> Self {
        match kind {
            core::FeedbackKind::Shown => Self::Shown,
            core::FeedbackKind::Clicked => Self::Clicked,
            core::FeedbackKind::Dismissed => Self::Dismissed,
            core::FeedbackKind::Converted => Self::Converted,
        }
    }
}
