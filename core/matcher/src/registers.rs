//! Registers: what a run remembers of the events it bound, for conditions still to come.
//!
//! A register folds one attribute of one stage's events. Runs whose live registers agree are in one class, because no
//! future condition can tell them apart; the fewer registers a rule needs, and the sooner they die, the fewer classes.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use ensue_rule::{BinaryOp, Value};

use crate::expr::arithmetic;
use crate::program::{GroupId, StageId};
use crate::set::SlotId;
use crate::table::{Id, Table, id};

id! {
    /// A register of a program.
    RegisterId
}

/// How a register is computed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Register {
    /// Folds the events of this stage.
    pub(crate) stage: StageId,
    pub(crate) fold: Fold,
    /// Of this attribute; `None`: the events themselves (COUNT(v)).
    pub(crate) slot: Option<SlotId>,
    /// Forgets when a turn of this group begins: what "this repetition's b" means inside the group.
    pub(crate) turn: Option<GroupId>,
}

/// How values are folded. All but `LastEvent` and a count of events pass over nulls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fold {
    Count,
    Sum,
    Min,
    Max,
    First,
    Last,
    /// The last event's value, null if it has none: what `u.x` means.
    LastEvent,
    /// The different values, in order.
    Distinct,
}

impl Register {
    /// The value before any event.
    fn initial(&self) -> Value {
        match self.fold {
            Fold::Count | Fold::Sum => Value::Int(0),
            _ => Value::Null,
        }
    }

    /// The value after one more event.
    fn after(&self, before: &Value, slots: &[Value]) -> Value {
        let value = self.slot.map(|s| slots.get(s.index()).unwrap_or(&Value::Null));
        match (self.fold, value) {
            (Fold::LastEvent, Some(v)) => v.clone(),
            (Fold::Count, None) => arithmetic(BinaryOp::Add, before, &Value::Int(1)),
            (_, None | Some(Value::Null)) => before.clone(),
            (Fold::Count, Some(_)) => arithmetic(BinaryOp::Add, before, &Value::Int(1)),
            // Null of what is no number, and of overflow; null it stays.
            (Fold::Sum, Some(v)) => arithmetic(BinaryOp::Add, before, v),
            (Fold::Min, Some(v)) => keep(before, v, Ordering::Less),
            (Fold::Max, Some(v)) => keep(before, v, Ordering::Greater),
            (Fold::First, Some(v)) => {
                if before.is_null() {
                    v.clone()
                } else {
                    before.clone()
                }
            }
            (Fold::Last, Some(v)) => v.clone(),
            (Fold::Distinct, Some(v)) => insert(before, v),
        }
    }

    /// Whether the value after an event does not depend on the one before.
    pub(crate) fn overwrites(&self) -> bool {
        self.fold == Fold::LastEvent
    }
}

/// The value that stands in `wanted` order to the other; the first of values that have no order.
fn keep(before: &Value, v: &Value, wanted: Ordering) -> Value {
    if before.is_null() || v.order(before) == Some(wanted) { v.clone() } else { before.clone() }
}

fn insert(before: &Value, v: &Value) -> Value {
    let items: &[Value] = match before {
        Value::List(items) => items,
        _ => &[],
    };
    if items.iter().any(|x| x.same(v)) {
        return before.clone();
    }
    let mut items = items.to_vec();
    items.push(v.clone());
    items.sort();
    Value::List(items.into())
}

/// The registers of a run; those that no future condition reads are blank, so that equality merges runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Registers(Option<Arc<[Option<Value>]>>);

impl Registers {
    /// The registers of a run that has bound nothing.
    pub(crate) const EMPTY: &'static Self = &Self(None);

    /// Registers with these values.
    pub(crate) fn of(values: impl Iterator<Item = Value>) -> Self {
        Self(Some(values.map(Some).collect()))
    }

    pub(crate) fn get<'a>(&'a self, id: RegisterId, definitions: &'a Table<RegisterId, Register>) -> Cow<'a, Value> {
        match self.0.as_ref().and_then(|values| values.get(id.index())) {
            Some(Some(v)) => Cow::Borrowed(v),
            _ => Cow::Owned(definitions[id].initial()),
        }
    }

    /// What a register would be after an event of its own stage.
    pub(crate) fn after(&self, id: RegisterId, definitions: &Table<RegisterId, Register>, slots: &[Value]) -> Value {
        definitions[id].after(&self.get(id, definitions), slots)
    }

    /// The registers after an event was taken, of which `live` are still of use.
    pub(crate) fn take(&self, definitions: &Table<RegisterId, Register>, taken: Taken<'_>, live: RegisterSet) -> Self {
        if live.is_empty() {
            return Self(None);
        }
        let value = |(id, r): (RegisterId, &Register)| {
            let before = live.has(id).then(|| self.get(id, definitions))?;
            Some(if r.stage == taken.stage { r.after(&before, taken.slots) } else { before.into_owned() })
        };
        Self(Some(definitions.iter().map(value).collect()))
    }

    /// The registers as they are when a turn of each of `groups` begins.
    pub(crate) fn restart(&self, definitions: &Table<RegisterId, Register>, groups: &[GroupId]) -> Self {
        let forgets =
            |i: usize| definitions.iter().nth(i).is_some_and(|(_, r)| r.turn.is_some_and(|g| groups.contains(&g)));
        match &self.0 {
            Some(values) if (0..values.len()).any(forgets) => {
                Self(Some(values.iter().enumerate().map(|(i, v)| v.clone().filter(|_| !forgets(i))).collect()))
            }
            _ => self.clone(),
        }
    }

    /// How many different values the largest of them has gathered.
    pub(crate) fn gathered(&self) -> usize {
        let lists = self.0.iter().flat_map(|values| values.iter()).map(|v| match v {
            Some(Value::List(items)) => items.len(),
            _ => 0,
        });
        lists.max().unwrap_or(0)
    }

    /// The same registers with only `live` kept.
    pub(crate) fn keep(&self, live: RegisterSet) -> Self {
        let Some(values) = &self.0 else { return self.clone() };
        if live.is_empty() {
            return Self(None);
        }
        let blank = |i: usize, v: &Option<Value>| v.clone().filter(|_| live.has(RegisterId::from_index(i)));
        if values.iter().enumerate().all(|(i, v)| v.is_none() || live.has(RegisterId::from_index(i))) {
            return self.clone();
        }
        Self(Some(values.iter().enumerate().map(|(i, v)| blank(i, v)).collect()))
    }
}

/// One event taken by a stage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken<'a> {
    pub(crate) stage: StageId,
    pub(crate) slots: &'a [Value],
}

/// A set of registers of one program, at most 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct RegisterSet(u64);

impl RegisterSet {
    /// How many registers a program may have.
    pub(crate) const CAPACITY: usize = 64;

    pub(crate) fn insert(&mut self, id: RegisterId) {
        self.0 |= 1 << id.0;
    }

    pub(crate) fn remove(&mut self, id: RegisterId) {
        self.0 &= !(1 << id.0);
    }

    pub(crate) fn has(self, id: RegisterId) -> bool {
        self.0 & (1 << id.0) != 0
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}
