//! The keys of an event in JSON.

use super::reader::{Malformed, Reader};

/// The keys of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Ts,
    Id,
    Source,
    ActionType,
    Scene,
    UserId,
    UtcOffsetMin,
    Args,
    Feedback,
    Decision,
    Unknown,
}

impl Key {
    /// The key that comes, the quote before it behind, and on to its value: by its first letter, and at once where it is
    /// written without escapes and spaces.
    #[inline]
    pub(super) fn next(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let key = match reader.peek() {
            Some(b't') if reader.takes_all(b"ts\":") => Self::Ts,
            Some(b'i') if reader.takes_all(b"id\":") => Self::Id,
            Some(b'a') if reader.takes_all(b"args\":") => Self::Args,
            Some(b'a') if reader.takes_all(b"actionType\":") => Self::ActionType,
            Some(b's') if reader.takes_all(b"scene\":") => Self::Scene,
            Some(b's') if reader.takes_all(b"source\":") => Self::Source,
            Some(b'u') if reader.takes_all(b"userId\":") => Self::UserId,
            Some(b'u') if reader.takes_all(b"utcOffsetMin\":") => Self::UtcOffsetMin,
            _ => return reader.name().map(|name| Self::of(&name)),
        };
        reader.space();
        Ok(key)
    }

    pub(super) fn of(name: &str) -> Self {
        match name {
            "ts" => Self::Ts,
            "id" => Self::Id,
            "source" => Self::Source,
            "actionType" => Self::ActionType,
            "scene" => Self::Scene,
            "userId" => Self::UserId,
            "utcOffsetMin" => Self::UtcOffsetMin,
            "args" => Self::Args,
            "feedback" => Self::Feedback,
            "decision" => Self::Decision,
            _ => Self::Unknown,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ts => "ts",
            Self::Id => "id",
            Self::Source => "source",
            Self::ActionType => "actionType",
            Self::Scene => "scene",
            Self::UserId => "userId",
            Self::UtcOffsetMin => "utcOffsetMin",
            Self::Args => "args",
            Self::Feedback => "feedback",
            Self::Decision => "decision",
            Self::Unknown => "",
        }
    }

    /// What its value must be, for a message.
    pub(super) fn wants(self) -> &'static str {
        match self {
            Self::Ts => "an integer of milliseconds",
            Self::UtcOffsetMin => "an integer of minutes",
            Self::Id | Self::UserId => "a string or an integer",
            _ => "a string",
        }
    }
}
