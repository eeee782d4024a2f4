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

/// What a set of partial matches adds up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Trend {
    /// How many there are.
    pub(crate) count: i64,
    /// The sums that the rule asks for, in its order.
    sums: Box<[Value]>,
}

/// What a rule asks to be added up.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Trends {
    /// The events of a stage, or one of their attributes.
    pub(crate) sums: Vec<Summed>,
    /// As registers: the first is the number of matches, then the sums.
    pub(crate) registers: Table<RegisterId, Register>,
    pub(crate) values: Vec<(Arc<str>, Code)>,
}

/// Something to add up over a stage's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summed {
    pub(crate) stage: StageId,
    /// `None`: how many events.
    pub(crate) slot: Option<SlotId>,
    /// COUNT(v.x): how many of them are not null.
    pub(crate) counted: bool,
}

impl Trends {
    /// One partial match without events.
    pub(crate) fn one(&self) -> Trend {
        Trend { count: 1, sums: self.sums.iter().map(|_| Value::Int(0)).collect() }
    }

    /// What partial matches add up to after each has taken an event.
    pub(crate) fn take(&self, before: &Trend, stage: StageId, slots: &[Value]) -> Trend {
        let grow = |(sum, of): (&Value, &Summed)| {
            if of.stage != stage {
                return sum.clone();
            }
            let value = of.slot.map(|s| slots.get(s.index()).unwrap_or(&Value::Null));
            match value {
                None => add(sum, &Value::Int(before.count)),
                Some(Value::Null) => sum.clone(),
                Some(_) if of.counted => add(sum, &Value::Int(before.count)),
                Some(v) if v.as_f64().is_some() => add(sum, &arithmetic(BinaryOp::Mul, v, &Value::Int(before.count))),
                Some(_) => sum.clone(),
            }
        };
        Trend { count: before.count, sums: before.sums.iter().zip(&self.sums).map(grow).collect() }
    }

    /// The values of RETURN.
    pub(crate) fn values(&self, total: &Trend) -> Vec<(Arc<str>, Value)> {
        let all = std::iter::once(Value::Int(total.count)).chain(total.sums.iter().cloned());
        let registers = Registers::of(all);
        let view = crate::expr::View { slots: &[], registers: &registers, definitions: &self.registers };
        self.values.iter().map(|(name, code)| (name.clone(), code.eval(view).into_owned())).collect()
    }
}

impl Trend {
    /// What two disjoint sets of partial matches add up to.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            sums: self.sums.iter().zip(&other.sums).map(|(a, b)| add(a, b)).collect(),
        }
    }
}

/// Integers saturate; a sum that leaves the floats is null.
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
    fn counts_saturate() {
        let big = Trend { count: i64::MAX - 1, sums: Box::new([]) };
        assert_eq!(big.and(&big).count, i64::MAX);
    }
}
