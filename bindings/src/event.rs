//! Events in, and what became of them.

use std::collections::HashMap;
use std::convert::Infallible;

use ensue_engine::{Attributes, Recorded as Became, Rejected};
use ensue_rule::{EventRef, Timestamp, Value as Core};

use crate::value::{Named, Value};

/// Where an event comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, uniffi::Enum)]
pub enum Source {
    /// Anything else.
    #[default]
    Custom,
    /// A page was opened, left, clicked.
    Page,
    /// A network request or its answer.
    Network,
    /// A key was read or written.
    Storage,
}

/// One thing that happened, with all that can be said of it.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Event {
    /// What was done; not empty.
    pub action_type: String,
    /// Where: page URL or name, host and path, store key.
    #[uniffi(default = None)]
    pub scene: Option<String>,
    /// When, in ms since 1970; absent: now.
    #[uniffi(default = None)]
    pub ts_ms: Option<i64>,
    /// A label, shown in bindings.
    #[uniffi(default = None)]
    pub id: Option<String>,
    /// Where it comes from.
    pub source: Source,
    /// Whose event it is; absent: that of the user last identified.
    #[uniffi(default = None)]
    pub user_id: Option<String>,
    /// Offset of the local time from UTC, in minutes; more than a day either way is refused.
    #[uniffi(default = None)]
    pub utc_offset_min: Option<i32>,
    /// Everything else, by name.
    pub args: HashMap<String, Value>,
}

/// What became of an event. The numbers are those of the JNI entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Recorded {
    /// Some task wants it: it waits for the worker.
    Queued,
    /// No task wants it.
    Unwanted,
    /// The queue is full: it is dropped and counted.
    Full,
    /// The user has opted out: it left no trace.
    OptedOut,
    /// The engine is closed.
    Closed,
    /// Rejected: it has no action type.
    NoActionType,
    /// Rejected: derived events come from tasks only.
    Derived,
    /// Rejected: over the size limit.
    TooLarge,
    /// Rejected: what the host handed over could not be read.
    Malformed,
    /// Rejected: an offset from UTC of more than a day.
    UtcOffset,
}

impl Recorded {
    /// The number that stands for it where no enum can cross; hosts have the same list. A number once given stays.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Unwanted => 1,
            Self::Full => 2,
            Self::OptedOut => 3,
            Self::Closed => 4,
            Self::NoActionType => 5,
            Self::Derived => 6,
            Self::TooLarge => 7,
            Self::Malformed => 8,
            Self::UtcOffset => 9,
        }
    }
}

impl From<Became> for Recorded {
    fn from(became: Became) -> Self {
        match became {
            Became::Queued => Self::Queued,
            Became::Unwanted => Self::Unwanted,
            Became::Full => Self::Full,
            Became::OptedOut => Self::OptedOut,
            Became::Closed => Self::Closed,
            Became::Rejected(Rejected::NoActionType) => Self::NoActionType,
            Became::Rejected(Rejected::Derived) => Self::Derived,
            Became::Rejected(Rejected::TooLarge) => Self::TooLarge,
            Became::Rejected(Rejected::UtcOffset) => Self::UtcOffset,
        }
    }
}

impl From<Source> for ensue_rule::Source {
    fn from(source: Source) -> Self {
        match source {
            Source::Custom => Self::Custom,
            Source::Page => Self::Page,
            Source::Network => Self::Network,
            Source::Storage => Self::Storage,
        }
    }
}

impl Event {
    /// Records it; its attributes are converted only where it is wanted.
    pub(crate) fn record(&self, engine: &ensue_engine::Engine) -> Recorded {
        let id = self.id.as_deref().map(Core::from);
        let head = EventRef {
            ts: self.ts_ms.map(Timestamp),
            id: id.as_ref(),
            source: self.source.into(),
            action_type: &self.action_type,
            scene: self.scene.as_deref(),
            user_id: self.user_id.as_deref(),
            utc_offset_min: self.utc_offset_min,
            args: &[],
        };
        let args = self.args.iter().map(|(name, value)| (name.as_str(), value));
        record(engine, &head, args)
    }
}

/// Records an event by what was done, where, and its attributes.
pub(crate) fn positional(
    engine: &ensue_engine::Engine,
    action_type: &str,
    scene: Option<&str>,
    args: &[Named],
) -> Recorded {
    let head = EventRef { action_type, scene, ..EventRef::default() };
    record(engine, &head, args.iter().map(|arg| (arg.name.as_str(), &arg.value)))
}

/// Attributes are converted only where the event is wanted.
fn record<'v>(
    engine: &ensue_engine::Engine,
    head: &EventRef<'_>,
    args: impl Iterator<Item = (&'v str, &'v Value)> + Clone,
) -> Recorded {
    let read = |attributes: &mut Attributes<'_>| {
        args.clone().for_each(|(name, value)| attributes.take(name, Core::from(value)));
        Ok::<_, Infallible>(())
    };
    let Ok(recorded) = engine.record_reading(head, read);
    recorded.into()
}
