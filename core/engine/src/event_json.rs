//! Events from JSON: one object, one event (`docs/cli.md`, "Event").
//!
//! Straight from bytes to an event, without a tree in between, and borrowed from the line as long as nobody wants to keep
//! it; or, by a face that has the event as an object of its own language, key by key. Says what is wrong with a bad one in
//! words for whoever made it, the same in both; decides nothing about time, users or order.
//!
//! Keys that are not known are passed over, so that a host may log more than Ensue reads. A known key that comes twice is
//! refused; in `args` the last value of a name stays.

mod reader;

use std::borrow::Cow;
use std::fmt;

use ensue_rule::{Event, EventRef, Source, Timestamp, Value};
pub use reader::Scalar;
use reader::{Malformed, Reader};
use smallvec::SmallVec;

use crate::feedback::{Feedback, FeedbackKind};

/// Longer lines are refused: 64 KiB.
const LIMIT: usize = 64 * 1024;

/// Times farther than this from 1970, either way, are refused: the range of JavaScript's dates, 275,000 years. No sum of
/// such a time and a window overflows.
const FARTHEST: i64 = 8_640_000_000_000_000;

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

    /// Why a line is no object.
    #[cold]
    fn of_line(line: &[u8], malformed: Option<Malformed>) -> Self {
        if let Some(Malformed::TooDeep(column)) = malformed {
            return Self { reason: "recursion limit exceeded".to_owned(), column: Some(column) };
        }
        match (serde_json::from_slice::<serde_json::Value>(line), std::str::from_utf8(line), malformed) {
            (Err(error), ..) => {
                let text = error.to_string();
                let reason = text.split(" at line ").next().unwrap_or_default().to_owned();
                Self { reason, column: Some(error.column().max(1)) }
            }
            (Ok(_), Err(error), _) => {
                Self { reason: "invalid unicode code point".to_owned(), column: Some(error.valid_up_to() + 1) }
            }
            (Ok(_), Ok(_), Some(_)) => Self::new("a number is out of range"),
            (Ok(_), Ok(_), None) => Self::new("an event is a JSON object"),
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

/// Reads one event and lends it, its texts still in the line: for whoever looks at most events and keeps few.
///
/// # Errors
/// As [`parse_event`].
pub fn read_event<T>(line: &[u8], take: impl FnOnce(&EventRef<'_>) -> T) -> Result<T, BadEvent> {
    let mut draft = Draft::default();
    draft.fill(line)?;
    match draft.finish()? {
        None => Ok(draft.lend(take)),
        Some(_) => Err(BadEvent::new("this is feedback, and no event")),
    }
}

/// A line of the stream: an event, or what became of a decision.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one at a time, taken apart at once")]
pub(crate) enum Line<'l> {
    Event(Draft<'l>),
    Feedback(Feedback),
}

impl<'l> Line<'l> {
    /// Reads one line; the feedback says no line number.
    pub(crate) fn read(line: &'l [u8]) -> Result<Self, BadEvent> {
        let mut draft = Draft::default();
        draft.fill(line)?;
        Ok(draft.finish()?.map_or(Self::Event(draft), Self::Feedback))
    }
}

/// The keys of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
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
    fn of(name: &str) -> Self {
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

    fn name(self) -> &'static str {
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
}

/// An event as far as it is read, its texts still where they were, and the first thing wrong with it. What is wrong does not
/// stop the reading, so that malformed JSON behind it is found as well.
#[derive(Debug, Default)]
pub struct Draft<'l> {
    ts: Option<Timestamp>,
    id: Option<Value>,
    source: Source,
    action_type: Cow<'l, str>,
    scene: Option<Cow<'l, str>>,
    user_id: Option<Cow<'l, str>>,
    /// A user whose id is an integer.
    user_number: Option<i64>,
    utc_offset_min: Option<i32>,
    /// Seldom more than a few.
    args: SmallVec<[(Cow<'l, str>, Value); 4]>,
    seen: u16,
    feedback: Option<Cow<'l, str>>,
    decision: Option<Cow<'l, str>>,
    bad: Option<BadEvent>,
}

impl<'l> Draft<'l> {
    /// Takes the parts of a line.
    fn fill(&mut self, line: &'l [u8]) -> Result<(), BadEvent> {
        if line.len() > LIMIT {
            return Err(BadEvent::new(format!("the event is over the limit of {LIMIT} bytes")));
        }
        let Ok(text) = std::str::from_utf8(line) else { return Err(BadEvent::of_line(line, None)) };
        let mut reader = Reader::new(text);
        if !reader.enters_object() {
            return Err(BadEvent::of_line(line, None));
        }
        let read = reader.members(|reader, name| self.take(Key::of(&name), reader)).and_then(|()| reader.end());
        read.map_err(|malformed| BadEvent::of_line(line, Some(malformed)))
    }

    /// Takes the value of a key, as it would be taken from JSON; of `args` only whether they are an object.
    pub fn put(&mut self, name: &str, value: Scalar<'l>) {
        match Key::of(name) {
            Key::Unknown => {}
            Key::Args => self.no_args(&value),
            key if self.first(key) => self.set(key, value),
            _ => {}
        }
    }

    /// Nothing more comes. What it says became of a decision; none where it is an event, which can then be lent.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn finish(&mut self) -> Result<Option<Feedback>, BadEvent> {
        if let Some(bad) = self.bad.take() {
            return Err(bad);
        }
        let Some(name) = self.feedback.take() else {
            let named = !self.action_type.is_empty();
            return if named { Ok(None) } else { Err(BadEvent::new("the event has no `actionType`")) };
        };
        let kind = FeedbackKind::from_name(&name).ok_or_else(|| {
            let name = Value::from(&*name);
            BadEvent::new(format!("`feedback` must be shown, clicked, dismissed or converted, not {name}"))
        })?;
        let decision = self.decision.take().filter(|id| !id.is_empty());
        let decision = decision.ok_or_else(|| BadEvent::new("the feedback has no `decision`"))?;
        Ok(Some(Feedback { decision: decision.into(), kind, ts: self.ts, line: None }))
    }

    /// The event's own id, or `other`.
    pub(crate) fn id_or(&mut self, other: impl FnOnce() -> Value) {
        self.id.get_or_insert_with(other);
    }

    /// Lends the event, its texts where they were, with those attributes that came in a line.
    pub fn lend<T>(&mut self, take: impl FnOnce(&EventRef<'_>) -> T) -> T {
        let mut args: SmallVec<[(&str, Value); 4]> = SmallVec::new();
        for (name, value) in &mut self.args {
            args.push((name, std::mem::take(value)));
        }
        let mut digits = itoa::Buffer::new();
        let user_id = self.user_number.map(|n| digits.format(n)).or(self.user_id.as_deref());
        take(&EventRef {
            ts: self.ts,
            id: self.id.as_ref(),
            source: self.source,
            action_type: &self.action_type,
            scene: self.scene.as_deref(),
            user_id,
            utc_offset_min: self.utc_offset_min,
            args: &args,
        })
    }

    fn wrong(&mut self, reason: impl FnOnce() -> String) {
        self.bad.get_or_insert_with(|| BadEvent::new(reason()));
    }

    /// Whether a known key comes for the first time.
    fn first(&mut self, key: Key) -> bool {
        let bit = 1 << (key as u16);
        let first = self.seen & bit == 0;
        self.seen |= bit;
        if !first {
            self.wrong(|| format!("`{}` comes twice", key.name()));
        }
        first
    }

    fn take(&mut self, key: Key, reader: &mut Reader<'l>) -> Result<(), Malformed> {
        match key {
            Key::Unknown => reader.pass(),
            Key::Args => {
                // What comes twice is refused in any case.
                self.first(key);
                self.take_args(reader)
            }
            _ => {
                let value = reader.scalar()?;
                if self.first(key) {
                    self.set(key, value);
                }
                Ok(())
            }
        }
    }

    fn take_args(&mut self, reader: &mut Reader<'l>) -> Result<(), Malformed> {
        if reader.enters_object() {
            return reader.members(|reader, name| {
                self.args.push((name, reader.value()?));
                Ok(())
            });
        }
        self.no_args(&reader.scalar()?);
        Ok(())
    }

    /// What stands in place of the attributes; null is the same as none.
    fn no_args(&mut self, found: &Scalar<'_>) {
        let found = match found {
            Scalar::Null | Scalar::Object => return,
            Scalar::Int(_) | Scalar::Number => "a number",
            other => other.what(),
        };
        self.wrong(|| format!("`args` must be an object, not {found}"));
    }

    /// A value of a known key; null is the same as absent.
    fn set(&mut self, key: Key, value: Scalar<'l>) {
        let found = match (key, value) {
            (Key::Decision, Scalar::Text(s)) => return self.decision = Some(s),
            // An event may have a key `decision` that is its own; feedback without a text there has none.
            (_, Scalar::Null) | (Key::Decision, _) => return,
            (Key::Ts, Scalar::Int(ms)) => return self.set_ts(ms),
            (Key::Id, Scalar::Int(i)) => return self.id = Some(Value::Int(i)),
            (Key::Id, Scalar::Text(s)) => return self.id = Some(Value::Str(s.into())),
            (Key::ActionType, Scalar::Text(s)) => return self.action_type = s,
            (Key::Feedback, Scalar::Text(s)) => return self.feedback = Some(s),
            (Key::Scene, Scalar::Text(s)) => return self.scene = Some(s),
            (Key::UserId, Scalar::Text(s)) => return self.user_id = Some(s),
            (Key::UserId, Scalar::Int(i)) => return self.user_number = Some(i),
            (Key::Source, Scalar::Text(s)) => return self.set_source(&s),
            (Key::UtcOffsetMin, Scalar::Int(min)) => return self.set_offset(min),
            (_, value) => value,
        };
        self.wrong(|| format!("`{}` must be {}, not {}", key.name(), wanted(key), found.what()));
    }

    fn set_ts(&mut self, ms: i64) {
        if (-FARTHEST..=FARTHEST).contains(&ms) {
            self.ts = Some(Timestamp(ms));
        } else {
            self.wrong(|| format!("`ts` must be within {FARTHEST} ms of 1970, not {ms}"));
        }
    }

    fn set_source(&mut self, name: &str) {
        match Source::from_name(name) {
            Some(Source::Derived) => self.wrong(|| "`derived` events are made by tasks, not recorded".to_owned()),
            Some(source) => self.source = source,
            None => {
                let name = Value::from(name);
                self.wrong(|| format!("`source` must be page, network, storage or custom, not {name}"));
            }
        }
    }

    fn set_offset(&mut self, min: i64) {
        match i32::try_from(min).ok().filter(|min| (-1_440..=1_440).contains(min)) {
            Some(min) => self.utc_offset_min = Some(min),
            None => self.wrong(|| format!("`utcOffsetMin` must be between -1440 and 1440, not {min}")),
        }
    }
}

fn wanted(key: Key) -> &'static str {
    match key {
        Key::Ts => "an integer of milliseconds",
        Key::UtcOffsetMin => "an integer of minutes",
        Key::Id | Key::UserId => "a string or an integer",
        _ => "a string",
    }
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
