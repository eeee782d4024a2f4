//! A line of JSON, read once from left to right (RFC 8259). Texts without escapes stay in the line.
//!
//! Every event of a recording and of `record_json` comes through here, most of them to be looked at and dropped: so it is made
//! for that, and for nothing else. What nobody reads is passed over, checked like all else. Each step first tries what almost
//! every line has there: no space, no escape, a short name, a short number, looked at eight bytes at a time ([`scan`]). What is
//! not like that goes the general way, to the same end. It says that a line is malformed, but not why: that is asked of
//! `serde_json`, which also reads all other JSON. Knows nothing of events.
#![allow(clippy::inline_always, reason = "the first tries, of every line")]

mod escape;
mod number;
mod scan;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_rule::Value;

/// Lists and objects within one another, as many as `serde_json` allows.
const DEEPEST: u8 = 127;

/// It is not JSON, has a number that no float holds, or is nested too deep ([`Reader::too_deep`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A value of which only what keys of an event may have is kept; of others only the kind.
#[derive(Debug)]
pub enum Scalar<'l> {
    /// The same as nothing.
    Null,
    /// True or false.
    Bool,
    /// A whole number of 64 bits.
    Int(i64),
    /// A fraction, or out of range.
    Number,
    /// A text.
    Text(Cow<'l, str>),
    /// A list.
    List,
    /// An object.
    Object,
    /// What JSON does not have: its type in the host's language.
    Foreign(Cow<'l, str>),
}

impl Scalar<'_> {
    /// Its kind, for a message.
    pub(super) fn what(&self) -> &str {
        match self {
            Self::Null => "null",
            Self::Bool => "a bool",
            Self::Int(_) => "an integer",
            Self::Number => "a number with a fraction or out of range",
            Self::Text(_) => "a string",
            Self::List => "a list",
            Self::Object => "an object",
            Self::Foreign(name) => name,
        }
    }
}

/// What is left of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'l> {
    line: &'l str,
    rest: &'l [u8],
    depth: u8,
    /// The deepest it has been.
    deepest: u8,
}

type Read<T> = Result<T, Malformed>;

impl<'l> Reader<'l> {
    #[inline]
    pub(super) fn new(line: &'l str) -> Self {
        Self { line, rest: line.as_bytes(), depth: 0, deepest: 0 }
    }

    /// Lists and objects within one another, as many as there were.
    #[inline]
    pub(super) fn deepest(&self) -> u8 {
        self.deepest
    }

    /// Where there were too many of them: the byte in the line, counted from 1.
    pub(super) fn too_deep(&self) -> Option<usize> {
        (self.deepest > DEEPEST).then(|| self.at())
    }

    /// Whether an object comes next; if so, it is entered.
    #[inline]
    pub(super) fn enters_object(&mut self) -> bool {
        self.comes(b'{')
    }

    /// The members of the object that was entered, to its end: `each` is given the name and reads the value.
    #[inline]
    pub(super) fn members(&mut self, mut each: impl FnMut(&mut Self, Cow<'l, str>) -> Read<()>) -> Read<()> {
        let mut more = self.first_member()?;
        while more {
            let name = self.name()?;
            each(self, name)?;
            more = self.next_member()?;
        }
        Ok(())
    }

    /// Whether the object that was entered has a member; if so, up to its name, the quote before it behind.
    #[inline(always)]
    pub(super) fn first_member(&mut self) -> Read<bool> {
        self.deeper()?;
        if self.takes(b'"') { Ok(true) } else { self.aside(Self::spaced_first_member) }
    }

    fn spaced_first_member(&mut self) -> Read<bool> {
        if self.comes(b'}') {
            self.depth -= 1;
            return Ok(false);
        }
        self.expect(b'"').map(|()| true)
    }

    /// The same, after a member.
    #[inline(always)]
    pub(super) fn next_member(&mut self) -> Read<bool> {
        if self.takes_all(b",\"") {
            return Ok(true);
        }
        if self.takes(b'}') {
            self.depth -= 1;
            return Ok(false);
        }
        self.aside(Self::spaced_next_member)
    }

    fn spaced_next_member(&mut self) -> Read<bool> {
        if self.comes(b',') {
            return self.expect(b'"').map(|()| true);
        }
        self.depth -= 1;
        self.expect(b'}').map(|()| false)
    }

    /// A name, the quote before it behind, and on to its value.
    #[inline]
    pub(super) fn name(&mut self) -> Read<Cow<'l, str>> {
        let name = self.text()?;
        self.colon()?;
        Ok(name)
    }

    /// From a name to its value.
    #[inline(always)]
    fn colon(&mut self) -> Read<()> {
        self.expect(b':')?;
        self.space();
        Ok(())
    }

    /// Takes these bytes, if they come.
    #[inline(always)]
    pub(super) fn takes_all<const N: usize>(&mut self, bytes: &[u8; N]) -> bool {
        match self.rest.split_first_chunk() {
            Some((first, rest)) if first == bytes => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// The byte that comes next.
    #[inline(always)]
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Nothing more but space.
    #[inline]
    pub(super) fn end(&mut self) -> Read<()> {
        self.space();
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// The kind of the next value, which is passed over: of one that is no text and no number.
    pub(super) fn kind(&mut self) -> Read<Scalar<'l>> {
        let kind = match self.peek() {
            Some(b't' | b'f') => Scalar::Bool,
            Some(b'n') => Scalar::Null,
            Some(b'[') => Scalar::List,
            _ => Scalar::Object,
        };
        self.aside(Self::pass_other).map(|()| kind)
    }

    /// The next value.
    pub(super) fn value(&mut self) -> Read<Value> {
        match self.peek() {
            Some(b'"') => self.quoted().map(|text| Value::Str(text.into())),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't' | b'f') => self.bool().map(Value::Bool),
            Some(b'n') => self.word(b"null").map(|()| Value::Null),
            Some(b'[') => self.list(),
            Some(b'{') => self.map(),
            _ => Err(Malformed),
        }
    }

    /// Passes the next value over.
    #[inline(always)]
    pub(super) fn pass(&mut self) -> Read<()> {
        match self.rest {
            [b'"', rest @ ..] => {
                self.rest = rest;
                self.pass_text()
            }
            [b'-' | b'0'..=b'9', ..] => self.pass_number(),
            _ => self.aside(Self::pass_other),
        }
    }

    /// Passes over a value that is no text and no number.
    fn pass_other(&mut self) -> Read<()> {
        match self.peek() {
            Some(b't' | b'f') => self.bool().map(drop),
            Some(b'n') => self.word(b"null"),
            Some(b'[') => self.items(Self::pass),
            Some(b'{') => {
                self.skip(1);
                self.pass_each_member()
            }
            _ => Err(Malformed),
        }
    }

    /// Passes over the members of the object that was entered.
    #[inline(always)]
    pub(super) fn pass_members(&mut self) -> Read<()> {
        self.aside(Self::pass_each_member)
    }

    fn pass_each_member(&mut self) -> Read<()> {
        let mut more = self.first_member()?;
        while more {
            self.pass_text()?;
            self.colon()?;
            self.pass()?;
            more = self.next_member()?;
        }
        Ok(())
    }

    fn list(&mut self) -> Read<Value> {
        let mut items = Vec::new();
        self.items(|reader| {
            items.push(reader.value()?);
            Ok(())
        })?;
        Ok(Value::List(items.into()))
    }

    fn map(&mut self) -> Read<Value> {
        let mut map: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        self.skip(1);
        self.members(|reader, name| {
            map.insert(name.into(), reader.value()?);
            Ok(())
        })?;
        Ok(Value::Map(Arc::new(map)))
    }

    fn items(&mut self, mut each: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        self.skip(1);
        self.deeper()?;
        let mut ended = self.comes(b']');
        while !ended {
            self.space();
            each(self)?;
            ended = !self.comes(b',');
            if ended {
                self.expect(b']')?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    #[inline(always)]
    fn deeper(&mut self) -> Read<()> {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        if self.depth > DEEPEST { Err(Malformed) } else { Ok(()) }
    }

    fn bool(&mut self) -> Read<bool> {
        if self.takes_all(b"true") { Ok(true) } else { self.word(b"false").map(|()| false) }
    }

    fn word<const N: usize>(&mut self, word: &[u8; N]) -> Read<()> {
        if self.takes_all(word) { Ok(()) } else { Err(Malformed) }
    }

    /// A text that comes next.
    #[inline(always)]
    pub(super) fn quoted(&mut self) -> Read<Cow<'l, str>> {
        self.skip(1);
        self.text()
    }

    /// A text up to its closing quote; the opening one is behind.
    #[inline(always)]
    fn text(&mut self) -> Read<Cow<'l, str>> {
        let start = self.at();
        match self.rest.get(scan::plain(self.rest)..) {
            Some([b'"', rest @ ..]) => {
                // Up to the quote.
                let end = self.line.len() - rest.len() - 1;
                self.rest = rest;
                self.line.get(start..end).map(Cow::Borrowed).ok_or(Malformed)
            }
            _ => self.aside(Self::escaped).map(Cow::Owned),
        }
    }

    /// Passes over a text likewise.
    #[inline(always)]
    fn pass_text(&mut self) -> Read<()> {
        match self.rest.get(scan::plain(self.rest)..) {
            Some([b'"', rest @ ..]) => {
                self.rest = rest;
                Ok(())
            }
            _ => self.aside(Self::pass_escaped),
        }
    }

    #[inline(always)]
    pub(super) fn space(&mut self) {
        while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Takes a byte that stands between others, most often without space before it.
    #[inline(always)]
    fn comes(&mut self, byte: u8) -> bool {
        self.takes(byte) || {
            self.space();
            self.takes(byte)
        }
    }

    #[inline(always)]
    fn takes(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    #[inline(always)]
    fn expect(&mut self, byte: u8) -> Read<()> {
        if self.comes(byte) { Ok(()) } else { Err(Malformed) }
    }

    #[inline(always)]
    fn skip(&mut self, n: usize) {
        self.rest = self.rest.get(n..).unwrap_or_default();
    }

    /// Goes on by `read`, which is not inlined: it is handed a copy, so that what is left of the line stays in registers here.
    #[inline(always)]
    fn aside<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut copy = *self;
        let done = read(&mut copy);
        *self = copy;
        done
    }

    /// How far it has come in the line.
    #[inline(always)]
    pub(super) fn at(&self) -> usize {
        self.line.len() - self.rest.len()
    }

    /// The line from `start` to here.
    #[inline]
    pub(super) fn since(&self, start: usize) -> Read<&'l str> {
        self.line.get(start..self.at()).ok_or(Malformed)
    }
}

#[cfg(test)]
pub(super) mod tests;
