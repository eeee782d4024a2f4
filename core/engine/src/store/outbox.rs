//! Decisions until they are acknowledged, and what past decisions count; refusals with their reasons.

use ensue_rule::Timestamp;
use rusqlite::params;

use super::{Doing, Store, schema, torn};
use crate::dispatch::LedgerEntry;
use crate::error::Error;
use crate::log::StreamKey;
use crate::outcome::{Decision, Refusal};

/// Decisions kept that nobody acknowledges; the oldest go first.
const OUTBOX: i64 = 10_000;

/// Refusals kept; the oldest go first.
const REFUSALS: i64 = 10_000;

const DECISION: &str = "INSERT OR IGNORE INTO decisions
  (id, source, task, user, shared, at, utc_offset_min, decision) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

impl Store {
    /// Puts a decision in the outbox, with what caps and cooldowns need of it.
    pub(crate) fn put_decision(
        &mut self,
        stream: &StreamKey,
        decision: &Decision,
        entry: &LedgerEntry,
    ) -> Result<(), Error> {
        let doing = "writing a decision";
        let json = |r: serde_json::Result<String>| r.map_err(|_| torn(doing));
        let (shared, text) = (json(serde_json::to_string(&entry.shared))?, json(serde_json::to_string(decision))?);
        let user = self.stream_id(stream)?;
        let row =
            params![&*decision.id, &*entry.source, &*entry.task, user, shared, entry.at.0, entry.utc_offset_min, text];
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
        let sql = "SELECT source, task, user, shared, at, utc_offset_min FROM decisions
          WHERE ?1 IS NULL OR user = ?1 ORDER BY n";
        let Self { conn, users, .. } = self;
        let mut statement = conn.prepare_cached(sql).doing(doing)?;
        let mut rows = statement.query([of]).doing(doing)?;
        let mut entries = Vec::new();
        while let Some(r) = rows.next().doing(doing)? {
            let shared: String = r.get(3).doing(doing)?;
            let user = match r.get(2).doing(doing)? {
                schema::DEVICE | schema::ANONYMOUS => None,
                id => Some(users.name(conn, id)?.ok_or_else(|| torn(doing))?),
            };
            entries.push(LedgerEntry {
                source: r.get::<_, String>(0).doing(doing)?.into(),
                task: r.get::<_, String>(1).doing(doing)?.into(),
                user,
                shared: serde_json::from_str(&shared).map_err(|_| torn(doing))?,
                at: Timestamp(r.get(4).doing(doing)?),
                utc_offset_min: r.get(5).doing(doing)?,
            });
        }
        Ok(entries)
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
