//! The predicate index: which predicates hold for an event, without asking each.
//!
//! A predicate is filed under its most telling equality (an argument before the scene before the action type); only the
//! predicates filed under the event's own values are then asked in full. Those without an equality are asked always.

use ensue_rule::{Attr, FilterEntry, Value};
use rustc_hash::FxHashMap;

use super::{ProgramId, SlotId, SlotKey, Slots, view};
use crate::expr::{Code, View};
use crate::program::{Conjunct, Equality, Predicate};

/// Whom a predicate concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) program: ProgramId,
    /// The program's predicate; `None`: the event is in its stream, which is all it must know.
    pub(super) bit: Option<u8>,
}

/// A predicate as it is filed.
#[derive(Debug)]
struct Filed {
    target: Target,
    /// What is left to ask.
    rest: Vec<Conjunct>,
}

/// Predicates by one of their equalities.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_slot: Vec<(SlotId, FxHashMap<Value, Vec<Filed>>)>,
    always: Vec<Filed>,
}

impl Index {
    /// Files a predicate.
    pub(super) fn add(&mut self, target: Target, conjuncts: &[Conjunct]) {
        let equalities = conjuncts.iter().enumerate().filter_map(|(at, c)| Some((at, c.equality.as_ref()?)));
        let Some((at, Equality { slot, values, .. })) = equalities.max_by_key(|(_, e)| e.rank) else {
            self.always.push(Filed { target, rest: conjuncts.to_vec() });
            return;
        };
        let rest = || conjuncts.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, c)| c.clone()).collect();
        let row = self.by_slot.iter().position(|(s, _)| s == slot).unwrap_or_else(|| {
            self.by_slot.push((*slot, FxHashMap::default()));
            self.by_slot.len() - 1
        });
        let Some((_, by_value)) = self.by_slot.get_mut(row) else { return };
        let mut keys: Vec<Value> = values.iter().filter_map(key).collect();
        keys.sort();
        keys.dedup();
        for k in keys {
            by_value.entry(k).or_default().push(Filed { target, rest: rest() });
        }
    }

    pub(super) fn remove(&mut self, program: ProgramId) {
        self.always.retain(|f| f.target.program != program);
        for (_, by_value) in &mut self.by_slot {
            by_value.retain(|_, filed| {
                filed.retain(|f| f.target.program != program);
                !filed.is_empty()
            });
        }
        self.by_slot.retain(|(_, by_value)| !by_value.is_empty());
    }

    /// Calls `found` with the target of every predicate that holds.
    pub(super) fn look_up(&self, slots: &[Value], mut found: impl FnMut(Target)) {
        let mut ask = |filed: &Filed| {
            if holds(&filed.rest, view(slots)) {
                found(filed.target);
            }
        };
        for (slot, by_value) in &self.by_slot {
            let value = slots.get(slot.index()).and_then(key);
            value.and_then(|k| by_value.get(&k)).into_iter().flatten().for_each(&mut ask);
        }
        self.always.iter().for_each(ask);
    }
}

/// A value as it keys the index: numbers that are equal have one key, and null none.
fn key(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Float(f) if f.fract() == 0.0 && f.abs() < 9_007_199_254_740_992.0 =>
        {
            #[allow(clippy::cast_possible_truncation, reason = "whole and in range")]
            Some(Value::Int(*f as i64))
        }
        v => Some(v.clone()),
    }
}

/// Whether all conjuncts hold.
pub(super) fn holds(conjuncts: &[Conjunct], view: View<'_>) -> bool {
    conjuncts.iter().all(|c| c.code.holds(view))
}

/// A filter entry as a predicate.
pub(super) fn entry(entry: &FilterEntry, slots: &mut Slots) -> Predicate {
    let mut conjunct = |attr: &Attr, values: &[Value]| {
        let slot = slots.slot(SlotKey::Attr(attr.clone()));
        let list = values.iter().cloned().map(Code::Const).collect();
        Conjunct {
            code: Code::In(Box::new(Code::Slot(slot)), list),
            equality: Some(Equality::new(attr, slot, values.to_vec())),
        }
    };
    Predicate { conjuncts: entry.tests.iter().map(|t| conjunct(&t.attr, &t.values)).collect() }
}

/// Which programs an event concerns, gathered without clearing a table per event.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// For each program the event it was last marked at, and its bits then.
    rows: Vec<(u64, u64)>,
    marked: Vec<ProgramId>,
    now: u64,
}

impl Marks {
    pub(super) fn begin(&mut self, programs: usize) {
        self.rows.resize(programs, (0, 0));
        self.marked.clear();
        self.now += 1;
    }

    pub(super) fn mark(&mut self, target: Target) {
        let Some((at, bits)) = self.rows.get_mut(super::row(target.program)) else { return };
        if *at != self.now {
            (*at, *bits) = (self.now, 0);
            self.marked.push(target.program);
        }
        if let Some(bit) = target.bit {
            *bits |= 1 << bit;
        }
    }

    /// The marked programs with their bits, in the order of their ids.
    pub(super) fn marked(&mut self) -> impl Iterator<Item = (ProgramId, u64)> + '_ {
        self.marked.sort_unstable();
        self.marked.iter().map(|id| (*id, self.rows.get(super::row(*id)).map_or(0, |(_, bits)| *bits)))
    }
}
