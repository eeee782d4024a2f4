//! Events packed into bytes, as the JNI entry takes them: nothing to parse, and the texts are read where they lie.
//!
//! All numbers are big-endian, as the JVM writes them:
//! ```text
//! event  = source:u8 present:u8 action:text [scene:text] [user:text] [ts:i64] [id:text] [offset:i32] n:u16 n*(name:text value)
//! text   = length:u32 UTF-8
//! value  = tag:u8 ...   0 null, 1 false, 2 true, 3 i64, 4 f64, 5 text, 6 n:u32 n*value, 7 n:u32 n*(name:text value)
//! ```
//! `source` is 0 custom, 1 page, 2 network, 3 storage; the lower bits of `present` say from the lowest up which of the five
//! texts and numbers in brackets are there. Its bit 5: `ts` is not what the event says of itself but when the host took it,
//! which it kept until the engine was there. What is cut off, left over or nested too deeply is malformed.

use std::sync::Arc;

use ensue_engine::{Attributes, Engine, Error};
use ensue_rule::{EventRef, Source, Timestamp, Value};

use crate::event::Recorded;

/// Values nested deeper are malformed; the engine's own limit is below.
const DEEPEST: usize = 65;

/// Records a packed event. Its attributes are read only where it is wanted, and of these only those that some task reads.
pub(crate) fn record(engine: &Engine, bytes: &[u8]) -> Recorded {
    let Some(packed) = Packed::read(bytes) else { return malformed(engine) };
    let read = |attributes: &mut Attributes<'_>| Rest(packed.args).wanted(attributes).ok_or(());
    let recorded = match packed.kept {
        Some(kept) => engine.record_kept(&packed.head(), kept, read),
        None => engine.record_reading(&packed.head(), read),
    };
    recorded.map_or(Recorded::Malformed, Recorded::from)
}

/// Records a packed event, and waits until it is on the disk.
pub(crate) fn record_durable(engine: &Engine, bytes: &[u8]) -> Result<Recorded, Error> {
    let packed = Packed::read(bytes).and_then(|packed| Some((Rest(packed.args).args()?, packed)));
    match packed {
        Some((args, packed)) => Ok(engine.record_durable(&EventRef { args: &args, ..packed.head() })?.into()),
        None => Ok(malformed(engine)),
    }
}

fn malformed(engine: &Engine) -> Recorded {
    engine.reject();
    Recorded::Malformed
}

/// An event of which all but the attributes is read.
struct Packed<'b> {
    event: EventRef<'b>,
    /// Since when the host kept it.
    kept: Option<Timestamp>,
    id: Option<Value>,
    args: &'b [u8],
}

impl<'b> Packed<'b> {
    fn read(bytes: &'b [u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        let source = match rest.byte()? {
            0 => Source::Custom,
            1 => Source::Page,
            2 => Source::Network,
            3 => Source::Storage,
            _ => return None,
        };
        let present = rest.byte()?;
        let is = |bit: u8| present & (1 << bit) != 0;
        let action_type = rest.text()?;
        let scene = rest.optional(is(0), Rest::text)?;
        let user_id = rest.optional(is(1), Rest::text)?;
        let ts = rest.optional(is(2), Rest::long)?.map(Timestamp);
        let id = rest.optional(is(3), Rest::text)?.map(Value::from);
        let utc_offset_min = rest.optional(is(4), Rest::int)?;
        let (ts, kept) = if is(5) { (None, ts) } else { (ts, None) };
        let event = EventRef { ts, id: None, source, action_type, scene, user_id, utc_offset_min, args: &[] };
        Some(Self { event, kept, id, args: rest.0 })
    }

    fn head(&self) -> EventRef<'_> {
        EventRef { id: self.id.as_ref(), ..self.event }
    }
}

/// What is still to be read.
struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn int(&mut self) -> Option<i32> {
        self.take().map(i32::from_be_bytes)
    }

    fn long(&mut self) -> Option<i64> {
        self.take().map(i64::from_be_bytes)
    }

    /// How many follow, of which each has at least `least` bytes.
    fn count(&mut self, least: usize) -> Option<usize> {
        let n = usize::try_from(u32::from_be_bytes(self.take()?)).ok()?;
        (n <= self.0.len() / least).then_some(n)
    }

    fn text(&mut self) -> Option<&'b str> {
        let n = self.count(1)?;
        let (text, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    #[allow(clippy::option_option, reason = "cut off, not there, there")]
    fn optional<T>(&mut self, is: bool, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if is { read(self).map(Some) } else { Some(None) }
    }

    /// Hands over those attributes that are wanted; nothing follows them.
    fn wanted(mut self, attributes: &mut Attributes<'_>) -> Option<()> {
        let n = u16::from_be_bytes(self.take()?);
        for _ in 0..n {
            let name = self.text()?;
            if attributes.wants(name) {
                attributes.take(name, self.value(DEEPEST)?);
            } else {
                attributes.pass(name.len() + self.pass(DEEPEST)?);
            }
        }
        self.0.is_empty().then_some(())
    }

    /// All attributes, and nothing after them.
    fn args(mut self) -> Option<Vec<(&'b str, Value)>> {
        let n = u16::from_be_bytes(self.take()?);
        let args: Option<_> = (0..n).map(|_| Some((self.text()?, self.value(DEEPEST)?))).collect();
        args.filter(|_| self.0.is_empty())
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        Some(match self.byte()? {
            0 => Value::Null,
            1 => Value::Bool(false),
            2 => Value::Bool(true),
            3 => Value::Int(self.long()?),
            4 => Value::Float(f64::from_be_bytes(self.take()?)),
            5 => Value::from(self.text()?),
            6 => {
                let items: Option<Vec<Value>> = (0..self.count(1)?).map(|_| self.value(depth)).collect();
                Value::List(items?.into())
            }
            7 => {
                let n = self.count(5)?;
                let entries: Option<_> = (0..n).map(|_| Some((Arc::from(self.text()?), self.value(depth)?))).collect();
                Value::Map(Arc::new(entries?))
            }
            _ => return None,
        })
    }

    /// Passes over a value, and gives its size as the engine counts it.
    fn pass(&mut self, depth: usize) -> Option<usize> {
        let depth = depth.checked_sub(1)?;
        Some(match self.byte()? {
            0..=2 => 1,
            3 | 4 => self.take::<8>()?.len(),
            5 => 1 + self.text()?.len(),
            6 => {
                let n = self.count(1)?;
                (0..n).try_fold(1, |size, _| Some(size + self.pass(depth)?))?
            }
            7 => {
                let n = self.count(5)?;
                (0..n).try_fold(1, |size, _| Some(size + self.text()?.len() + self.pass(depth)?))?
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
