//! Keys: what the index knows of a value. Values that are equal to the same constants have one key.

use std::cmp::Ordering;

use ensue_rule::Value;

use super::symbols::{Symbol, Symbols};

/// A value as the index sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// There is none.
    #[default]
    Null,
    /// There is one, which no rule names.
    Other,
    Bool(bool),
    /// A whole number, also one that was written as a float.
    Int(i64),
    /// The bits of any other number.
    Float(u64),
    Text(Symbol),
}

impl Key {
    pub(super) fn of(value: &Value, symbols: &Symbols) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Int(i) => Self::Int(*i),
            Value::Float(f) => Self::of_float(*f),
            Value::Str(s) => symbols.get(s).map_or(Self::Other, Self::Text),
            Value::List(_) | Value::Map(_) => Self::Other,
        }
    }

    /// The key of a number or truth value; texts need their symbol, and lists and maps have none.
    pub(super) fn of_plain(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(b) => Some(Self::Bool(*b)),
            Value::Int(i) => Some(Self::Int(*i)),
            Value::Float(f) => Some(Self::of_float(*f)).filter(|k| k.is_exact()),
            Value::Null | Value::Str(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    pub(super) fn of_float(f: f64) -> Self {
        // 2^63 is exact as a float; every i64 is below it. NaN is equal to nothing.
        if f.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&f) {
            #[allow(clippy::cast_possible_truncation, reason = "whole and in range")]
            return Self::Int(f as i64);
        }
        if f.is_nan() { Self::Other } else { Self::Float(f.to_bits()) }
    }

    /// Whether equal values, and only those, have this key.
    pub(super) fn is_exact(self) -> bool {
        !matches!(self, Self::Null | Self::Other)
    }

    /// Its kind and its bits, to be hashed quickly.
    pub(super) fn packed(self) -> (u8, u64) {
        match self {
            Self::Null => (0, 0),
            Self::Other => (1, 0),
            Self::Bool(b) => (2, b.into()),
            Self::Int(i) => (3, i.cast_unsigned()),
            Self::Float(bits) => (4, bits),
            Self::Text(symbol) => (5, symbol.number().into()),
        }
    }

    /// How two numbers stand; `None` where one is none.
    pub(super) fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(&b)),
            _ => self.number()?.order(&other.number()?),
        }
    }

    fn number(self) -> Option<Value> {
        match self {
            Self::Int(i) => Some(Value::Int(i)),
            Self::Float(bits) => Some(Value::Float(f64::from_bits(bits))),
            _ => None,
        }
    }
}

/// A stretch of numbers, each end with whether it belongs to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Range {
    pub(super) low: Option<(Key, bool)>,
    pub(super) high: Option<(Key, bool)>,
}

impl Range {
    pub(super) fn has(&self, key: Key) -> bool {
        self.is_reached(key) && self.is_not_passed(key)
    }

    /// Whether the number is at or above the low end.
    pub(super) fn is_reached(&self, key: Key) -> bool {
        let after = |(low, included)| match key.order(low) {
            Some(Ordering::Greater) => true,
            Some(Ordering::Equal) => included,
            _ => false,
        };
        self.low.map_or_else(|| key.number().is_some(), after)
    }

    /// Whether the number is at or below the high end.
    pub(super) fn is_not_passed(&self, key: Key) -> bool {
        let before = |(high, included)| match key.order(high) {
            Some(Ordering::Less) => true,
            Some(Ordering::Equal) => included,
            _ => false,
        };
        self.high.map_or_else(|| key.number().is_some(), before)
    }

    /// What is in both.
    pub(super) fn meet(self, other: Self) -> Self {
        let tighter = |a: Option<(Key, bool)>, b: Option<(Key, bool)>, wanted: Ordering| match (a, b) {
            (Some(x), Some(y)) => match x.0.order(y.0) {
                Some(Ordering::Equal) => Some((x.0, x.1 && y.1)),
                o if o == Some(wanted) => Some(x),
                _ => Some(y),
            },
            (x, y) => x.or(y),
        };
        Self {
            low: tighter(self.low, other.low, Ordering::Greater),
            high: tighter(self.high, other.high, Ordering::Less),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_one_key_and_unequal_ones_two() {
        let key = |v: Value| Key::of(&v, &Symbols::default());
        assert_eq!(key(3.into()), key(3.0.into()));
        assert_eq!(key((-0.0).into()), key(0.into()));
        let big = 1_i64 << 60;
        #[allow(clippy::cast_precision_loss, reason = "2^60 is exact")]
        let float = big as f64;
        assert_eq!(key(big.into()), key(float.into()));
        assert_ne!(key((big + 1).into()), key(float.into()));
        assert_ne!(key(1e300.into()), key(1e301.into()));
        assert_eq!(key(f64::NAN.into()), Key::Other);
    }

    #[test]
    fn ranges_meet() {
        let at = |n: i64, included| Some((Key::Int(n), included));
        let a = Range { low: at(1, false), high: None };
        let b = Range { low: at(1, true), high: at(9, true) };
        assert_eq!(a.meet(b), Range { low: at(1, false), high: at(9, true) });
        let both = a.meet(b);
        let half = Key::of_float(1.5);
        assert_eq!(
            [Key::Int(1), half, Key::Int(9), Key::Int(10), Key::Null].map(|k| both.has(k)),
            [false, true, true, false, false]
        );
    }
}
