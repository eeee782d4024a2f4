//! What runs give out: matches, and partial matches whose window ended.

use std::sync::Arc;

use ensue_rule::{Timestamp, Value};
use smallvec::SmallVec;

use crate::observation::Position;

/// Arrival numbers of events; seldom more than two.
pub type Seqs = SmallVec<[u64; 2]>;

/// One match, or one partial match that timed out.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// Stage names with the arrival numbers of the events bound to them, in pattern order; unbound stages left out.
    pub bindings: Vec<(Arc<str>, Seqs)>,
    /// Its first event.
    pub start: Position,
    /// Its last event.
    pub end: Position,
    /// When it was complete: the time of the event that completed it, the deadline of an absence, the trigger's time;
    /// of a timeout its due time.
    pub at: Timestamp,
    /// What completed it.
    pub by: Cause,
    /// The values of RETURN (of a timeout: of ON TIMEOUT RETURN), in order.
    pub values: Vec<(Arc<str>, Value)>,
}

/// What completed a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// An event (or a trigger).
    Event,
    /// Time.
    Time,
}

/// What a step or an advance of time lets out, in the documented order.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// A match.
    Match(Match),
    /// A partial match whose window ended; only where the rule has ON TIMEOUT.
    Timeout(Match),
    /// Matches that were not let out because of a limit.
    Capped(u64),
    /// `OR ERROR`: a match lacked the stage to skip to; the key's runs are cleared and this event's matches dropped.
    SkipError(Arc<str>),
}
