//! Where decisions and refusals came from: the events bound, and which controls were asked. For "why?", and to count for
//! "why not?" by task, user and time.

use std::sync::Arc;

use ensue_matcher::Seqs;
use ensue_rule::{Timestamp, Value};
use rusqlite::{OptionalExtension, ToSql, params};
use serde::{Deserialize, Serialize};

use super::{Doing, Store, torn};
use crate::answer::Check;
use crate::error::Error;
use crate::feedback::FeedbackKind;
use crate::log::{Entry, StreamKey};
use crate::outcome::{Decision, Refusal};

/// In place of a reason: the touch waits for its time.
pub(crate) const WAITING: &str = "waiting";

/// Trails kept; the oldest go first.
const TRAILS: i64 = 20_000;

/// Where a decision or a refusal came from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trail {
    pub(crate) id: Arc<str>,
    pub(crate) source: Arc<str>,
    pub(crate) task: Arc<str>,
    pub(crate) stream: StreamKey,
    pub(crate) at: Timestamp,
    /// The reason of a refusal; of a decision none.
    pub(crate) reason: Option<&'static str>,
    /// What the match bound; `None`: as it was said before, when the touch began to wait.
    pub(crate) bound: Option<Bound>,
    pub(crate) checks: Vec<Check>,
}

/// What a match bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bound {
    pub(crate) by: Arc<str>,
    pub(crate) partition: Option<Vec<Value>>,
    /// Arrival numbers by stage.
    pub(crate) events: Vec<(Arc<str>, Seqs)>,
}

/// Where an outcome came from.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    pub(crate) source: String,
    pub(crate) bound: Option<Bound>,
    pub(crate) checks: Vec<Check>,
}

/// What the store knows of a decision or a refusal.
#[derive(Debug)]
pub(crate) enum Known {
    /// A decision.
    Decision(Box<Decision>),
    /// A refusal.
    Refusal(Box<Refusal>),
    /// A touch that waits for its time, and until when.
    Waiting(Box<Decision>, Timestamp),
    /// A decision of which only that it was made is left.
    Erased,
}

/// Whose outcomes of a task, and since when.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) source: &'a str,
    pub(crate) task: &'a str,
    /// `None`: everyone's.
    pub(crate) stream: Option<StreamKey>,
    pub(crate) since: Timestamp,
}

const PUT: &str = "INSERT INTO trails (id, source, task, user, at, reason, bound, checks)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
  ON CONFLICT (id) DO UPDATE SET reason = ?6, checks = ?8, bound = coalesce(?7, bound)";

impl Store {
    /// Remembers where an outcome came from.
    pub(crate) fn put_trail(&mut self, t: &Trail) -> Result<(), Error> {
        let doing = "writing where an outcome came from";
        let json = |r: serde_json::Result<String>| r.map_err(|_| torn(doing));
        let bound = t.bound.as_ref().map(|b| json(serde_json::to_string(b))).transpose()?;
        let checks = json(serde_json::to_string(&t.checks))?;
        let user = self.stream_id(&t.stream)?;
        let row = params![&*t.id, &*t.source, &*t.task, user, t.at.0, t.reason, bound, checks];
        self.conn.prepare_cached(PUT).doing(doing)?.execute(row).doing(doing)?;
        Ok(())
    }

    /// Where an outcome came from, if that is known.
    pub(crate) fn trail(&mut self, id: &str) -> Result<Option<Origin>, Error> {
        let doing = "reading where an outcome came from";
        let sql = "SELECT source, bound, checks FROM trails WHERE id = ?1";
        let columns = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?));
        let row: Option<(String, Option<String>, String)> =
            self.conn.prepare_cached(sql).doing(doing)?.query_row([id], columns).optional().doing(doing)?;
        let Some((source, bound, checks)) = row else { return Ok(None) };
        let bound = bound.map(|text| serde_json::from_str(&text).map_err(|_| torn(doing))).transpose()?;
        let checks = serde_json::from_str(&checks).map_err(|_| torn(doing))?;
        Ok(Some(Origin { source, bound, checks }))
    }

    /// The decision or refusal of that id.
    pub(crate) fn known(&mut self, id: &str) -> Result<Option<Known>, Error> {
        let doing = "reading an outcome";
        let text = |conn: &rusqlite::Connection, sql: &str| -> Result<Option<String>, Error> {
            conn.prepare_cached(sql).doing(doing)?.query_row([id], |r| r.get(0)).optional().doing(doing)
        };
        match text(&self.conn, "SELECT decision FROM decisions WHERE id = ?1")? {
            Some(erased) if erased.is_empty() => return Ok(Some(Known::Erased)),
            Some(json) => {
                return Ok(Some(Known::Decision(serde_json::from_str(&json).map_err(|_| torn(doing))?)));
            }
            None => {}
        }
        if let Some((due, json)) = self.waiting(id)? {
            return Ok(Some(Known::Waiting(serde_json::from_str(&json).map_err(|_| torn(doing))?, due)));
        }
        let refusal = text(&self.conn, "SELECT refusal FROM refusals WHERE id = ?1 ORDER BY n DESC LIMIT 1")?;
        let refusal = refusal.map(|json| serde_json::from_str(&json).map_err(|_| torn(doing))).transpose()?;
        Ok(refusal.map(Known::Refusal))
    }

    /// The touch of that id that waits: until when, and its JSON.
    fn waiting(&self, id: &str) -> Result<Option<(Timestamp, String)>, Error> {
        let doing = "reading a touch that waits";
        let mut statement = self.conn.prepare_cached("SELECT due, decision FROM held WHERE id = ?1").doing(doing)?;
        statement.query_row([id], |r| Ok((Timestamp(r.get(0)?), r.get(1)?))).optional().doing(doing)
    }

    /// What was told of a decision, in order.
    pub(crate) fn feedback_of(&mut self, id: &str) -> Result<Vec<(FeedbackKind, Timestamp)>, Error> {
        let doing = "reading feedback";
        let sql = "SELECT kind, at FROM feedback WHERE decision = ?1 ORDER BY at, n";
        let mut statement = self.conn.prepare_cached(sql).doing(doing)?;
        let rows = statement.query_map([id], |r| Ok((r.get(0)?, Timestamp(r.get(1)?)))).doing(doing)?;
        let rows: Vec<(i64, Timestamp)> = rows.collect::<rusqlite::Result<_>>().doing(doing)?;
        let known = |(code, at)| FeedbackKind::of_code(code).map(|kind| (kind, at));
        Ok(rows.into_iter().filter_map(known).collect())
    }

    /// How often what became of a task's matches: by reason, `None` of decisions.
    pub(crate) fn outcomes(&mut self, asked: &Asked<'_>) -> Result<Vec<(Option<String>, u64)>, Error> {
        let doing = "counting outcomes";
        let user = self.asked_id(asked)?;
        let sql = "SELECT reason, count(*) FROM trails WHERE source = ?1 AND task = ?2 AND (?3 IS NULL OR user = ?3)
          AND at >= ?4 GROUP BY reason";
        let mut statement = self.conn.prepare_cached(sql).doing(doing)?;
        let row = params![asked.source, asked.task, user, asked.since.0];
        let rows = statement.query_map(row, |r| Ok((r.get(0)?, super::unsigned(r.get(1)?)))).doing(doing)?;
        rows.collect::<rusqlite::Result<_>>().doing(doing)
    }

    /// The last refusal of a task.
    pub(crate) fn last_refusal(&mut self, asked: &Asked<'_>) -> Result<Option<Refusal>, Error> {
        let doing = "reading refusals";
        let user = self.asked_id(asked)?;
        let sql = "SELECT refusal FROM refusals WHERE id = (SELECT id FROM trails WHERE source = ?1 AND task = ?2
          AND (?3 IS NULL OR user = ?3) AND at >= ?4 AND reason IS NOT NULL AND reason <> 'waiting' ORDER BY n DESC LIMIT 1) ORDER BY n DESC LIMIT 1";
        let row: [&dyn ToSql; 4] = [&asked.source, &asked.task, &user, &asked.since.0];
        let text: Option<String> =
            self.conn.prepare_cached(sql).doing(doing)?.query_row(row, |r| r.get(0)).optional().doing(doing)?;
        text.map(|text| serde_json::from_str(&text).map_err(|_| torn(doing))).transpose()
    }

    /// What the log retains of an event: as JSON, and the label that the host gave it.
    pub(crate) fn retained(&mut self, seq: u64) -> Result<Option<serde_json::Value>, Error> {
        let mut found = None;
        self.scan_one(seq, &mut |entry| {
            if let Entry::Event(e) = entry {
                found = Some(crate::event_json::to_json(&e.event));
            }
        })?;
        Ok(found)
    }

    /// Forgets the oldest trails over the limit, and those of which nothing is left.
    pub(super) fn trim_trails(&mut self, gone: bool) -> Result<(), Error> {
        let doing = "forgetting where outcomes came from";
        if gone {
            let sql = "DELETE FROM trails WHERE reason IS NULL AND id NOT IN (SELECT id FROM decisions)";
            self.conn.execute(sql, []).doing(doing)?;
        }
        let over = "DELETE FROM trails WHERE n <= (SELECT max(n) FROM trails) - ?1";
        self.conn.execute(over, [TRAILS]).doing(doing)?;
        Ok(())
    }

    /// The number of the stream asked about; of everyone's none.
    fn asked_id(&mut self, asked: &Asked<'_>) -> Result<Option<i64>, Error> {
        // No row has this number.
        const NOBODY: i64 = i64::MIN;
        let id = asked.stream.as_ref().map(|stream| self.known_id(stream)).transpose()?;
        Ok(id.map(|id| id.unwrap_or(NOBODY)))
    }
}
