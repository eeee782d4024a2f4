//! The fold: from tasks and the log, entry by entry, to what is decided.
//!
//! Pure but for the [`Log`](crate::log::Log) that it is handed: no clock, no thread, no SQL. The worker folds new events with it, a restart
//! folds the retained ones again in silence ([`rebuild`]), and both come to the same state, because the order in which a
//! stream is read depends on the log alone: timers and events by time, timers first, events of one time by arrival.
//!
//! - [`stream`]: one stream's time and the events that wait for it; [`live`]: its live runs;
//! - [`arrival`]: an event, a gap or a move of time comes in;
//! - [`matching`]: one event or one instant goes through the programs; [`noting`]: what many tasks have in common is stepped
//!   later; [`lookback`]: a trigger;
//! - [`calls`]: scripts that are asked, and their answers;
//! - [`absent`]: users who are put away and come again; [`forgetting`]: history that is no longer kept;
//! - [`decide`]: what becomes of the matches; [`hold`]: touches that wait for their time; [`feedback`]: what became of decisions;
//!   [`derive`](mod@derive): the events that they derive; [`effects`]: what there is to write and to tell.

mod absent;
mod arrival;
mod calls;
mod decide;
mod derive;
mod effects;
mod feedback;
mod forgetting;
mod hold;
mod labels;
mod live;
mod lookback;
mod matching;
mod noting;
mod origin;
mod rebuild;
mod stream;

use std::collections::{BTreeSet, VecDeque};

use ensue_matcher::{Observation, Position};
use ensue_rule::{Duration, Timestamp, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use absent::Rest;
pub(crate) use arrival::Draft;
pub(crate) use calls::{CallRecord, Unasked, Waiting};
pub(crate) use effects::{BoundKey, Effects};
pub(crate) use feedback::Told;
pub(crate) use hold::{Held, HeldChange};
use labels::Labels;
pub(crate) use lookback::{Look, Seen};
pub(crate) use matching::Case;
pub(crate) use rebuild::Remembered;
use stream::Stream;

use crate::dispatch::{Daybook, LedgerEntry};
use crate::listener::Audience;
use crate::log::StreamKey;
use crate::tasks::{Book, TaskId};

/// What has its own skip bound: a task in a stream, and a partition of it.
type Place = (TaskId, StreamKey, Vec<Value>);

/// The state of all streams.
#[derive(Debug)]
pub(crate) struct Fold {
    /// The tasks.
    pub(crate) book: Book,
    /// What is to be written and told since it was last taken.
    pub(crate) effects: Effects,
    /// Of what somebody wants to be told.
    pub(crate) audience: Audience,
    lateness: Duration,
    /// In boxes, since a table has room for more than there are.
    streams: FxHashMap<StreamKey, Box<Stream>>,
    /// Streams that are put away with live runs, which the log brings back.
    resting: FxHashMap<StreamKey, Rest>,
    /// When each stream has something to do next.
    due: BTreeSet<(Timestamp, StreamKey)>,
    /// To where time was moved for all users.
    wakeup: Timestamp,
    /// Events of everyone up to this time were lost, also of users who are not known yet.
    gap: Timestamp,
    daybook: Daybook,
    /// How many touches ever waited: those of one time are judged in their order.
    holds: u64,
    /// What tells this device's anonymous user from those of others.
    pub(crate) install: u64,
    /// What the last emitted match of each triggered task consumed.
    consumed: FxHashMap<Place, Position>,
    /// While the log is folded again: the skip bounds that the store remembers.
    restored: FxHashMap<Place, Position>,
    /// While the log is folded again: the time of each stream when these were written.
    stood: FxHashMap<StreamKey, Timestamp>,
    /// While the log is folded again: nothing is decided.
    quiet: bool,
    /// While the log is folded again for new tasks: only these are shown it.
    only: Option<FxHashSet<TaskId>>,
    /// While the log is folded again for new tasks: the matches that each found in it.
    found: FxHashMap<TaskId, u64>,
    /// Streams that the input at hand concerns: what is due in them comes before the next input.
    fed: Vec<StreamKey>,
    /// The input line that lets things out.
    line: Option<u64>,
    labels: Labels,
    observation: Observation,
    /// The same of events that were noted.
    recalled: Observation,
    /// Calls of scripts that wait for their turn, in the order of their triggers.
    pub(crate) waiting: VecDeque<Waiting>,
    /// How many calls were ever noted here.
    pub(crate) noted: u64,
}

impl Fold {
    pub(crate) fn new(book: Book, lateness: Duration) -> Self {
        Self {
            book,
            effects: Effects::default(),
            audience: Audience::Nobody,
            lateness,
            streams: FxHashMap::default(),
            resting: FxHashMap::default(),
            due: BTreeSet::new(),
            wakeup: Timestamp::MIN,
            gap: Timestamp::MIN,
            daybook: Daybook::default(),
            holds: 0,
            install: 0,
            consumed: FxHashMap::default(),
            restored: FxHashMap::default(),
            stood: FxHashMap::default(),
            quiet: false,
            only: None,
            found: FxHashMap::default(),
            fed: Vec::new(),
            line: None,
            labels: Labels::default(),
            observation: Observation::default(),
            recalled: Observation::default(),
            waiting: VecDeque::new(),
            noted: 0,
        }
    }

    /// A stream's time: its frontier less the lateness, or to where it was moved.
    pub(crate) fn time(&self, stream: &StreamKey) -> Timestamp {
        self.streams.get(stream).map_or(self.wakeup, |s| s.time(self.lateness, self.wakeup))
    }

    /// The largest time of any stream.
    pub(crate) fn latest(&self) -> Timestamp {
        self.time(&StreamKey::Device)
    }

    /// To which time all streams must be moved for something to happen.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// How many tasks have runs alive in a partition of a stream. Those whose beginnings are only noted for many together
    /// have none yet.
    pub(crate) fn live(&self) -> u64 {
        let resting: u64 = self.resting.values().map(|rest| rest.live.len() as u64).sum();
        self.streams.values().map(|s| s.lives.len() as u64).sum::<u64>() + resting
    }

    /// Whether past decisions were taken over from the store.
    pub(crate) fn knows_past(&self) -> bool {
        self.daybook.is_whole()
    }

    /// Takes past decisions over from the store.
    pub(crate) fn restore_ledger(&mut self, entries: Vec<LedgerEntry>) {
        self.daybook.ledger().restore(entries);
    }

    /// Tasks have changed: where controls look further back than they did over `horizon`, the store knows of more.
    pub(crate) fn look_back_from(&mut self, horizon: Duration) {
        if self.book.horizon() > horizon {
            self.daybook.ledger().restore_anew();
        }
    }

    /// Whether a decision counts for any control; also told is how far its stream had come, where it is put away.
    pub(crate) fn counting(&self) -> impl Fn(&LedgerEntry, Option<Timestamp>) -> bool {
        let horizon = self.book.horizon();
        move |entry, folded| entry.counts(self.time_of(&entry.stream, folded), horizon)
    }

    /// Whoever waited for what was decided has been told: it is put where controls look for it.
    pub(crate) fn post_decisions(&mut self) {
        self.daybook.post();
    }

    /// Forgets what no longer matters: past decisions, consumed places, and runs whose window is over.
    pub(crate) fn tidy(&mut self) {
        let (book, lateness, wakeup) = (&self.book, self.lateness, self.wakeup);
        let (longest, horizon) = (book.longest_window(), book.horizon());
        let streams = &self.streams;
        let time = |key: &StreamKey| streams.get(key).map_or(wakeup, |s| s.time(lateness, wakeup));
        self.daybook.ledger().prune(horizon, |user| {
            // What the device's tasks decided counts with the anonymous user's.
            let key = StreamKey::User(user.cloned());
            if user.is_none() { time(&key).min(time(&StreamKey::Device)) } else { time(&key) }
        });
        self.consumed.retain(|(_, key, _), place| place.ts.plus(longest) > time(key));
        for stream in self.streams.values_mut() {
            let time = stream.time(self.lateness, self.wakeup);
            stream.tidy(book, time);
        }
    }
}
