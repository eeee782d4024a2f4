//! An event as programs see it: a place in the stream, slots of values, and which programs it concerns.

use ensue_rule::{Timestamp, Value};

use crate::set::{CommonId, Key, Memo, ProgramId, SlotId, Symbol};

/// A place in a stream: by time, then by arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Event time.
    pub ts: Timestamp,
    /// Arrival number; also the name of the event in bindings.
    pub seq: u64,
}

/// What the host knows of an event besides its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Its place in the stream.
    pub position: Position,
    /// The number of its session; only equality matters.
    pub session: u64,
    /// Offset of the local time from UTC in minutes.
    pub utc_offset_min: i32,
}

/// A program that an event concerns, and which of its single-event predicates hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which.
    pub program: ProgramId,
    /// Bit `i`: the program's predicate `i` holds.
    pub bits: u64,
}

/// An event as programs see it. Reused from event to event: [`crate::ProgramSet::observe`] fills it.
#[derive(Debug, Default)]
pub struct Observation {
    pub(crate) arrival: Arrival,
    pub(crate) content: Content,
    pub(crate) hits: Hits,
    /// Predicates that it may pass, by number.
    pub(crate) candidates: Vec<u32>,
    pub(crate) memo: Memo,
    pub(crate) extent: Extent,
}

/// Whom an event concerns.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    /// Programs that are to be stepped with it.
    pub(crate) own: Vec<Hit>,
    /// What many programs have in common and can be noted.
    pub(crate) noted: Vec<CommonId>,
}

/// How much was read of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Its action type, for which nobody asks.
    #[default]
    Nothing,
    /// Its action type: who asks for it asks nothing else, and reads nothing else.
    ActionType(Symbol),
    /// All that anyone looks at.
    Whole,
}

/// What was read of an event.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// Values by slot of the set, where a step or a condition that must be asked reads them; else null.
    pub(crate) slots: Vec<Value>,
    /// The slots that are not null.
    filled: Vec<SlotId>,
    /// What the index knows of the values, by slot, where it looks at them.
    keys: Vec<Key>,
    /// The slots with a key.
    pub(crate) present: Vec<SlotId>,
}

impl Observation {
    /// What the host said of the event.
    pub fn arrival(&self) -> Arrival {
        self.arrival
    }

    /// The same content at another place in the stream: for a host that has seen all contents before and keeps an
    /// observation of each.
    pub fn set_arrival(&mut self, arrival: Arrival) {
        self.arrival = arrival;
    }

    /// The programs that the event concerns: its filter passes, and a predicate holds or the program must see every
    /// event. In the order of their numbers.
    pub fn hits(&self) -> &[Hit] {
        &self.hits.own
    }

    /// Whether the event is to be noted for others beside these ([`crate::Armed::note`]).
    #[inline]
    pub fn is_noted(&self) -> bool {
        !self.hits.noted.is_empty()
    }
}

impl Hits {
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.own.clear();
        self.noted.clear();
    }
}

impl Content {
    #[inline]
    pub(crate) fn key(&self, slot: SlotId) -> Key {
        self.keys.get(slot.index()).copied().unwrap_or_default()
    }

    /// Forgets the event before; room for so many slots.
    #[inline]
    pub(crate) fn blank(&mut self, slots: usize) {
        for slot in &self.filled {
            if let Some(v) = self.slots.get_mut(slot.index()) {
                *v = Value::Null;
            }
        }
        self.filled.clear();
        for slot in &self.present {
            if let Some(k) = self.keys.get_mut(slot.index()) {
                *k = Key::Null;
            }
        }
        self.present.clear();
        if self.slots.len() != slots {
            self.slots.resize(slots, Value::Null);
            self.keys.resize(slots, Key::Null);
        }
    }

    /// The values, by slot.
    pub(crate) fn values(&self) -> impl Iterator<Item = (SlotId, Value)> {
        let value = |slot: &SlotId| Some((*slot, self.slots.get(slot.index()).filter(|v| !v.is_null())?.clone()));
        self.filled.iter().filter_map(value)
    }

    /// Has these values again, and no others.
    pub(crate) fn recall(&mut self, values: &[(SlotId, Value)]) {
        let slots = values.iter().map(|(slot, _)| slot.index() + 1).max().unwrap_or(0);
        self.blank(slots.max(self.slots.len()));
        values.iter().for_each(|(slot, value)| self.put_value(*slot, value.clone()));
    }

    /// Forgets what was read into a slot.
    #[inline]
    pub(crate) fn forget(&mut self, slot: SlotId) {
        if let Some(key) = self.keys.get_mut(slot.index())
            && *key != Key::Null
        {
            *key = Key::Null;
            self.present.retain(|s| *s != slot);
        }
        if let Some(value) = self.slots.get_mut(slot.index()) {
            *value = Value::Null;
        }
    }

    /// Writes a key that is not null.
    #[inline]
    pub(crate) fn put_key(&mut self, slot: SlotId, key: Key) {
        if let Some(k) = self.keys.get_mut(slot.index()) {
            if *k == Key::Null {
                self.present.push(slot);
            }
            *k = key;
        }
    }

    /// Writes a value.
    #[inline]
    pub(crate) fn put_value(&mut self, slot: SlotId, value: Value) {
        if let Some(v) = self.slots.get_mut(slot.index()) {
            *v = value;
            self.filled.push(slot);
        }
    }
}
