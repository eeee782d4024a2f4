//! Numbers: integers where they are written as such and fit, else floats, right to the last bit.

use ensue_rule::Value;

use super::{Malformed, Read, Reader, scan};

/// So many digits fit an integer, whatever they are.
const FITTING: usize = 18;

/// So many digits fit a float exactly.
const EXACT: usize = 15;

/// A number of so many digits and no exponent is far below the largest float.
const FINITE: usize = 300;

/// Powers of ten, exact as floats.
const TENS: [f64; EXACT + 1] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

#[derive(Clone, Copy, Debug)]
enum Number {
    Int(i64),
    Float(f64),
}

impl Reader<'_> {
    #[inline(always)]
    pub(super) fn number(&mut self) -> Read<Value> {
        Ok(match self.read_number()? {
            Number::Int(i) => Value::Int(i),
            Number::Float(f) => Value::Float(f),
        })
    }

    /// A number, if it is a whole one that fits.
    #[inline(always)]
    pub(in super::super) fn whole_number(&mut self) -> Read<Option<i64>> {
        Ok(match self.read_number()? {
            Number::Int(i) => Some(i),
            Number::Float(_) => None,
        })
    }

    /// Passes over a number; it is checked likewise.
    #[inline(always)]
    pub(super) fn pass_number(&mut self) -> Read<()> {
        match short(self.rest) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => self.aside(Self::pass_any_number),
        }
    }

    fn pass_any_number(&mut self) -> Read<()> {
        let start = self.at();
        self.takes(b'-');
        let mut digits = self.whole(scan::count_digits(self.rest))?;
        if self.takes(b'.') {
            let fraction = scan::count_digits(self.rest);
            self.skip_some(fraction)?;
            digits += fraction;
        }
        if digits > FINITE || matches!(self.peek(), Some(b'e' | b'E')) {
            return self.exponent(start).map(drop);
        }
        Ok(())
    }

    #[inline(always)]
    fn read_number(&mut self) -> Read<Number> {
        let start = self.at();
        let negative = self.takes(b'-');
        let (digits, whole) = scan::digits(self.rest);
        self.whole(digits)?;
        match self.peek() {
            Some(b'.' | b'e' | b'E') => self.aside(|reader| reader.fraction(start, (digits, whole))).map(Number::Float),
            _ if digits > FITTING || negative && whole == 0 => self.large(start),
            // Of so few digits it is below 2^63.
            _ => Ok(Number::Int(if negative { -whole.cast_signed() } else { whole.cast_signed() })),
        }
    }

    /// The digits before a point, so many: one at least, and no zero before others.
    #[inline(always)]
    fn whole(&mut self, digits: usize) -> Read<usize> {
        if digits > 1 && self.peek() == Some(b'0') {
            return Err(Malformed);
        }
        self.skip_some(digits)?;
        Ok(digits)
    }

    /// Goes on by so many digits, of which there must be one.
    #[inline(always)]
    fn skip_some(&mut self, digits: usize) -> Read<()> {
        self.skip(digits);
        if digits > 0 { Ok(()) } else { Err(Malformed) }
    }

    /// A whole number that may not fit an integer, or minus nothing, which is none.
    #[cold]
    fn large(&self, start: usize) -> Read<Number> {
        match self.since(start)?.parse() {
            Ok(n) if n != 0 => Ok(Number::Int(n)),
            _ => self.parse(start).map(Number::Float),
        }
    }

    /// What is left of a number that began at `start`, from a point or exponent on, after so many digits that say `whole`.
    fn fraction(&mut self, start: usize, (digits, whole): (usize, u64)) -> Read<f64> {
        let (mut after, mut part) = (0, 0);
        if self.takes(b'.') {
            (after, part) = scan::digits(self.rest);
            self.skip_some(after)?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            return self.exponent(start);
        }
        let (true, Some(tens)) = (digits + after <= EXACT, TENS.get(after)) else { return self.parse(start) };
        // Both are exact, so that their quotient is right to the last bit (Clinger, "How to read floating point numbers
        // accurately", PLDI 1990).
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below 2^53"
        )]
        let number = (whole * (*tens as u64) + part) as f64 / tens;
        Ok(if self.line.as_bytes().get(start) == Some(&b'-') { -number } else { number })
    }

    /// The number that began at `start`, after its exponent, if it has one.
    fn exponent(&mut self, start: usize) -> Read<f64> {
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.skip(1);
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.skip(1);
            }
            self.skip_some(scan::count_digits(self.rest))?;
        }
        self.parse(start)
    }

    /// The float that is written from `start` to here.
    fn parse(&self, start: usize) -> Read<f64> {
        let number: f64 = self.since(start)?.parse().map_err(|_| Malformed)?;
        if number.is_finite() { Ok(number) } else { Err(Malformed) }
    }
}

/// What is left behind a number of few digits that begins with none of a minus and a zero and has no exponent.
#[inline(always)]
fn short(bytes: &[u8]) -> Option<&[u8]> {
    let after = match bytes {
        [b'1'..=b'9', ..] => scan::after_few_digits(bytes)?,
        _ => return None,
    };
    let after = match after {
        [b'.', fraction @ ..] => {
            let after = scan::after_few_digits(fraction)?;
            if after.len() == fraction.len() {
                return None;
            }
            after
        }
        _ => after,
    };
    if let [b'e' | b'E', ..] = after { None } else { Some(after) }
}
