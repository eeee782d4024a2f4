//! How an event, a value, a partition key and an entry of the journal stand in a row, byte by byte (`docs/storage.md`).
//!
//! Small and quick to read: names of arguments are numbers of a dictionary, whole numbers and lengths are varints (seven
//! bits a byte, low ones first), signed ones zigzag. Nothing here knows of SQL. Reading never trusts: a row that is cut
//! off or has an unknown tag is `None`.

use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_rule::Value;

/// Values nested deeper than this are not read: nothing that deep is ever written.
const DEPTH: usize = 80;

/// Writes.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn uint(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.0.push(low(n) | 0x80);
            n >>= 7;
        }
        self.0.push(low(n));
    }

    /// Zigzag: small numbers of either sign stay short.
    pub(super) fn int(&mut self, n: i64) {
        self.uint((n.cast_unsigned() << 1) ^ (n >> 63).cast_unsigned());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.uint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.byte(0),
            Value::Bool(b) => self.byte(1 + u8::from(*b)),
            Value::Int(i) => {
                self.byte(3);
                self.int(*i);
            }
            Value::Float(f) => {
                self.byte(4);
                self.0.extend_from_slice(&f.to_le_bytes());
            }
            Value::Str(s) => {
                self.byte(5);
                self.text(s);
            }
            Value::List(items) => {
                self.byte(6);
                self.values(items);
            }
            Value::Map(map) => {
                self.byte(7);
                self.uint(map.len() as u64);
                for (name, value) in map.iter() {
                    self.text(name);
                    self.value(value);
                }
            }
        }
    }

    pub(super) fn values(&mut self, values: &[Value]) {
        self.uint(values.len() as u64);
        for value in values {
            self.value(value);
        }
    }
}

fn low(n: u64) -> u8 {
    u8::try_from(n & 0x7f).unwrap_or(0)
}

/// Reads.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn uint(&mut self) -> Option<u64> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(n);
            }
        }
        None
    }

    pub(super) fn int(&mut self) -> Option<i64> {
        let n = self.uint()?;
        Some((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.len()?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn value(&mut self) -> Option<Value> {
        self.nested(DEPTH)
    }

    pub(super) fn values(&mut self) -> Option<Vec<Value>> {
        self.list(DEPTH)
    }

    fn nested(&mut self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        Some(match self.byte()? {
            0 => Value::Null,
            1 => Value::Bool(false),
            2 => Value::Bool(true),
            3 => Value::Int(self.int()?),
            4 => {
                let (bytes, rest) = self.0.split_first_chunk::<8>()?;
                self.0 = rest;
                Value::Float(f64::from_le_bytes(*bytes))
            }
            5 => Value::Str(self.text()?.into()),
            6 => Value::List(self.list(depth)?.into()),
            7 => {
                let mut map = BTreeMap::new();
                for _ in 0..self.len()? {
                    let name: Arc<str> = self.text()?.into();
                    map.insert(name, self.nested(depth)?);
                }
                Value::Map(Arc::new(map))
            }
            _ => return None,
        })
    }

    fn list(&mut self, depth: usize) -> Option<Vec<Value>> {
        (0..self.len()?).map(|_| self.nested(depth)).collect()
    }

    /// A count of things that take a byte each at least: more than there are bytes is a lie.
    pub(super) fn len(&mut self) -> Option<usize> {
        usize::try_from(self.uint()?).ok().filter(|n| *n <= self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_at_their_ends() {
        for n in [0, 1, -1, 63, 64, -65, i64::MAX, i64::MIN] {
            let mut w = Writer::default();
            w.int(n);
            assert_eq!(Reader(&w.0).int(), Some(n));
        }
        let mut w = Writer::default();
        w.uint(u64::MAX);
        assert_eq!(Reader(&w.0).uint(), Some(u64::MAX));
    }

    #[test]
    fn values_come_back_and_cut_rows_are_nothing() {
        let json = r#"[null,true,false,-5,2.5,"ä",[1,[]],{"a":{"b":null}}]"#;
        let value: Value = serde_json::from_str(json).unwrap();
        let mut w = Writer::default();
        w.value(&value);
        let mut r = Reader(&w.0);
        assert_eq!(r.value(), Some(value));
        assert!(r.0.is_empty());
        for n in 0..w.0.len() {
            assert_eq!(Reader(&w.0[..n]).value(), None, "cut to {n}");
        }
        assert_eq!(Reader(&[6, 0xff, 0xff, 0xff, 0xff, 0x0f]).value(), None, "a length beyond the row");
    }
}
