//! The shapes of JSON that an event is read from: a text, the object of `args`, a plain value.
//!
//! None of them fails on a value of another kind: what is there instead is said by the reader, with its key.

use std::borrow::Cow;
use std::fmt;

use ensue_rule::Value;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use smallvec::SmallVec;

/// A string, left in the line where it has no escapes.
#[derive(Debug)]
pub(super) struct Name<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: de::Error>(self, s: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(s)))
    }

    fn visit_str<E: de::Error>(self, s: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(s.to_owned())))
    }
}

/// Arguments by name; seldom more than a few.
pub(super) type NamedValues<'de> = SmallVec<[(Cow<'de, str>, Value); 4]>;

/// The value of `args`, or what stands there in place of an object.
pub(super) struct Args<'de>(pub(super) Result<NamedValues<'de>, &'static str>);

impl<'de> Deserialize<'de> for Args<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(ArgsVisitor)
    }
}

struct ArgsVisitor;

impl<'de> Visitor<'de> for ArgsVisitor {
    type Value = Args<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Args<'de>, A::Error> {
        let mut args = NamedValues::new();
        while let Some(name) = map.next_key::<Name<'de>>()? {
            args.push((name.0, map.next_value()?));
        }
        Ok(Args(Ok(args)))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Args<'de>, E> {
        Ok(Args(Ok(NamedValues::new())))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Args<'de>, E> {
        Ok(Args(Err("a bool")))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Args<'de>, E> {
        Ok(Args(Err("a number")))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Args<'de>, E> {
        Ok(Args(Err("a number")))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Args<'de>, E> {
        Ok(Args(Err("a number")))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Args<'de>, E> {
        Ok(Args(Err("a string")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Args<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Args(Err("a list")))
    }
}

/// Any JSON value of which only the plain ones are kept.
#[derive(Debug)]
pub(super) enum Scalar<'de> {
    Null,
    Bool,
    Int(i64),
    /// A fraction, or out of range.
    Number,
    Text(Cow<'de, str>),
    List,
    Object,
}

impl Scalar<'_> {
    /// Its kind, for a message.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a bool",
            Self::Int(_) => "an integer",
            Self::Number => "a number with a fraction or out of range",
            Self::Text(_) => "a string",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool)
    }

    fn visit_i64<E: de::Error>(self, i: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Int(i))
    }

    fn visit_u64<E: de::Error>(self, u: u64) -> Result<Scalar<'de>, E> {
        Ok(i64::try_from(u).map_or(Scalar::Number, Scalar::Int))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number)
    }

    fn visit_borrowed_str<E: de::Error>(self, s: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(s)))
    }

    fn visit_str<E: de::Error>(self, s: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(s.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Object)
    }
}
