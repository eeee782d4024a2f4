//! TRENDS: what all matches add up to, carried along instead of the matches (GRETA: Poppe, Lei, Rundensteiner, Maier,
//! "GRETA: Graph-based Real-time Event Trend Aggregation", VLDB 2017).
//!
//! A partial match that takes an event makes one longer partial match, so counts carry over; a sum grows by the event's
//! value once for each partial match that takes it. Counts saturate at 2^63 - 1.

use std::sync::Arc;

use ensue_rule::{BinaryOp, Value};

use crate::expr::{Code, arithmetic};
use crate::program::StageId;
use crate::registers::{Register, RegisterId, Registers};
use crate::set::SlotId;
use crate::table::Table;

/// What a rule asks to be added up, besides how many there are.
#[derive(Debug, Default, PartialEq, Hash)]
pub(crate) struct Trends {
    /// The events of a stage, or one of their attributes.
    pub(crate) sums: Vec<Summed>,
    /// As registers: the first is the number of matches, then the sums.
    pub(crate) registers: Table<RegisterId, Register>,
    pub(crate) values: Vec<(Arc<str>, Code)>,
}

/// Something to add up over a stage's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Summed {
    pub(crate) stage: StageId,
    /// `None`: how many events.
    pub(crate) slot: Option<SlotId>,
    /// COUNT(v.x): how many of them are not null.
    pub(crate) counted: bool,
}

impl Trends {
    /// Lets `sums` of `count` partial matches take an event.
    pub(crate) fn take(&self, count: i64, sums: &mut [Value], stage: StageId, slots: &[Value]) {
        for (sum, of) in sums.iter_mut().zip(&self.sums).filter(|(_, of)| of.stage == stage) {
            let value = of.slot.map(|s| slots.get(s.index()).unwrap_or(&Value::Null));
            let grown = match value {
                None => add(sum, &Value::Int(count)),
                Some(Value::Null) => continue,
                Some(_) if of.counted => add(sum, &Value::Int(count)),
                // Null of what is no number; null it stays.
                Some(v) => add(sum, &arithmetic(BinaryOp::Mul, v, &Value::Int(count))),
            };
            *sum = grown;
        }
    }

    /// The values of RETURN over so many matches with these sums.
    pub(crate) fn values(&self, count: i64, sums: &[Value]) -> Vec<(Arc<str>, Value)> {
        let all = std::iter::once(Value::Int(count)).chain(sums.iter().cloned());
        let registers = Registers::of(all);
        let view = crate::expr::View { slots: &[], registers: &registers, definitions: &self.registers };
        self.values.iter().map(|(name, code)| (name.clone(), code.eval(view).into_owned())).collect()
    }
}

/// Adds sums to sums. Integers saturate; a sum that leaves the floats is null.
pub(crate) fn add_all(sums: &mut [Value], more: &[Value]) {
    for (sum, other) in sums.iter_mut().zip(more) {
        *sum = add(sum, other);
    }
}

fn add(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.saturating_add(*b)),
        _ => arithmetic(BinaryOp::Add, a, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_saturate() {
        let mut sums = [Value::Int(i64::MAX - 1)];
        add_all(&mut sums, &[Value::Int(7)]);
        assert_eq!(sums, [Value::Int(i64::MAX)]);
    }
}
