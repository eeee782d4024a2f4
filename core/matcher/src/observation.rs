//! An event as programs see it: a place in the stream, slots of values, and which programs it concerns.

use ensue_rule::{Timestamp, Value};

use crate::set::{Marks, ProgramId, SlotId};

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
    /// Values by slot of the set; null where the event has none.
    pub(crate) slots: Vec<Value>,
    pub(crate) hits: Vec<Hit>,
    /// The slots that are not null.
    pub(crate) filled: Vec<SlotId>,
    pub(crate) marks: Marks,
}

impl Observation {
    /// What the host said of the event.
    pub fn arrival(&self) -> Arrival {
        self.arrival
    }

    /// The same content at another place in the stream: for a host that has seen all contents before (interned
    /// records) and keeps an observation of each.
    pub fn set_arrival(&mut self, arrival: Arrival) {
        self.arrival = arrival;
    }

    /// The programs that the event concerns: its filter passes, and a predicate holds or the program must see every
    /// event. In the order in which they were added.
    pub fn hits(&self) -> &[Hit] {
        &self.hits
    }
}
