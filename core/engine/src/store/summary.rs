//! What the log says in other words: how far each stream has come, and the skip bounds of tasks that are shown every event.
//!
//! Both change with nearly every event, and both can be had again by folding the log: so they are held here, and written when
//! nobody waits for it, before anything is forgotten, and with every commit after which the log would not say them. What a
//! process that was killed had not written, the next opening makes again: times in [`Store::catch_up`], bounds by the fold,
//! which folds the log again anyway.

use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_matcher::Position;
use ensue_rule::{Timestamp, Value};
use rustc_hash::FxHashMap;

use super::codec::{Reader, Writer};
use super::journal::{Cell, Statement};
use super::state::UserState;
use super::{Doing, Store, signed, torn, unsigned};
use crate::error::Error;
use crate::log::{Entry, LogEvent, StreamKey};

/// Rows held; where there are more they go with the next commit.
const MOST: usize = 1_024;

/// Up to which arrival number the tables say what the log says.
const SUMMED: &str = "summed";

const BOUNDS: &str = "SELECT source, task, user, key, ts, seq FROM bounds WHERE ?1 IS NULL OR user = ?1";

/// A skip bound and what it is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bound {
    /// The task's source.
    pub(crate) source: Arc<str>,
    /// The task.
    pub(crate) task: Arc<str>,
    /// The stream.
    pub(crate) stream: StreamKey,
    /// The partition.
    pub(crate) key: Vec<Value>,
    /// No match may start at or before this.
    pub(crate) at: Position,
}

/// Source, task, the number of the stream, the partition as it is written.
type BoundOf = (Arc<str>, Arc<str>, i64, Vec<u8>);

/// What is held.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    unwritten: Rows,
    /// Written in the open transaction.
    written: Rows,
    /// After the open transaction the log does not say it.
    due: bool,
    /// The log has not all that was folded.
    always: bool,
}

#[derive(Clone, Debug, Default)]
struct Rows {
    streams: BTreeMap<i64, UserState>,
    bounds: BTreeMap<BoundOf, Position>,
}

impl Rows {
    fn len(&self) -> usize {
        self.streams.len() + self.bounds.len()
    }

    fn clear(&mut self) {
        self.streams.clear();
        self.bounds.clear();
    }
}

impl Summary {
    pub(super) fn committed(&mut self) {
        self.written.clear();
        self.due = false;
    }

    /// The transaction was given up, and with it events that were folded.
    pub(super) fn rolled_back(&mut self) {
        let later = std::mem::replace(&mut self.unwritten, std::mem::take(&mut self.written));
        self.unwritten.streams.extend(later.streams);
        self.unwritten.bounds.extend(later.bounds);
        (self.due, self.always) = (false, true);
    }

    /// After the open transaction the log does not say any more what is held.
    pub(super) fn falls_due(&mut self) {
        self.due = true;
    }
}

impl UserState {
    /// What is held of a stream, over what its row says.
    fn over(&self, row: Option<Self>) -> Self {
        let Some(row) = row else { return self.clone() };
        Self {
            frontier: self.frontier.max(row.frontier),
            session: self.session.max(row.session),
            folded: self.folded.max(row.folded),
            utc_offset_min: self.utc_offset_min,
            cut: row.cut,
        }
    }
}

impl Store {
    /// Takes note of how far the fold has come in a stream.
    pub(crate) fn note_folded(&mut self, stream: &StreamKey, state: UserState) -> Result<(), Error> {
        let id = self.stream_id(stream)?;
        self.summary.unwritten.streams.insert(id, state);
        Ok(())
    }

    /// Takes note of a skip bound that folding the log gives again.
    pub(crate) fn note_bound(&mut self, bound: &Bound) -> Result<(), Error> {
        let of = self.bound_of(bound)?;
        self.summary.unwritten.bounds.insert(of, bound.at);
        Ok(())
    }

    /// Remembers a skip bound that the log does not say.
    pub(crate) fn put_bound(&mut self, bound: &Bound) -> Result<(), Error> {
        let of = self.bound_of(bound)?;
        self.write_bound(&of, bound.at)
    }

    /// After the open transaction the log does not say what was noted: it is written with it.
    pub(crate) fn write_noted(&mut self) {
        self.summary.falls_due();
    }

    /// What another store had noted, of which this has the rows but not the log.
    pub(crate) fn take_noted(&mut self, other: &Self) {
        self.summary = Summary { due: true, always: true, ..other.summary.clone() };
    }

    /// Writes what was noted, where the log would not say it after this commit.
    pub(super) fn sum_up_if_due(&mut self) -> Result<(), Error> {
        let Summary { due, always, unwritten, .. } = &self.summary;
        if *due || *always || unwritten.len() > MOST { self.write_summary() } else { Ok(()) }
    }

    /// Writes what was noted; within a transaction in which something of it may go.
    pub(super) fn sum_up(&mut self) -> Result<(), Error> {
        // More may be noted before it ends.
        self.summary.falls_due();
        self.write_summary()
    }

    fn write_summary(&mut self) -> Result<(), Error> {
        if self.summary.unwritten.len() == 0 {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.summary.unwritten);
        let done = rows.streams.iter().try_for_each(|(of, state)| self.write_folded(*of, state));
        let done = done.and_then(|()| rows.bounds.iter().try_for_each(|(of, at)| self.write_bound(of, *at)));
        let Rows { streams, bounds } = &mut self.summary.written;
        streams.extend(rows.streams);
        bounds.extend(rows.bounds);
        done.and_then(|()| self.put_number(SUMMED, signed(self.next_seq.saturating_sub(1))))
    }

    pub(super) fn write_folded(&mut self, of: i64, state: &UserState) -> Result<(), Error> {
        let row = [of, state.frontier.0, signed(state.session), state.folded.0, state.utc_offset_min.into()];
        self.db.write(Statement::Moved, &row.map(Cell::Int))
    }

    fn write_bound(&mut self, (source, task, user, key): &BoundOf, at: Position) -> Result<(), Error> {
        let [user, ts, seq] = [*user, at.ts.0, signed(at.seq)].map(Cell::Int);
        self.db.write(Statement::Bound, &[(&**source).into(), (&**task).into(), user, Cell::Bytes(key), ts, seq])
    }

    fn bound_of(&mut self, bound: &Bound) -> Result<BoundOf, Error> {
        let mut key = Writer::default();
        key.values(&bound.key);
        Ok((bound.source.clone(), bound.task.clone(), self.stream_id(&bound.stream)?, key.0))
    }

    /// A stream's state with what is noted of it.
    pub(super) fn noted(&self, of: i64, row: Option<UserState>) -> Option<UserState> {
        match self.summary.unwritten.streams.get(&of) {
            Some(state) => Some(state.over(row)),
            None => row,
        }
    }

    /// The rows of all streams, with what is noted of them; also of those that have none yet.
    pub(super) fn with_noted(&self, rows: BTreeMap<i64, UserState>) -> BTreeMap<i64, UserState> {
        let mut all = rows;
        for (of, state) in &self.summary.unwritten.streams {
            let row = all.remove(of);
            all.insert(*of, state.over(row));
        }
        all
    }

    /// How far the fold had come, when skip bounds were last written, in the streams that have moved since.
    pub(crate) fn summed(&mut self) -> Result<Vec<(StreamKey, Timestamp)>, Error> {
        let moved: Vec<i64> = self.summary.unwritten.streams.keys().copied().collect();
        let of = |id| Ok((self.stream(id)?, self.written_state(id)?.map_or(Timestamp::MIN, |state| state.folded)));
        moved.into_iter().map(of).collect()
    }

    /// All skip bounds; of one stream where it is said.
    pub(crate) fn bounds(&mut self, of: Option<i64>) -> Result<Vec<Bound>, Error> {
        let doing = "reading skip bounds";
        let mut statement = self.db.tables()?.prepare_cached(BOUNDS).doing(doing)?;
        let rows = statement.query_map([of], |r| {
            let at = Position { ts: Timestamp(r.get(4)?), seq: unsigned(r.get(5)?) };
            Ok(((r.get::<_, String>(0)?.into(), r.get::<_, String>(1)?.into(), r.get(2)?, r.get(3)?), at))
        });
        let mut rows: BTreeMap<BoundOf, Position> = rows.doing(doing)?.collect::<rusqlite::Result<_>>().doing(doing)?;
        drop(statement);
        let noted = self.summary.unwritten.bounds.iter().filter(|((_, _, user, _), _)| of.is_none_or(|of| of == *user));
        rows.extend(noted.map(|(of, at)| (of.clone(), *at)));
        let bound = |((source, task, user, key), at): (BoundOf, Position)| {
            let key = Reader(&key).values().ok_or_else(|| torn(doing))?;
            Ok(Bound { source, task, stream: self.stream(user)?, key, at })
        };
        rows.into_iter().map(bound).collect()
    }

    /// At opening: how far streams have come by the events that a process which was killed had not summed up.
    pub(super) fn catch_up(&mut self) -> Result<(), Error> {
        let from = self.number(SUMMED)?.map_or(0, unsigned) + 1;
        if from >= self.next_seq {
            return Ok(());
        }
        let mut moved: FxHashMap<StreamKey, UserState> = FxHashMap::default();
        let mut events = Vec::new();
        self.scan(from, &mut |entry| {
            if let Entry::Event(event) = entry {
                events.push(event);
            }
            Ok(())
        })?;
        for event in events {
            for key in [StreamKey::User(event.event.user_id.clone()), StreamKey::Device] {
                if !moved.contains_key(&key) {
                    let state = self.state_of(&key)?.unwrap_or_default();
                    moved.insert(key.clone(), state);
                }
                if let Some(state) = moved.get_mut(&key) {
                    state.pass(&event, &key);
                }
            }
        }
        moved.into_iter().try_for_each(|(stream, state)| self.note_folded(&stream, state))
    }
}

impl UserState {
    /// Goes on by an event as the fold does.
    fn pass(&mut self, event: &LogEvent, key: &StreamKey) {
        let before = if *key == StreamKey::Device { event.device_before } else { event.before };
        (self.folded, self.frontier) = (self.folded.max(before), self.frontier.max(before));
        if !event.is_derived() {
            self.folded = self.folded.max(event.position(key).ts);
            self.frontier = self.frontier.max(event.recorded);
        }
        self.session = self.session.max(event.session);
        self.utc_offset_min = event.event.utc_offset_min.unwrap_or(self.utc_offset_min);
    }
}
