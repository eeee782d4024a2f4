//! A line of JSON, read once from left to right (RFC 8259). Texts without escapes stay in the line.
//!
//! Every event of a recording and of `record_json` comes through here, most of them to be looked at and dropped: so it is made
//! for that, and for nothing else. It says that a line is malformed, but not why: that is asked of `serde_json`, which also
//! reads all other JSON. Knows nothing of events.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_rule::Value;

/// Lists and objects within one another, as many as `serde_json` allows.
const DEEPEST: u8 = 127;

/// So many digits fit an integer, whatever they are.
const FITTING: usize = 18;

/// The bytes that mean something in a text: quote, backslash, and controls, which may not stand there.
static SPECIAL: [bool; 256] = special();

#[allow(clippy::indexing_slicing, reason = "of a constant, at build time")]
const fn special() -> [bool; 256] {
    let mut special = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        special[control] = true;
        control += 1;
    }
    special[b'"' as usize] = true;
    special[b'\\' as usize] = true;
    special
}

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// It is not JSON, or has a number that no float holds.
    Syntax,
    /// Too many lists or objects within one another; the byte in the line where, counted from 1.
    TooDeep(usize),
}

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
pub(super) struct Reader<'l> {
    line: &'l str,
    rest: &'l [u8],
    depth: u8,
}

type Read<T> = Result<T, Malformed>;

impl<'l> Reader<'l> {
    pub(super) fn new(line: &'l str) -> Self {
        Self { line, rest: line.as_bytes(), depth: 0 }
    }

    /// Whether an object comes next; if so, it is entered.
    pub(super) fn enters_object(&mut self) -> bool {
        self.comes(b'{')
    }

    /// The members of the object that was entered, to its end: `each` is given the name and reads the value.
    pub(super) fn members(&mut self, mut each: impl FnMut(&mut Self, Cow<'l, str>) -> Read<()>) -> Read<()> {
        self.deeper()?;
        let mut ended = self.comes(b'}');
        while !ended {
            self.expect(b'"')?;
            let name = self.text()?;
            self.expect(b':')?;
            self.space();
            each(self, name)?;
            ended = self.ends(b'}')?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Nothing more but space.
    pub(super) fn end(&mut self) -> Read<()> {
        self.space();
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Syntax) }
    }

    /// The next value, if it is a plain one; of others only the kind.
    pub(super) fn scalar(&mut self) -> Read<Scalar<'l>> {
        match self.rest {
            [b'"', ..] => {
                self.skip(1);
                self.text().map(Scalar::Text)
            }
            [b'-' | b'0'..=b'9', ..] => Ok(match self.number()? {
                Value::Int(i) => Scalar::Int(i),
                _ => Scalar::Number,
            }),
            [b't' | b'f', ..] => self.bool().map(|_| Scalar::Bool),
            [b'n', ..] => self.word(b"null").map(|()| Scalar::Null),
            [b'[', ..] => self.pass().map(|()| Scalar::List),
            [b'{', ..] => self.pass().map(|()| Scalar::Object),
            _ => Err(Malformed::Syntax),
        }
    }

    /// The next value.
    pub(super) fn value(&mut self) -> Read<Value> {
        match self.rest {
            [b'"', ..] => {
                self.skip(1);
                self.text().map(|text| Value::Str(text.into()))
            }
            [b'-' | b'0'..=b'9', ..] => self.number(),
            [b't' | b'f', ..] => self.bool().map(Value::Bool),
            [b'n', ..] => self.word(b"null").map(|()| Value::Null),
            [b'[', ..] => self.list(),
            [b'{', ..] => self.map(),
            _ => Err(Malformed::Syntax),
        }
    }

    /// Passes the next value over.
    pub(super) fn pass(&mut self) -> Read<()> {
        match self.rest {
            [b'[', ..] => self.items(Self::pass),
            [b'{', ..] => {
                self.skip(1);
                self.members(|reader, _| reader.pass())
            }
            _ => self.scalar().map(drop),
        }
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
            ended = self.ends(b']')?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// After a member or item: whether it was the last.
    fn ends(&mut self, end: u8) -> Read<bool> {
        if self.comes(b',') {
            return Ok(false);
        }
        self.expect(end).map(|()| true)
    }

    fn deeper(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth > DEEPEST { Err(Malformed::TooDeep(self.at())) } else { Ok(()) }
    }

    fn bool(&mut self) -> Read<bool> {
        if let [b't', ..] = self.rest { self.word(b"true").map(|()| true) } else { self.word(b"false").map(|()| false) }
    }

    fn word(&mut self, word: &[u8]) -> Read<()> {
        self.rest = self.rest.strip_prefix(word).ok_or(Malformed::Syntax)?;
        Ok(())
    }

    /// A number: an integer if it is written as one and fits.
    fn number(&mut self) -> Read<Value> {
        let start = self.at();
        let negative = self.takes(b'-');
        let whole = self.integer(negative)?;
        match (whole, self.rest) {
            (_, [b'.' | b'e' | b'E', ..]) | (None, _) => self.float(start).map(Value::Float),
            (Some(i), _) => Ok(Value::Int(i)),
        }
    }

    /// The digits before a point; `None`: as an integer they are too large, or minus nothing.
    fn integer(&mut self, negative: bool) -> Read<Option<i64>> {
        let (whole, mut rest, mut n) = (self.rest, self.rest, 0_i64);
        while let [digit @ b'0'..=b'9', after @ ..] = rest {
            n = n.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            rest = after;
        }
        self.rest = rest;
        match (whole, whole.len() - rest.len()) {
            ([b'0', ..], 1) if negative => Ok(None),
            (_, 0) | ([b'0', ..], 2..) => Err(Malformed::Syntax),
            (_, 1..=FITTING) => Ok(Some(if negative { -n } else { n })),
            (_, digits) => Ok(self.since(self.at() - digits - usize::from(negative))?.parse().ok()),
        }
    }

    /// What is left of a number that began at `start`, from a point or exponent on.
    fn float(&mut self, start: usize) -> Read<f64> {
        if self.takes(b'.') {
            self.digits()?;
        }
        if matches!(self.rest, [b'e' | b'E', ..]) {
            self.skip(1);
            if matches!(self.rest, [b'+' | b'-', ..]) {
                self.skip(1);
            }
            self.digits()?;
        }
        let number: f64 = self.since(start)?.parse().map_err(|_| Malformed::Syntax)?;
        if number.is_finite() { Ok(number) } else { Err(Malformed::Syntax) }
    }

    /// One digit or more.
    fn digits(&mut self) -> Read<()> {
        let n = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.skip(n);
        if n > 0 { Ok(()) } else { Err(Malformed::Syntax) }
    }

    /// A text up to its closing quote; the opening one is behind.
    fn text(&mut self) -> Read<Cow<'l, str>> {
        let start = self.at();
        let plain = self.plain();
        let (_, after) = self.rest.split_at_checked(plain).ok_or(Malformed::Syntax)?;
        if let [b'"', rest @ ..] = after {
            self.rest = rest;
            return self.line.get(start..start + plain).map(Cow::Borrowed).ok_or(Malformed::Syntax);
        }
        self.rest = after;
        self.escaped(start).map(Cow::Owned)
    }

    /// How many bytes come that stand for themselves.
    fn plain(&self) -> usize {
        let special = |b: &u8| SPECIAL.get(usize::from(*b)).copied().unwrap_or(true);
        self.rest.iter().position(special).unwrap_or(self.rest.len())
    }

    /// A text with escapes that began at `start`, at the first of them.
    #[cold]
    fn escaped(&mut self, start: usize) -> Read<String> {
        let mut text = self.since(start)?.to_owned();
        loop {
            match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Ok(text);
                }
                [b'\\', ..] => {
                    self.skip(1);
                    text.push(self.escape()?);
                }
                _ => return Err(Malformed::Syntax),
            }
            let from = self.at();
            self.skip(self.plain());
            text.push_str(self.since(from)?);
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Read<char> {
        let [kind, rest @ ..] = self.rest else { return Err(Malformed::Syntax) };
        self.rest = rest;
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(*kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(Malformed::Syntax),
        })
    }

    /// The character of one escape, or of two that are a pair of surrogates.
    fn unicode(&mut self) -> Read<char> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or(Malformed::Syntax);
        }
        self.word(b"\\u")?;
        let second = self.hex()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(Malformed::Syntax);
        }
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(Malformed::Syntax)
    }

    fn hex(&mut self) -> Read<u32> {
        let (digits, rest) = self.rest.split_at_checked(4).ok_or(Malformed::Syntax)?;
        self.rest = rest;
        let digit = |b: &u8| char::from(*b).to_digit(16);
        digits.iter().try_fold(0, |n, b| Some(n * 16 + digit(b)?)).ok_or(Malformed::Syntax)
    }

    fn space(&mut self) {
        while let [byte, rest @ ..] = self.rest
            && *byte <= b' '
            && matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
        {
            self.rest = rest;
        }
    }

    /// Takes a byte that stands between others, most often without space before it.
    fn comes(&mut self, byte: u8) -> bool {
        self.takes(byte) || {
            self.space();
            self.takes(byte)
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, byte: u8) -> Read<()> {
        if self.comes(byte) { Ok(()) } else { Err(Malformed::Syntax) }
    }

    fn skip(&mut self, n: usize) {
        self.rest = self.rest.get(n..).unwrap_or_default();
    }

    /// How far it has come in the line.
    fn at(&self) -> usize {
        self.line.len() - self.rest.len()
    }

    /// The line from `start` to here.
    fn since(&self, start: usize) -> Read<&'l str> {
        self.line.get(start..self.at()).ok_or(Malformed::Syntax)
    }
}

#[cfg(test)]
mod tests;
