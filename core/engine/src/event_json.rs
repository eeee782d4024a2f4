//! Events from JSON: one object, one event (`docs/cli.md`, "Event").
//!
//! Straight from bytes to an event, without a tree in between, and borrowed from the line as long as nobody wants to keep
//! it, its arguments unread until somebody asks for them by name; or, by a face that has the event as an object of its own language,
//! key by key. Says what is wrong with a bad one in words for whoever made it, the same in both; decides nothing about time,
//! users or order.
//!
//! Keys that are not known are passed over, so that a host may log more than Ensue reads. A known key that comes twice is
//! refused; in `args` the last value of a name stays.

mod draft;
mod key;
mod reader;

use std::fmt;

use ensue_rule::{Event, Value};

pub use draft::{Draft, JsonArgument};
pub use reader::Scalar;

use crate::feedback::Feedback;

/// Longer lines are refused: 64 KiB.
const LIMIT: usize = 64 * 1024;

/// Why a line is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEvent {
    /// What is wrong, for a person.
    reason: String,
    /// Where the JSON is malformed: the byte in the line, counted from 1.
    pub column: Option<usize>,
}

impl fmt::Display for BadEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            Some(column) => write!(f, "malformed JSON at column {column}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for BadEvent {}

impl BadEvent {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), column: None }
    }

    /// Lists and objects within one another, too many at this byte.
    fn too_deep(column: usize) -> Self {
        Self { reason: "recursion limit exceeded".to_owned(), column: Some(column) }
    }

    /// Why a line is no object, or is `malformed` somewhere in it.
    #[cold]
    fn of_line(line: &[u8], malformed: bool) -> Self {
        match (serde_json::from_slice::<serde_json::Value>(line), std::str::from_utf8(line), malformed) {
            (Err(error), ..) => {
                let text = error.to_string();
                let reason = text.split(" at line ").next().unwrap_or_default().to_owned();
                Self { reason, column: Some(error.column().max(1)) }
            }
            (Ok(_), Err(error), _) => {
                Self { reason: "invalid unicode code point".to_owned(), column: Some(error.valid_up_to() + 1) }
            }
            (Ok(_), Ok(_), true) => Self::new("a number is out of range"),
            (Ok(_), Ok(_), false) => Self::new("an event is a JSON object"),
        }
    }
}

/// Reads one event.
///
/// # Errors
/// What is wrong with it; of several things the first, malformed JSON before all.
pub fn parse_event(line: &[u8]) -> Result<Event, BadEvent> {
    #[allow(clippy::redundant_closure_for_method_calls, reason = "the method is of one lifetime only")]
    read_event(line, |event| event.to_event())
}

/// Reads one event and lends it, its texts still in the line and its arguments unread: for whoever looks at most events and keeps
/// few.
///
/// # Errors
/// As [`parse_event`].
#[inline]
pub fn read_event<T>(line: &[u8], take: impl FnOnce(&Draft<'_>) -> T) -> Result<T, BadEvent> {
    let mut draft = Draft::default();
    draft.fill(line)?;
    match draft.finish()? {
        None => Ok(take(&draft)),
        Some(_) => Err(BadEvent::new("this is feedback, and no event")),
    }
}

/// A line of the stream: an event, or what became of a decision.
#[derive(Debug)]
pub(crate) enum Line<'e> {
    Event(&'e Draft<'e>),
    Feedback(Feedback),
}

/// Reads one line and lends what it is; the feedback says no line number.
pub(crate) fn read_line<T>(line: &[u8], take: impl FnOnce(Line<'_>) -> T) -> Result<T, BadEvent> {
    let mut draft = Draft::default();
    draft.fill(line)?;
    let feedback = draft.finish()?;
    Ok(take(feedback.map_or(Line::Event(&draft), Line::Feedback)))
}

/// An event in the JSON form of events.
pub(crate) fn to_json(event: &Event) -> serde_json::Value {
    let json = |v: &Value| serde_json::to_value(v).unwrap_or_default();
    let mut object = serde_json::Map::new();
    let mut put = |name: &str, value: Option<serde_json::Value>| {
        object.extend(value.map(|v| (name.to_owned(), v)));
    };
    put("ts", event.ts.map(|t| t.0.into()));
    put("id", event.id.as_ref().map(json));
    put("source", Some(event.source.as_str().into()));
    put("actionType", Some((&*event.action_type).into()));
    put("scene", event.scene.as_deref().map(Into::into));
    put("userId", event.user_id.as_deref().map(Into::into));
    put("utcOffsetMin", event.utc_offset_min.map(Into::into));
    let args = event.args.iter().map(|(k, v)| (k.to_string(), json(v))).collect();
    put("args", Some(serde_json::Value::Object(args)));
    serde_json::Value::Object(object)
}

#[cfg(test)]
mod tests;
