//! The log: what the fold reads and what it appends, without saying where that is kept.

use std::sync::Arc;

use ensue_matcher::{Arrival, Position};
use ensue_rule::{Demand, Event, Source, TaskScope, Timestamp, Value};

use crate::dispatch::LedgerEntry;
use crate::error::Error;

/// A stream of events that has a time of its own.
///
/// Ordered: the device, the anonymous user, then the users by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum StreamKey {
    /// All users of the device as one.
    Device,
    /// One user; `None` is the anonymous one.
    User(Option<Arc<str>>),
}

/// An event in the log: what happened, and what was decided of it when it arrived.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogEvent {
    /// Its arrival number.
    pub(crate) seq: u64,
    /// Its time in its user's stream.
    pub(crate) ts: Timestamp,
    /// Its time as `record` saw it: less, where it was raised to its user's time.
    pub(crate) recorded: Timestamp,
    /// Its time in the stream of the device (only a derived event's can differ: it is never late).
    pub(crate) device_ts: Timestamp,
    /// Its user's frontier before it; [`Timestamp::MIN`]: it is their first.
    pub(crate) before: Timestamp,
    /// The largest frontier of all users before it.
    pub(crate) device_before: Timestamp,
    /// The number of its session.
    pub(crate) session: u64,
    /// Too late for its user's stream.
    pub(crate) late: bool,
    /// Too late for the stream of the device.
    pub(crate) device_late: bool,
    /// Whether a task of all users has just derived it; not kept.
    pub(crate) of_device: bool,
    /// What happened.
    pub(crate) event: Event,
}

/// Events that are not in the log because there was no room for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogGap {
    /// Its arrival number.
    pub(crate) seq: u64,
    /// Whose events were lost.
    pub(crate) losers: Losers,
    /// Up to which event time.
    pub(crate) upto: Timestamp,
}

/// Whose events were lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Losers {
    /// One user's.
    User(Option<Arc<str>>),
    /// Everyone's.
    All,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    /// An event.
    Event(Arc<LogEvent>),
    /// A mark of lost ones.
    Gap(LogGap),
}

/// Which part of a stream a task looks back over.
#[derive(Debug)]
pub(crate) struct Span<'a> {
    /// The stream.
    pub(crate) stream: &'a StreamKey,
    /// After this time.
    pub(crate) after: Timestamp,
    /// Up to and including this place.
    pub(crate) to: Position,
    /// Events that this does not want may be left out, and fields that it does not name.
    pub(crate) demand: &'a Demand,
}

/// Whether a past decision counts for any control; also told is how far the fold has come in its stream.
pub(crate) type Counts<'a> = &'a dyn Fn(&LedgerEntry, Option<Timestamp>) -> bool;

/// Where the log is kept.
pub(crate) trait Log {
    /// Appends an event under the next arrival number, which it puts in.
    fn append(&mut self, event: &mut LogEvent) -> Result<(), Error>;

    /// Visits the entries of a stretch of a stream that are not late: first the gaps (also those that reach beyond it, if
    /// they arrived before its end), then the events, each by time and arrival.
    fn look_back(&mut self, span: &Span<'_>, visit: &mut dyn FnMut(&Entry)) -> Result<(), Error>;

    /// The host's label of an event.
    fn label(&mut self, seq: u64) -> Option<Value>;

    /// The session of an event, if it is still kept.
    fn session_of(&mut self, seq: u64) -> Option<u64>;

    /// The decisions made so far that count for controls.
    fn decided(&mut self, counts: Counts<'_>) -> Result<Vec<LedgerEntry>, Error>;
}

impl StreamKey {
    /// Whose outcomes these are.
    pub(crate) fn user(&self) -> Option<&Arc<str>> {
        match self {
            Self::Device => None,
            Self::User(user) => user.as_ref(),
        }
    }

    /// The streams of this scope are of this kind.
    pub(crate) fn is_of(&self, scope: TaskScope) -> bool {
        match self {
            Self::Device => scope == TaskScope::Device,
            Self::User(_) => scope == TaskScope::User,
        }
    }
}

impl LogEvent {
    /// Its place in a stream.
    pub(crate) fn position(&self, stream: &StreamKey) -> Position {
        let ts = match stream {
            StreamKey::Device => self.device_ts,
            StreamKey::User(_) => self.ts,
        };
        Position { ts, seq: self.seq }
    }

    /// What the matcher hears of its arrival.
    pub(crate) fn arrival(&self, stream: &StreamKey) -> Arrival {
        Arrival { position: self.position(stream), session: self.session, utc_offset_min: self.utc_offset_min() }
    }

    /// The offset of local time that came with it; without one its time is taken for local.
    pub(crate) fn utc_offset_min(&self) -> i32 {
        self.event.utc_offset_min.unwrap_or(0)
    }

    /// Whether a task made it.
    pub(crate) fn is_derived(&self) -> bool {
        self.event.source == Source::Derived
    }
}
