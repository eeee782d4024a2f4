//! The state of the fold: how far each stream has come, and a few numbers. What of it is noted before it is written says
//! [`summary`](super::summary).

use std::collections::BTreeMap;

use ensue_matcher::Position;
use ensue_rule::{Duration, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::journal::{Cell, Statement};
use super::{Doing, Store, schema, signed, torn, unsigned};
use crate::error::Error;
use crate::log::StreamKey;

/// The last arrival number, plus one.
pub(super) const NEXT_SEQ: &str = "next_seq";

/// The last wakeup.
const WAKEUP: &str = "wakeup";

/// Mark: the user has opted out.
pub(super) const OPTED_OUT: &str = "opted_out";

/// Mark: rows were erased, and the file may still have traces of them.
pub(super) const SCRUB: &str = "scrub";

/// What the journal's entries hold over (store/entries.rs).
pub(super) const JOURNAL: &str = "journal";

/// What tells this device's anonymous user from those of others.
pub(super) const INSTALL: &str = "install";

/// Mark: a task of all users has put a derived event into the anonymous user's stream.
pub(super) const MIXED: &str = "mixed";

/// Nothing was folded yet where it says the smallest number.
const LOST: &str = "UPDATE streams SET cut_ts = folded - ?1, cut_seq = ?2
  WHERE folded > -4611686018427387904 AND (cut_ts IS NULL OR cut_ts < folded - ?1)";
const STREAM: &str = "SELECT user, frontier, session, folded, utc_offset_min, cut_ts, cut_seq FROM streams";

/// Before which time something of a stream goes; also told is how far the fold has come in it.
pub(crate) type Before<'a> = &'a dyn Fn(&StreamKey, Option<Timestamp>) -> Timestamp;

/// How far a stream has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserState {
    /// The largest time recorded, unwanted events included.
    pub(crate) frontier: Timestamp,
    /// The number of the last session.
    pub(crate) session: u64,
    /// The largest time that the fold knows of.
    pub(crate) folded: Timestamp,
    /// The last known offset of local time.
    pub(crate) utc_offset_min: i32,
    /// At or before this place its history is no longer whole.
    pub(crate) cut: Option<Position>,
}

impl Default for UserState {
    fn default() -> Self {
        Self { frontier: Timestamp::MIN, session: 0, folded: Timestamp::MIN, utc_offset_min: 0, cut: None }
    }
}

impl Store {
    /// Remembers that the history of a stream is no longer whole up to its cut.
    pub(crate) fn put_cut(&mut self, stream: &StreamKey, state: &UserState) -> Result<(), Error> {
        let Some(cut) = state.cut else { return Ok(()) };
        let id = self.stream_id(stream)?;
        // There is a row then, and it says how far recording has come.
        self.write_folded(id, state)?;
        let session = signed(state.session);
        let row = [id, state.folded.0, session, state.utc_offset_min.into(), cut.ts.0, signed(cut.seq)];
        self.db.write(Statement::Cut, &row.map(Cell::Int))
    }

    /// Remembers that the history of all streams up to now is gone, as the fold does.
    pub(crate) fn put_log_lost(&mut self, lateness: Duration) -> Result<(), Error> {
        self.sum_up()?;
        let row = params![lateness.0, signed(self.next_seq.saturating_sub(1))];
        self.db.writable()?.execute(LOST, row).doing("writing that the log is gone").map(drop)
    }

    /// Remembers how far recording has come in a stream.
    pub(crate) fn put_reached(&mut self, stream: &StreamKey, frontier: Timestamp, session: u64) -> Result<(), Error> {
        let id = self.stream_id(stream)?;
        self.db.write(Statement::Reached, &[id, frontier.0, signed(session)].map(Cell::Int))
    }

    /// How far all streams have come.
    pub(crate) fn streams(&mut self) -> Result<Vec<(StreamKey, UserState)>, Error> {
        let doing = "reading users' times";
        let mut statement = self.db.tables()?.prepare_cached(STREAM).doing(doing)?;
        let rows = statement.query_map([], |r| Ok((r.get::<_, i64>(0)?, user_state(r)?)));
        let rows: BTreeMap<_, _> = rows.doing(doing)?.collect::<rusqlite::Result<_>>().doing(doing)?;
        drop(statement);
        self.with_noted(rows).into_iter().map(|(id, state)| Ok((self.stream(id)?, state))).collect()
    }

    /// How far one stream has come.
    pub(crate) fn state_of(&mut self, stream: &StreamKey) -> Result<Option<UserState>, Error> {
        self.known_id(stream)?.map_or(Ok(None), |id| self.state_by(id))
    }

    /// How far the stream of this number has come.
    pub(super) fn state_by(&mut self, id: i64) -> Result<Option<UserState>, Error> {
        let row = self.written_state(id)?;
        Ok(self.noted(id, row))
    }

    /// The row of the stream of this number, whatever was noted since it was written.
    pub(super) fn written_state(&mut self, id: i64) -> Result<Option<UserState>, Error> {
        let doing = "reading a user's time";
        let mut statement = self.db.tables()?.prepare_cached(&format!("{STREAM} WHERE user = ?1")).doing(doing)?;
        statement.query_row([id], user_state).optional().doing(doing)
    }

    /// How far the fold has come in a stream.
    pub(super) fn folded(&mut self, id: i64) -> Result<Option<Timestamp>, Error> {
        Ok(self.state_by(id)?.map(|state| state.folded))
    }

    /// The number of a stream, if it has one.
    pub(crate) fn known_id(&mut self, stream: &StreamKey) -> Result<Option<i64>, Error> {
        match stream {
            StreamKey::User(Some(name)) => self.users.find(self.db.names(), name),
            other => self.stream_id(other).map(Some),
        }
    }

    /// Forgets the skip bounds before what `before` says of their streams: nothing that old can start a match any more.
    pub(crate) fn drop_bounds(&mut self, before: Before<'_>) -> Result<(), Error> {
        self.sum_up()?;
        let doing = "forgetting skip bounds";
        for (id, stream, oldest) in self.oldest_of_each("SELECT user, min(ts) FROM bounds GROUP BY user")? {
            let before = before(&stream, self.folded(id)?);
            if oldest < before {
                let row = params![id, before.0];
                self.db.writable()?.execute("DELETE FROM bounds WHERE user = ?1 AND ts < ?2", row).doing(doing)?;
            }
        }
        Ok(())
    }

    /// The streams that a query names, with a time of each.
    pub(super) fn oldest_of_each(&mut self, sql: &str) -> Result<Vec<(i64, StreamKey, Timestamp)>, Error> {
        let doing = "reading what may be forgotten";
        let mut statement = self.db.tables()?.prepare_cached(sql).doing(doing)?;
        let rows = statement.query_map([], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?))).doing(doing)?;
        let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>().doing(doing)?;
        drop(statement);
        rows.into_iter().map(|(id, ts)| Ok((id, self.stream(id)?, Timestamp(ts)))).collect()
    }

    /// The last wakeup.
    pub(crate) fn wakeup(&mut self) -> Result<Option<Timestamp>, Error> {
        Ok(self.number(WAKEUP)?.map(Timestamp))
    }

    /// Remembers a wakeup.
    pub(crate) fn put_wakeup(&mut self, t: Timestamp) -> Result<(), Error> {
        self.put_number(WAKEUP, t.0)
    }

    /// Finds the next arrival number: after the end of the log, or later, where rows at its end are gone.
    pub(super) fn find_next_seq(&mut self) -> Result<(), Error> {
        let doing = "reading the end of the log";
        let last: Option<i64> =
            self.db.tables()?.query_row("SELECT max(seq) FROM events", [], |r| r.get(0)).doing(doing)?;
        self.tail = last.map_or(0, unsigned);
        self.next_seq = self.number(NEXT_SEQ)?.map_or(1, unsigned).max(self.tail + 1);
        Ok(())
    }

    /// What tells this device's anonymous user from those of others: drawn once, until it is erased.
    pub(crate) fn install(&mut self) -> u64 {
        use std::hash::{BuildHasher, Hasher};
        if let Ok(Some(number)) = self.number(INSTALL) {
            return unsigned(number);
        }
        // The keys of a hasher are the randomness that the standard library has.
        let drawn = std::collections::hash_map::RandomState::new().build_hasher().finish() >> 1;
        // Where it cannot be written, another is drawn when the store is opened next.
        let _ = self.put_number(INSTALL, signed(drawn));
        drawn
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<i64>, Error> {
        let doing = "reading a number";
        let mut statement =
            self.db.tables()?.prepare_cached("SELECT value FROM numbers WHERE name = ?1").doing(doing)?;
        statement.query_row([name], |r| r.get(0)).optional().doing(doing)
    }

    /// Changes a number, so that there is something to commit: a transaction that changes nothing is not synced either.
    pub(crate) fn count_sync(&mut self) -> Result<(), Error> {
        let doing = "writing that the disk has it";
        let sql = "INSERT INTO numbers (name, value) VALUES ('synced', 1)
          ON CONFLICT (name) DO UPDATE SET value = value + 1";
        self.db.writable()?.prepare_cached(sql).doing(doing)?.execute([]).doing(doing)?;
        Ok(())
    }

    pub(super) fn put_number(&mut self, name: &str, value: i64) -> Result<(), Error> {
        self.db.write(Statement::Number, &[name.into(), value.into()])
    }

    pub(super) fn stream_id(&mut self, stream: &StreamKey) -> Result<i64, Error> {
        match stream {
            StreamKey::Device => Ok(schema::DEVICE),
            StreamKey::User(user) => self.user_id(user.as_ref()),
        }
    }

    pub(super) fn stream(&mut self, id: i64) -> Result<StreamKey, Error> {
        Ok(match id {
            schema::DEVICE => StreamKey::Device,
            schema::ANONYMOUS => StreamKey::User(None),
            id => StreamKey::User(Some(self.users.name(self.db.names(), id)?.ok_or_else(|| torn("reading users"))?)),
        })
    }
}

fn user_state(r: &Row<'_>) -> rusqlite::Result<UserState> {
    Ok(UserState {
        frontier: Timestamp(r.get(1)?),
        session: unsigned(r.get(2)?),
        folded: Timestamp(r.get(3)?),
        utc_offset_min: r.get(4)?,
        cut: r.get::<_, Option<i64>>(5)?.zip(r.get::<_, Option<i64>>(6)?).map(place),
    })
}

fn place((ts, seq): (i64, i64)) -> Position {
    Position { ts: Timestamp(ts), seq: unsigned(seq) }
}
