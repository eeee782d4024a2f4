//! Forgetting events, in steps that never take long: those that no task can look at any more, and what is over the limits.
//!
//! A row stays as long as a task that wants it may bind it: its window, behind its user's time. A pass goes through the
//! log from its beginning, some rows a step, and starts over when it has come to the end. The limits hold whatever the
//! tasks say: what is too old, or too much, goes from the oldest on. Then the histories that it belonged to are no longer
//! whole, and [`Cuts`] says from where on.

use std::collections::BTreeMap;

use ensue_matcher::Position;
use ensue_rule::{Duration, Timestamp};
use rusqlite::{Connection, params};

use super::events::{GAP, ROW, Raw};
use super::{Doing, Store, Written, schema, signed, torn, unsigned};
use crate::error::Error;
use crate::log::StreamKey;

/// Rows looked at in a step.
const STEP: i64 = 4_096;

/// Pages given back to the system in a step.
const PAGES: u32 = 512;

const NEXT: &str = "SELECT seq, user, ts, action, flags, body FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2";
const DELETE: &str = "DELETE FROM events WHERE seq = ?1";
const OF_USER: &str = "FROM events WHERE user = ?1 AND (ts < ?2 OR ts = ?2 AND seq <= ?3)";

/// How long a row stays.
pub(crate) struct Keep<'a> {
    /// For how long tasks may look at events of this action type and scene; `None`: no task wants them.
    pub(crate) window: &'a dyn Fn(&str, Option<&str>) -> Option<Duration>,
    /// The longest window.
    pub(crate) longest: Duration,
    /// The time of a stream, of which is also told how far the fold has come in it.
    pub(crate) time: &'a dyn Fn(&StreamKey, Option<Timestamp>) -> Timestamp,
    /// What is of this time or older goes whatever the tasks say.
    pub(crate) aged: Timestamp,
}

/// What a step found.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// There may be more to forget.
    pub(crate) more: bool,
    /// Rows that are too old though some task may still look at them.
    pub(crate) aged: Cuts,
    /// The oldest time of the rows that it passed over.
    pub(crate) oldest: Option<Timestamp>,
}

/// Up to which places histories go.
#[derive(Debug, Default)]
pub(crate) struct Cuts {
    users: BTreeMap<i64, Position>,
    device: Option<Position>,
}

/// Rows of the log and their bytes, as `stats` counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Rows.
    pub(crate) rows: u64,
    /// Bytes.
    pub(crate) bytes: u64,
}

impl Held {
    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
    }

    fn take(&mut self, other: Self) {
        self.rows = self.rows.saturating_sub(other.rows);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}

impl Cuts {
    /// Whether nothing goes.
    pub(crate) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    fn add(&mut self, raw: &Raw) -> Result<(), Error> {
        let place = self.users.entry(raw.user).or_default();
        *place = (*place).max(Position { ts: raw.ts, seq: raw.seq });
        let device = raw.device_place().ok_or_else(|| torn("forgetting old events"))?;
        self.device = self.device.max(Some(device));
        Ok(())
    }
}

impl Store {
    /// One step; within a transaction.
    pub(crate) fn forget_step(&mut self, keep: &Keep<'_>) -> Result<Step, Error> {
        let raws = oldest(self.db.tables()?, self.retained_to)?;
        let full = i64::try_from(raws.len()).unwrap_or(i64::MAX) >= STEP;
        let mut step = Step { more: full, ..Step::default() };
        self.retained_to = if full { raws.last().map_or(0, |r| r.seq) } else { 0 };
        let mut gone = Held::default();
        for raw in &raws {
            if self.is_over(keep, raw)? || (raw.user == schema::DEVICE && raw.ts <= keep.aged) {
                self.db
                    .writable()?
                    .prepare_cached(DELETE)
                    .doing(FORGETTING)?
                    .execute([signed(raw.seq)])
                    .doing(FORGETTING)?;
                gone.add(raw.size());
            } else if raw.ts <= keep.aged {
                step.aged.add(raw)?;
            } else {
                step.oldest = Some(step.oldest.map_or(raw.ts, |ts| ts.min(raw.ts)));
            }
        }
        self.went(gone)?;
        Ok(step)
    }

    /// Counts rows that were committed.
    pub(crate) fn grew(&mut self, written: Written) {
        if let Some(held) = &mut self.held {
            held.add(Held { rows: written.rows, bytes: written.bytes });
        }
    }

    /// How much the log holds.
    pub(crate) fn held(&mut self) -> Result<Held, Error> {
        if let Some(held) = self.held {
            return Ok(held);
        }
        let held = self.count("FROM events", params![])?;
        self.held = Some(held);
        Ok(held)
    }

    /// The oldest rows that must go for the log to be below a limit by so much; as many as a step may take.
    pub(crate) fn oldest(&mut self, over: Held) -> Result<Cuts, Error> {
        let (mut cuts, mut left) = (Cuts::default(), over);
        for raw in oldest(self.db.tables()?, 0)?.iter().filter(|r| r.user != schema::DEVICE) {
            if left == Held::default() {
                break;
            }
            cuts.add(raw)?;
            left.take(raw.size());
        }
        Ok(cuts)
    }

    /// The streams of these cuts with their places, that of the device last.
    pub(crate) fn streams_of(&mut self, cuts: &Cuts) -> Result<Vec<(StreamKey, Position)>, Error> {
        let mut streams = Vec::with_capacity(cuts.users.len() + 1);
        for (id, place) in &cuts.users {
            streams.push((self.stream(*id)?, *place));
        }
        streams.extend(cuts.device.map(|place| (StreamKey::Device, place)));
        Ok(streams)
    }

    /// Forgets a user's rows up to a place; how many there were.
    pub(crate) fn drop_until(&mut self, stream: &StreamKey, upto: Position) -> Result<u64, Error> {
        if *stream == StreamKey::Device {
            return Ok(0);
        }
        let id = self.stream_id(stream)?;
        let reach = params![id, upto.ts.0, signed(upto.seq)];
        let gone = self.count(OF_USER, reach)?;
        self.db
            .writable()?
            .prepare_cached(&format!("DELETE {OF_USER}"))
            .doing(FORGETTING)?
            .execute(reach)
            .doing(FORGETTING)?;
        self.went(gone)?;
        Ok(gone.rows)
    }

    /// Forgets users of whom there is nothing and who were last seen at or before `aged`.
    pub(crate) fn drop_users(&mut self, aged: Timestamp) -> Result<(), Error> {
        self.sum_up()?;
        let nothing = super::erase::OF_STREAMS.into_iter().filter(|table| *table != "streams");
        let nothing = nothing.map(|t| format!("AND NOT EXISTS (SELECT 1 FROM {t} WHERE {t}.user = streams.user)"));
        let sql =
            format!("DELETE FROM streams WHERE user > 0 AND frontier <= ?1 {}", nothing.collect::<Vec<_>>().join(" "));
        if self.db.writable()?.execute(&sql, [aged.0]).doing(FORGETTING)? == 0 {
            return Ok(());
        }
        let names = "DELETE FROM users WHERE NOT EXISTS (SELECT 1 FROM streams WHERE streams.user = users.id)";
        self.db.writable()?.execute(names, []).doing(FORGETTING)?;
        self.users.forget();
        Ok(())
    }

    fn count(&mut self, which: &str, of: &[&dyn rusqlite::ToSql]) -> Result<Held, Error> {
        let sql = format!("SELECT count(*), coalesce(sum(length(body)), 0) {which}");
        let mut statement = self.db.tables()?.prepare_cached(&sql).doing(FORGETTING)?;
        let counted = statement.query_row(of, |r| Ok((r.get(0)?, r.get(1)?))).doing(FORGETTING)?;
        let (rows, bytes) = (unsigned(counted.0), unsigned(counted.1));
        Ok(Held { rows, bytes: bytes + rows * ROW })
    }

    fn went(&mut self, gone: Held) -> Result<(), Error> {
        if gone.rows > 0 {
            if let Some(held) = &mut self.held {
                held.take(gone);
            }
            self.tail = 0;
            self.summary.falls_due();
            self.db.writable()?.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES})")).doing(FORGETTING)?;
        }
        Ok(())
    }

    fn is_over(&mut self, keep: &Keep<'_>, raw: &Raw) -> Result<bool, Error> {
        let stream = self.stream(raw.user)?;
        let time = (keep.time)(&stream, self.folded(raw.user)?);
        if time.since(raw.ts) < Duration(0) {
            return Ok(false);
        }
        let window = if raw.flags & GAP != 0 {
            Some(keep.longest)
        } else {
            let kind = self.kind_of(raw.action, &raw.body)?;
            kind.and_then(|(action, scene)| (keep.window)(&action, scene.as_deref()))
        };
        Ok(window.is_none_or(|w| raw.ts.plus(w) <= time))
    }
}

const FORGETTING: &str = "forgetting old events";

/// The first rows after a place in the log.
fn oldest(conn: &Connection, after: u64) -> Result<Vec<Raw>, Error> {
    let mut statement = conn.prepare_cached(NEXT).doing(FORGETTING)?;
    let raws = statement.query_map(params![signed(after), STEP], Raw::read).doing(FORGETTING)?;
    raws.collect::<rusqlite::Result<_>>().doing(FORGETTING)
}
