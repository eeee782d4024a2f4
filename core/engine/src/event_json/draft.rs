//! An event as far as it is read, key by key: what the values of its keys must be.
//!
//! What is wrong does not stop the reading, so that malformed JSON behind it is found as well. Arguments are checked and left
//! where they lie: most events are wanted by nobody, and of most others few arguments.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_rule::{Event, EventRef, Source, Timestamp, UTC_OFFSETS, Value};
use smallvec::SmallVec;

use super::key::Key;
use super::reader::{Malformed, Reader, Scalar};
use super::{BadEvent, LIMIT};
use crate::feedback::{Feedback, FeedbackKind};

/// Times farther than this from 1970, either way, are refused: the range of JavaScript's dates, 275,000 years. No sum of
/// such a time and a window overflows.
const FARTHEST: i64 = 8_640_000_000_000_000;

/// A value that nobody measures is at most so many times as large as it is written: a number of one digit and its comma
/// count eight bytes.
const LARGEST: usize = 4;

/// An event in its JSON form, its texts still where they were, and the first thing wrong with it. Of a line all is checked, and its
/// arguments are not read yet; a face that has an object of its own language puts its keys ([`Draft::put`]) and keeps the arguments.
#[derive(Debug, Default)]
pub struct Draft<'l> {
    ts: Option<Timestamp>,
    id: Option<Value>,
    source: Source,
    action_type: Cow<'l, str>,
    scene: Option<Cow<'l, str>>,
    user_id: Option<Cow<'l, str>>,
    utc_offset_min: Option<i32>,
    /// The arguments as they stand there, from behind the brace on; nothing, where there are none.
    args: &'l str,
    /// Lists and objects within one another, and bytes of the line.
    deepest: u8,
    length: usize,
    seen: u16,
    feedback: Option<Cow<'l, str>>,
    decision: Option<Cow<'l, str>>,
    /// The first thing that is wrong with it.
    bad: Option<BadEvent>,
}

/// An argument that nobody has read yet; passed over where nobody does.
#[derive(Debug)]
pub struct JsonArgument<'r, 'l>(&'r mut Reader<'l>);

impl JsonArgument<'_, '_> {
    /// Its value.
    pub fn read(self) -> Value {
        // That it is good has been checked.
        self.0.value().unwrap_or_default()
    }
}

impl<'l> Draft<'l> {
    /// All of it but its arguments.
    #[inline]
    pub fn head(&self) -> EventRef<'_> {
        EventRef {
            ts: self.ts,
            id: self.id.as_ref(),
            source: self.source,
            action_type: &self.action_type,
            scene: self.scene.as_deref(),
            user_id: self.user_id.as_deref(),
            utc_offset_min: self.utc_offset_min,
            args: &[],
        }
    }

    /// Its arguments, in the order of the line: `each` reads those that it wants. Of a name that comes twice the last value is
    /// the argument.
    pub fn each_argument(&self, mut each: impl FnMut(&str, JsonArgument<'_, 'l>)) {
        if self.args.is_empty() {
            return;
        }
        // What has been checked does not end in the middle.
        let _ = Reader::new(self.args).members(|reader, name| {
            let before = reader.at();
            each(&name, JsonArgument(reader));
            if reader.at() == before { reader.pass() } else { Ok(()) }
        });
    }

    /// An owned copy, all arguments read.
    pub fn to_event(&self) -> Event {
        let mut args: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        self.each_argument(|name, value| {
            args.insert(name.into(), value.read());
        });
        Event { args, ..self.head().to_event() }
    }

    /// Lends it with all arguments of its line read.
    pub fn lend<T>(&self, take: impl FnOnce(&EventRef<'_>) -> T) -> T {
        let mut read: SmallVec<[(Box<str>, Value); 4]> = SmallVec::new();
        self.each_argument(|name, value| read.push((name.into(), value.read())));
        let args: SmallVec<[(&str, Value); 4]> = read.iter().map(|(name, value)| (&**name, value.clone())).collect();
        take(&EventRef { args: &args, ..self.head() })
    }

    /// Whether it is surely no larger than so many bytes, and its arguments no deeper than that many values in one another.
    pub(crate) fn is_within(&self, bytes: usize, depth: usize) -> bool {
        // The event and its `args` are two.
        self.length * LARGEST <= bytes && usize::from(self.deepest) < depth + 2
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

    /// Nothing more comes. What it says became of a decision; none where it is an event.
    ///
    /// # Errors
    /// The first thing wrong with it.
    #[inline]
    pub fn finish(&mut self) -> Result<Option<Feedback>, BadEvent> {
        if let Some(bad) = self.bad.take() {
            return Err(bad);
        }
        match self.feedback.take() {
            Some(name) => self.feedback(&name).map(Some),
            None if self.action_type.is_empty() => Err(BadEvent::new("the event has no `actionType`")),
            None => Ok(None),
        }
    }

    fn feedback(&mut self, name: &str) -> Result<Feedback, BadEvent> {
        let kind = FeedbackKind::from_name(name).ok_or_else(|| {
            let name = Value::from(name);
            BadEvent::new(format!("`feedback` must be shown, clicked, dismissed or converted, not {name}"))
        })?;
        let decision = self.decision.take().filter(|id| !id.is_empty());
        let decision = decision.ok_or_else(|| BadEvent::new("the feedback has no `decision`"))?;
        Ok(Feedback { decision: decision.into(), kind, ts: self.ts, line: None })
    }

    /// Takes the parts of a line.
    pub(super) fn fill(&mut self, line: &'l [u8]) -> Result<(), BadEvent> {
        if line.len() > LIMIT {
            return Err(BadEvent::new(format!("the event is over the limit of {LIMIT} bytes")));
        }
        let Ok(text) = std::str::from_utf8(line) else { return Err(BadEvent::of_line(line, false)) };
        let mut reader = Reader::new(text);
        if !reader.enters_object() {
            return Err(BadEvent::of_line(line, false));
        }
        let read = self.members(&mut reader).and_then(|()| reader.end());
        (self.deepest, self.length) = (reader.deepest(), line.len());
        read.map_err(|_| reader.too_deep().map_or_else(|| BadEvent::of_line(line, true), BadEvent::too_deep))
    }

    #[inline]
    fn members(&mut self, reader: &mut Reader<'l>) -> Result<(), Malformed> {
        let mut more = reader.first_member()?;
        while more {
            let key = Key::next(reader)?;
            self.take(key, reader)?;
            more = reader.next_member()?;
        }
        Ok(())
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

    #[inline]
    fn take(&mut self, key: Key, reader: &mut Reader<'l>) -> Result<(), Malformed> {
        match (key, reader.peek()) {
            (Key::Unknown, _) => reader.pass(),
            (Key::Args, _) => {
                // What comes twice is refused in any case.
                self.first(key);
                self.take_args(reader)
            }
            (_, Some(b'"')) => {
                let text = reader.quoted()?;
                if self.first(key) {
                    self.set_text(key, text);
                }
                Ok(())
            }
            (_, Some(b'-' | b'0'..=b'9')) => {
                let from = reader.at();
                let number = reader.whole_number()?;
                if !self.first(key) {
                    return Ok(());
                }
                if key == Key::UserId && number.is_some() {
                    // Its digits are the text of it.
                    self.user_id = Some(Cow::Borrowed(reader.since(from)?));
                } else {
                    self.set_number(key, number);
                }
                Ok(())
            }
            _ => {
                let value = reader.kind()?;
                if self.first(key) {
                    self.set_other(key, &value);
                }
                Ok(())
            }
        }
    }

    #[inline]
    fn take_args(&mut self, reader: &mut Reader<'l>) -> Result<(), Malformed> {
        if reader.enters_object() {
            let from = reader.at();
            reader.pass_members()?;
            self.args = reader.since(from)?;
            return Ok(());
        }
        let found = match reader.peek() {
            Some(b'"') => reader.quoted().map(Scalar::Text),
            Some(b'-' | b'0'..=b'9') => reader.pass().map(|()| Scalar::Number),
            _ => reader.kind(),
        }?;
        self.no_args(&found);
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

    fn set(&mut self, key: Key, value: Scalar<'l>) {
        match (key, value) {
            (_, Scalar::Text(text)) => self.set_text(key, text),
            (Key::UserId, Scalar::Int(i)) => self.user_id = Some(i.to_string().into()),
            (_, Scalar::Int(i)) => self.set_number(key, Some(i)),
            (_, Scalar::Number) => self.set_number(key, None),
            (_, other) => self.set_other(key, &other),
        }
    }

    #[inline]
    fn set_text(&mut self, key: Key, text: Cow<'l, str>) {
        match key {
            Key::ActionType => self.action_type = text,
            Key::Scene => self.scene = Some(text),
            Key::UserId => self.user_id = Some(text),
            Key::Id => self.id = Some(Value::Str(text.into())),
            Key::Source => self.set_source(&text),
            Key::Feedback => self.feedback = Some(text),
            Key::Decision => self.decision = Some(text),
            Key::Ts | Key::UtcOffsetMin | Key::Args | Key::Unknown => self.refuse(key, Scalar::Text(text).what()),
        }
    }

    /// `None`: one that is not whole or does not fit.
    #[inline]
    fn set_number(&mut self, key: Key, number: Option<i64>) {
        match (key, number) {
            (Key::Ts, Some(ms)) => self.set_ts(ms),
            (Key::Id, Some(i)) => self.id = Some(Value::Int(i)),
            (Key::UtcOffsetMin, Some(min)) => self.set_offset(min),
            // An event may have a key `decision` that is its own; feedback without a text there has none.
            (Key::Decision, _) => {}
            (_, Some(i)) => self.refuse(key, Scalar::Int(i).what()),
            (_, None) => self.refuse(key, Scalar::Number.what()),
        }
    }

    /// Null is the same as absent.
    fn set_other(&mut self, key: Key, value: &Scalar<'_>) {
        if !matches!((key, value), (_, Scalar::Null) | (Key::Decision, _)) {
            self.refuse(key, value.what());
        }
    }

    #[cold]
    fn refuse(&mut self, key: Key, found: &str) {
        self.wrong(|| format!("`{}` must be {}, not {found}", key.name(), key.wants()));
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
        self.utc_offset_min = i32::try_from(min).ok().filter(|min| UTC_OFFSETS.contains(min));
        if self.utc_offset_min.is_none() {
            let (from, to) = UTC_OFFSETS.into_inner();
            self.wrong(|| format!("`utcOffsetMin` must be between {from} and {to}, not {min}"));
        }
    }
}
