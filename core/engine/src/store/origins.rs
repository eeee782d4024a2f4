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

/// Where an outcome came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Origin {
    /// What its match bound; `None` of a run that died.
    pub(crate) bound: Option<Arc<Bound>>,
    /// The controls that were asked.
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

/// What is known of an id: the outcome, its task's source, where it came from.
pub(crate) type KnownOf = (Known, Arc<str>, Origin);

/// The outcome's JSON, its source, what it bound, its checks, and until when it waits, if it does.
type Row = (String, String, Option<String>, String, Option<i64>);

const READING: &str = "reading an outcome";

const DECISION: &str = "SELECT decision, source, bound, checks, NULL FROM decisions WHERE id = ?1";
const WAITS: &str = "SELECT decision, source, bound, '[]', due FROM held WHERE id = ?1";
const REFUSAL: &str = "SELECT refusal, source, bound, checks, NULL FROM refusals WHERE id = ?1 ORDER BY n DESC LIMIT 1";

const OUTCOMES: &str = "SELECT NULL, count(*) FROM decisions
  WHERE source = ?1 AND task = ?2 AND (?3 IS NULL OR user = ?3) AND at >= ?4 AND decision <> ''
  UNION ALL SELECT 'waiting', count(*) FROM held
  WHERE source = ?1 AND task = ?2 AND (?3 IS NULL OR user = ?3) AND at >= ?4
  UNION ALL SELECT reason, count(*) FROM refusals
  WHERE source = ?1 AND task = ?2 AND (?3 IS NULL OR user = ?3) AND at >= ?4 GROUP BY reason";

const LAST_REFUSAL: &str = "SELECT refusal FROM refusals
  WHERE source = ?1 AND task = ?2 AND (?3 IS NULL OR user = ?3) AND at >= ?4 ORDER BY n DESC LIMIT 1";

impl Origin {
    /// Its columns: what was bound, and the checks.
    pub(super) fn to_json(&self, doing: &'static str) -> Result<(Option<String>, String), Error> {
        let json = |r: serde_json::Result<String>| r.map_err(|_| torn(doing));
        let bound = self.bound.as_deref().map(|b| json(serde_json::to_string(b))).transpose()?;
        let checks = if self.checks.is_empty() { "[]".to_owned() } else { json(serde_json::to_string(&self.checks))? };
        Ok((bound, checks))
    }
}

impl Bound {
    /// From its column.
    pub(super) fn of_json(text: Option<&str>, doing: &'static str) -> Result<Option<Self>, Error> {
        text.map(|text| serde_json::from_str(text).map_err(|_| torn(doing))).transpose()
    }
}

impl Store {
    /// The decision or refusal of that id, and where it came from.
    pub(crate) fn known(&mut self, id: &str) -> Result<Option<KnownOf>, Error> {
        let conn = self.db.tables()?;
        let row = |sql: &str| -> Result<Option<Row>, Error> {
            let columns = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?));
            conn.prepare_cached(sql).doing(READING)?.query_row([id], columns).optional().doing(READING)
        };
        if let Some(row) = row(DECISION)? {
            let erased = row.0.is_empty();
            return known(row, |text, _| if erased { Ok(Known::Erased) } else { json(text).map(Known::Decision) })
                .map(Some);
        }
        if let Some(row) = row(WAITS)? {
            return known(row, |text, due| Ok(Known::Waiting(json(text)?, Timestamp(due.unwrap_or(0))))).map(Some);
        }
        row(REFUSAL)?.map(|row| known(row, |text, _| json(text).map(Known::Refusal))).transpose()
    }

    /// What was told of a decision, in order.
    pub(crate) fn feedback_of(&mut self, id: &str) -> Result<Vec<(FeedbackKind, Timestamp)>, Error> {
        let doing = "reading feedback";
        let sql = "SELECT kind, at FROM feedback WHERE decision = ?1 ORDER BY at, n";
        let mut statement = self.db.tables()?.prepare_cached(sql).doing(doing)?;
        let rows = statement.query_map([id], |r| Ok((r.get(0)?, Timestamp(r.get(1)?)))).doing(doing)?;
        let rows: Vec<(i64, Timestamp)> = rows.collect::<rusqlite::Result<_>>().doing(doing)?;
        let known = |(code, at)| FeedbackKind::of_code(code).map(|kind| (kind, at));
        Ok(rows.into_iter().filter_map(known).collect())
    }

    /// How often what became of a task's matches: by reason, `None` of decisions.
    pub(crate) fn outcomes(&mut self, asked: &Asked<'_>) -> Result<Vec<(Option<String>, u64)>, Error> {
        let doing = "counting outcomes";
        let user = self.asked_id(asked)?;
        let mut statement = self.db.tables()?.prepare_cached(OUTCOMES).doing(doing)?;
        let row = params![asked.source, asked.task, user, asked.since.0];
        let rows = statement.query_map(row, |r| Ok((r.get(0)?, super::unsigned(r.get(1)?)))).doing(doing)?;
        rows.collect::<rusqlite::Result<_>>().doing(doing)
    }

    /// The last refusal of a task.
    pub(crate) fn last_refusal(&mut self, asked: &Asked<'_>) -> Result<Option<Refusal>, Error> {
        let doing = "reading refusals";
        let user = self.asked_id(asked)?;
        let row: [&dyn ToSql; 4] = [&asked.source, &asked.task, &user, &asked.since.0];
        let text: Option<String> = self
            .db
            .tables()?
            .prepare_cached(LAST_REFUSAL)
            .doing(doing)?
            .query_row(row, |r| r.get(0))
            .optional()
            .doing(doing)?;
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

    /// The number of the stream asked about; of everyone's none.
    fn asked_id(&mut self, asked: &Asked<'_>) -> Result<Option<i64>, Error> {
        // No row has this number.
        const NOBODY: i64 = i64::MIN;
        let id = asked.stream.as_ref().map(|stream| self.known_id(stream)).transpose()?;
        Ok(id.map(|id| id.unwrap_or(NOBODY)))
    }
}

/// A row as what is known.
fn known(row: Row, of: impl FnOnce(&str, Option<i64>) -> Result<Known, Error>) -> Result<KnownOf, Error> {
    let (text, source, bound, checks, due) = row;
    let bound = Bound::of_json(bound.as_deref(), READING)?.map(Arc::new);
    Ok((of(&text, due)?, source.into(), Origin { bound, checks: json(&checks)? }))
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| torn(READING))
}
