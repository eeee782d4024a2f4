//! Decisions until they are acknowledged, and what past decisions count; refusals with their reasons.

use std::sync::Arc;

use ensue_rule::Timestamp;
use rusqlite::{Row, params};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Doing, Store, schema, signed, torn, unsigned};
use crate::dispatch::{Answers, LedgerEntry};
use crate::error::Error;
use crate::feedback::FeedbackKind;
use crate::log::StreamKey;
use crate::outcome::{Decision, Refusal};

/// Decisions kept that nobody acknowledges; the oldest go first.
const OUTBOX: i64 = 10_000;

/// Refusals kept; the oldest go first.
const REFUSALS: i64 = 10_000;

const DECISION: &str = "INSERT OR IGNORE INTO decisions
  (id, source, task, user, shared, at, utc_offset_min, decision, touch, session, exclusive, expires)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

const LEDGER: &str = "SELECT id, source, task, user, shared, at, utc_offset_min, touch, session, exclusive, expires
  FROM decisions WHERE ?1 IS NULL OR user = ?1 ORDER BY n";

/// Of most decisions there is none, so it is read by itself.
const FEEDBACK: &str = "SELECT decision, kind, at FROM feedback
  WHERE ?1 IS NULL OR decision IN (SELECT id FROM decisions WHERE user = ?1)";

impl Store {
    /// Puts a decision in the outbox, with what controls count of it.
    pub(crate) fn put_decision(&mut self, decision: &Decision, entry: &LedgerEntry) -> Result<(), Error> {
        let doing = "writing a decision";
        let json = |r: serde_json::Result<String>| r.map_err(|_| torn(doing));
        let (shared, text) = (json(serde_json::to_string(&entry.shared))?, json(serde_json::to_string(decision))?);
        let user = self.stream_id(&entry.stream)?;
        let (group, expires) = (entry.exclusive.as_deref(), entry.expires_at.map(|t| t.0));
        let row = params![
            &*entry.id,
            &*entry.source,
            &*entry.task,
            user,
            shared,
            entry.at.0,
            entry.utc_offset_min,
            text,
            &*entry.touch,
            signed(entry.session),
            group,
            expires
        ];
        self.conn.prepare_cached(DECISION).doing(doing)?.execute(row).doing(doing)?;
        Ok(())
    }

    /// Keeps a refusal.
    pub(crate) fn put_refusal(&mut self, stream: &StreamKey, refusal: &Refusal) -> Result<(), Error> {
        let doing = "writing a refusal";
        let text = serde_json::to_string(refusal).map_err(|_| torn(doing))?;
        let sql = "INSERT INTO refusals (id, task, user, at, refusal) VALUES (?1, ?2, ?3, ?4, ?5)";
        let user = self.stream_id(stream)?;
        let row = params![&*refusal.id, &*refusal.task, user, refusal.at.0, text];
        self.conn.prepare_cached(sql).doing(doing)?.execute(row).doing(doing)?;
        Ok(())
    }

    /// The oldest decisions that are not acknowledged.
    pub(crate) fn decisions(&mut self, limit: usize) -> Result<Vec<Decision>, Error> {
        let doing = "reading the outbox";
        let sql = "SELECT decision FROM decisions WHERE acked = 0 ORDER BY n LIMIT ?1";
        let mut statement = self.conn.prepare_cached(sql).doing(doing)?;
        let mut rows = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)]).doing(doing)?;
        let mut decisions = Vec::new();
        while let Some(r) = rows.next().doing(doing)? {
            let text = r.get_ref(0).doing(doing)?.as_str().map_err(|_| torn(doing))?;
            decisions.push(serde_json::from_str(text).map_err(|_| torn(doing))?);
        }
        Ok(decisions)
    }

    /// Acknowledges decisions; how many were not yet.
    pub(crate) fn ack(&mut self, ids: &[String]) -> Result<usize, Error> {
        let doing = "acknowledging decisions";
        let mut acked = 0;
        for id in ids {
            let sql = "UPDATE decisions SET acked = 1 WHERE id = ?1 AND acked = 0";
            acked += self.conn.prepare_cached(sql).doing(doing)?.execute([id]).doing(doing)?;
        }
        Ok(acked)
    }

    /// What past decisions count; of one stream where it is said.
    pub(crate) fn ledger(&mut self, of: Option<i64>) -> Result<Vec<LedgerEntry>, Error> {
        let doing = "reading past decisions";
        let mut answers = self.answers(of)?;
        let Self { conn, users, .. } = self;
        let mut statement = conn.prepare_cached(LEDGER).doing(doing)?;
        let mut rows = statement.query([of]).doing(doing)?;
        let (mut entries, mut texts) = (Vec::new(), Texts::default());
        while let Some(r) = rows.next().doing(doing)? {
            let stream = match r.get(3).doing(doing)? {
                schema::DEVICE => StreamKey::Device,
                schema::ANONYMOUS => StreamKey::User(None),
                id => StreamKey::User(Some(users.name(conn, id)?.ok_or_else(|| torn(doing))?)),
            };
            let mut entry = entry(r, stream, &mut texts).doing(doing)?.ok_or_else(|| torn(doing))?;
            entry.answers = answers.remove(&entry.id).unwrap_or_default();
            entries.push(entry);
        }
        Ok(entries)
    }

    /// The feedback to decisions; of one stream where it is said.
    fn answers(&mut self, of: Option<i64>) -> Result<FxHashMap<Arc<str>, Answers>, Error> {
        let doing = "reading feedback";
        let mut statement = self.conn.prepare_cached(FEEDBACK).doing(doing)?;
        let mut rows = statement.query([of]).doing(doing)?;
        let mut all: FxHashMap<Arc<str>, Answers> = FxHashMap::default();
        while let Some(r) = rows.next().doing(doing)? {
            let (decision, kind): (String, i64) = (r.get(0).doing(doing)?, r.get(1).doing(doing)?);
            let kind = FeedbackKind::of_code(kind).ok_or_else(|| torn(doing))?;
            let answers = all.entry(decision.into()).or_default();
            let at = Some(Timestamp(r.get(2).doing(doing)?));
            answers.iter_mut().skip(kind as usize).take(1).for_each(|slot| *slot = at);
        }
        Ok(all)
    }

    /// Forgets acknowledged decisions before what `before` says of their streams, with their feedback, and what is over
    /// the limits.
    pub(crate) fn trim_outbox(&mut self, before: super::state::Before<'_>) -> Result<(), Error> {
        let doing = "forgetting old decisions";
        let (mut gone, undrained) = (0, self.undrained()?);
        for (id, stream, oldest) in self.oldest_of_each("SELECT user, min(at) FROM decisions GROUP BY user")? {
            let before = before(&stream, self.folded(id)?);
            if oldest < before {
                let old = "DELETE FROM decisions WHERE user = ?1 AND acked = 1 AND at < ?2
                  AND (n <= ?3 OR n <= (SELECT max(n) FROM decisions) - ?4)";
                gone += self.conn.execute(old, params![id, before.0, undrained, OUTBOX]).doing(doing)?;
                let over = "DELETE FROM decisions WHERE user = ?1 AND acked = 0 AND at < ?2
                  AND n <= (SELECT max(n) FROM decisions) - ?3";
                gone += self.conn.execute(over, params![id, before.0, OUTBOX]).doing(doing)?;
            }
        }
        if gone > 0 {
            let sql = "DELETE FROM feedback WHERE decision NOT IN (SELECT id FROM decisions)";
            self.conn.execute(sql, []).doing(doing)?;
        }
        self.trim_trails(gone > 0)?;
        let over = "DELETE FROM refusals WHERE n <= (SELECT max(n) FROM refusals) - ?1";
        self.conn.execute(over, [REFUSALS]).doing(doing)?;
        Ok(())
    }
}

/// Texts of rows, each in memory once: most come again and again.
#[derive(Default)]
struct Texts(FxHashSet<Arc<str>>);

impl Texts {
    fn of(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.0.insert(new.clone());
        new
    }
}

/// A past decision without its feedback; `None`: its row is torn.
fn entry(r: &Row<'_>, stream: StreamKey, texts: &mut Texts) -> rusqlite::Result<Option<LedgerEntry>> {
    let text = |at: usize| Ok::<_, rusqlite::Error>(r.get_ref(at)?.as_str()?);
    let shared = text(4)?;
    let shared = if shared == "[]" { Ok(Vec::new()) } else { serde_json::from_str(shared) };
    let Ok(shared) = shared else { return Ok(None) };
    Ok(Some(LedgerEntry {
        id: text(0)?.into(),
        stream,
        source: texts.of(text(1)?),
        task: texts.of(text(2)?),
        touch: texts.of(text(7)?),
        shared,
        exclusive: r.get_ref(9)?.as_str_or_null()?.map(|group| texts.of(group)),
        at: Timestamp(r.get(5)?),
        utc_offset_min: r.get(6)?,
        session: unsigned(r.get(8)?),
        expires_at: r.get::<_, Option<i64>>(10)?.map(Timestamp),
        answers: Answers::default(),
    }))
}
