//! Slots: a place for each attribute that some program reads.

use ensue_rule::{Attr, Event, Value};
use rustc_hash::FxHashMap;
use std::sync::Arc;

use crate::Arrival;

/// A place for the value of one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SlotId(pub(crate) u32);

impl SlotId {
    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// What a slot holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SlotKey {
    /// An attribute.
    Attr(Attr),
    /// Event time moved by the event's UTC offset, for HOUR and WEEKDAY.
    LocalTime,
}

/// All slots of a set. They only grow, by the attributes that rules name.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    by_key: FxHashMap<SlotKey, SlotId>,
    /// Slots of built-in attributes.
    built_in: Vec<(SlotKey, SlotId)>,
    /// Slots into `args`, by the first name.
    by_name: FxHashMap<Arc<str>, Vec<Inside>>,
}

/// A slot for what the rest of a path leads to.
#[derive(Debug)]
struct Inside {
    rest: Vec<Arc<str>>,
    slot: SlotId,
}

impl Slots {
    /// The slot of a key, made where there is none.
    pub(crate) fn slot(&mut self, key: SlotKey) -> SlotId {
        if let Some(id) = self.by_key.get(&key) {
            return *id;
        }
        let id = SlotId(u32::try_from(self.by_key.len()).unwrap_or(u32::MAX));
        match &key {
            SlotKey::Attr(Attr::Arg(path)) => {
                if let Some((first, rest)) = path.split_first() {
                    self.by_name.entry(first.clone()).or_default().push(Inside { rest: rest.to_vec(), slot: id });
                }
            }
            built_in => self.built_in.push((built_in.clone(), id)),
        }
        self.by_key.insert(key, id);
        id
    }

    /// Writes the attributes of an event into their slots. `filled`: the slots of the event before, which are blanked.
    pub(super) fn fill(&self, event: &Event, arrival: Arrival, slots: &mut Vec<Value>, filled: &mut Vec<SlotId>) {
        for slot in filled.drain(..) {
            if let Some(v) = slots.get_mut(slot.index()) {
                *v = Value::Null;
            }
        }
        slots.resize(self.by_key.len(), Value::Null);
        let mut set = |slot: SlotId, value: Value| {
            if let Some(place) = slots.get_mut(slot.index()) {
                *place = value;
                filled.push(slot);
            }
        };
        for (key, slot) in &self.built_in {
            set(*slot, built_in(key, event, arrival));
        }
        for (name, value) in &event.args {
            for Inside { rest, slot } in self.by_name.get(name).into_iter().flatten() {
                set(*slot, inside(value, rest));
            }
        }
    }
}

fn built_in(key: &SlotKey, event: &Event, arrival: Arrival) -> Value {
    let text = |t: &Option<Arc<str>>| t.clone().map_or(Value::Null, Value::Str);
    match key {
        SlotKey::Attr(Attr::ActionType) => Value::Str(event.action_type.clone()),
        SlotKey::Attr(Attr::Scene) => text(&event.scene),
        SlotKey::Attr(Attr::Source) => event.source.as_str().into(),
        SlotKey::Attr(Attr::Ts) => Value::Int(arrival.position.ts.0),
        SlotKey::Attr(Attr::UserId) => text(&event.user_id),
        SlotKey::Attr(Attr::Arg(_)) => Value::Null,
        SlotKey::LocalTime => {
            Value::Int(arrival.position.ts.0.saturating_add(i64::from(arrival.utc_offset_min) * 60_000))
        }
    }
}

/// What a path leads to inside a value.
fn inside(value: &Value, path: &[Arc<str>]) -> Value {
    let mut at = value;
    for name in path {
        match at {
            Value::Map(m) => match m.get(name) {
                Some(next) => at = next,
                None => return Value::Null,
            },
            _ => return Value::Null,
        }
    }
    at.clone()
}
