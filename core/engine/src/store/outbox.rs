//! Decisions until they are acknowledged, and what past decisions count; refusals with their reasons. Both with where
//! they came from, which [`origins`](super::origins) reads.

use std::sync::Arc;

use ensue_rule::{Duration, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Row, params};
use rustc_hash::{FxHashMap, FxHashSet};

use super::journal::Statement;
use super::numbering::Series;
use super::origins::Origin;
use super::{Doing, Store, schema, signed, torn, unsigned};
use crate::dispatch::{Answers, LedgerEntry, MEMORY};
use crate::error::Error;
use crate::feedback::FeedbackKind;
use crate::log::{Counts, StreamKey};
use crate::outcome::{Decision, Refusal};

/// Decisions kept that nobody acknowledges or that wait for feedback; the oldest go first.
const OUTBOX: i64 = 10_000;

/// Refusals kept; the oldest go first.
const REFUSALS: i64 = 10_000;

const LEDGER: &str = "SELECT d.id, d.source, d.task, d.user, d.shared, d.at, d.utc_offset_min, d.touch, d.session,
  d.exclusive, d.expires, s.folded FROM decisions AS d LEFT JOIN streams AS s ON s.user = d.user";

/// Of most decisions there is none, so it is read by itself.
const FEEDBACK: &str = "SELECT decision, kind, at FROM feedback";

/// What no control can count any more, in a stream (?1) whose decisions are counted from ?2 on, and whose time is ?3. It goes
/// where the newest ?6 are kept without it; before that, once feedback is over (?4), it was acknowledged, and fetched (?5).
const TRIM: &str = "DELETE FROM decisions WHERE user = ?1 AND at < ?2
  AND (exclusive IS NULL OR coalesce(expires <= ?3, 1))
  AND NOT EXISTS (SELECT 1 FROM feedback WHERE decision = decisions.id AND feedback.at >= ?2)
  AND (n <= (SELECT max(n) FROM decisions) - ?6 OR (acked = 1 AND at < ?4 AND n <= ?5))";

/// Whose past decisions are meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decided<'a> {
    /// Everyone's.
    All,
    /// Those of a stream.
    Of(i64),
    /// One, by its id.
    One(&'a str),
}

/// A decision, with what controls count of it and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) decision: Decision,
    pub(crate) entry: LedgerEntry,
    pub(crate) origin: Origin,
}

/// A refusal, with its stream, its task's source, and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) stream: StreamKey,
    pub(crate) source: Arc<str>,
    pub(crate) refusal: Refusal,
    pub(crate) origin: Origin,
}

impl Store {
    /// Puts a decision in the outbox.
    pub(crate) fn put_decision(&mut self, made: &Made) -> Result<(), Error> {
        let doing = "writing a decision";
        let Made { decision, entry, origin } = made;
        let json = |r: serde_json::Result<String>| r.map_err(|_| torn(doing));
        let (shared, text) = (json(serde_json::to_string(&entry.shared))?, json(serde_json::to_string(decision))?);
        let (bound, checks) = origin.to_json(doing)?;
        let n = self.last_number(Series::Decisions)? + 1;
        let user = self.stream_id(&entry.stream)?;
        let (group, expires) = (entry.exclusive.as_deref(), entry.expires_at.map(|t| t.0));
        self.db.write(
            Statement::Decision,
            &[
                n.into(),
                (&*entry.id).into(),
                (&*entry.source).into(),
                (&*entry.task).into(),
                user.into(),
                (&*shared).into(),
                entry.at.0.into(),
                i64::from(entry.utc_offset_min).into(),
                (&*text).into(),
                (&*entry.touch).into(),
                signed(entry.session).into(),
                group.into(),
                expires.into(),
                bound.as_deref().into(),
                (&*checks).into(),
            ],
        )?;
        self.gave(Series::Decisions, n);
        Ok(())
    }

    /// Keeps a refusal.
    pub(crate) fn put_refusal(&mut self, refused: &Refused) -> Result<(), Error> {
        let doing = "writing a refusal";
        let Refused { stream, source, refusal, origin } = refused;
        let text = serde_json::to_string(refusal).map_err(|_| torn(doing))?;
        let (bound, checks) = origin.to_json(doing)?;
        let (user, reason) = (self.stream_id(stream)?, refusal.reason.as_str());
        let (id, source, task) = ((&*refusal.id).into(), (&**source).into(), (&*refusal.task).into());
        let (at, bound, checks) = (refusal.at.0.into(), bound.as_deref().into(), (&*checks).into());
        let row = [id, source, task, user.into(), at, reason.into(), (&*text).into(), bound, checks];
        self.db.write(Statement::Refusal, &row)
    }

    /// The oldest decisions that are not acknowledged.
    pub(crate) fn decisions(&mut self, limit: usize) -> Result<Vec<Decision>, Error> {
        let doing = "reading the outbox";
        let none_waits = self.last_number(Series::Decisions)? + 1;
        let sql = "SELECT n, decision FROM decisions WHERE n >= ?1 AND acked = 0 ORDER BY n LIMIT ?2";
        let mut statement = self.db.tables()?.prepare_cached(sql).doing(doing)?;
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query([self.outbox_from, most]).doing(doing)?;
        let (mut decisions, mut first) = (Vec::new(), None);
        while let Some(r) = rows.next().doing(doing)? {
            first.get_or_insert(r.get(0).doing(doing)?);
            let text = r.get_ref(1).doing(doing)?.as_str().map_err(|_| torn(doing))?;
            decisions.push(serde_json::from_str(text).map_err(|_| torn(doing))?);
        }
        if limit > 0 {
            self.outbox_from = first.unwrap_or(none_waits);
        }
        Ok(decisions)
    }

    /// Acknowledges decisions; how many were not yet.
    pub(crate) fn ack(&mut self, ids: &[String]) -> Result<usize, Error> {
        let doing = "acknowledging decisions";
        let mut acked = 0;
        for id in ids {
            let sql = "UPDATE decisions SET acked = 1 WHERE id = ?1 AND acked = 0";
            acked += self.db.writable()?.prepare_cached(sql).doing(doing)?.execute([id]).doing(doing)?;
        }
        Ok(acked)
    }

    /// A past decision, whether or not it counts.
    pub(crate) fn past_decision(&mut self, id: &str) -> Result<Option<LedgerEntry>, Error> {
        self.ledger(Decided::One(id), &|_, _| true).map(|mut found| found.pop())
    }

    /// The past decisions that count.
    pub(crate) fn ledger(&mut self, of: Decided<'_>, counts: Counts<'_>) -> Result<Vec<LedgerEntry>, Error> {
        let doing = "reading past decisions";
        let mut answers = self.answers(of)?;
        let Self { db, users, .. } = self;
        let conn = db.tables()?;
        let sql = format!("{LEDGER} WHERE {} ORDER BY d.n", of.is_one_of("d.user = ?1", "d.id = ?1"));
        let mut statement = conn.prepare_cached(&sql).doing(doing)?;
        let mut rows = statement.query([of.named()]).doing(doing)?;
        let (mut entries, mut texts) = (Vec::new(), Texts::default());
        while let Some(r) = rows.next().doing(doing)? {
            let stream = match r.get(3).doing(doing)? {
                schema::DEVICE => StreamKey::Device,
                schema::ANONYMOUS => StreamKey::User(None),
                id => StreamKey::User(Some(users.name(conn, id)?.ok_or_else(|| torn(doing))?)),
            };
            let mut entry = entry(r, stream, &mut texts).doing(doing)?.ok_or_else(|| torn(doing))?;
            entry.answers = answers.remove(&entry.id).unwrap_or_default();
            if counts(&entry, r.get::<_, Option<i64>>(11).doing(doing)?.map(Timestamp)) {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    /// The feedback to decisions.
    fn answers(&mut self, of: Decided<'_>) -> Result<FxHashMap<Arc<str>, Answers>, Error> {
        let doing = "reading feedback";
        let own = "decision IN (SELECT id FROM decisions WHERE user = ?1)";
        let sql = format!("{FEEDBACK} WHERE {}", of.is_one_of(own, "decision = ?1"));
        let mut statement = self.db.tables()?.prepare_cached(&sql).doing(doing)?;
        let mut rows = statement.query([of.named()]).doing(doing)?;
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

    /// Forgets decisions that controls, which look back over `horizon` from what `time` says of a stream, count no more, and
    /// for which feedback would come too late, with theirs; and what is over the limits.
    pub(crate) fn trim_outbox(&mut self, time: super::state::Before<'_>, horizon: Duration) -> Result<(), Error> {
        let doing = "forgetting old decisions";
        let (mut gone, undrained, full) = (0, self.undrained()?, self.is_outbox_full()?);
        for (id, stream, oldest) in self.oldest_of_each("SELECT user, min(at) FROM decisions GROUP BY user")? {
            let now = time(&stream, self.folded(id)?);
            let (counted, answered) = (now.minus(horizon), now.minus(MEMORY));
            if oldest < counted && (full || oldest < answered) {
                self.mark_numbers()?;
                let row = params![id, counted.0, now.0, answered.0, undrained, OUTBOX];
                gone += self.db.writable()?.execute(TRIM, row).doing(doing)?;
            }
        }
        if gone > 0 {
            let sql = "DELETE FROM feedback WHERE decision NOT IN (SELECT id FROM decisions)";
            self.db.writable()?.execute(sql, []).doing(doing)?;
        }
        let over = "DELETE FROM refusals WHERE n <= (SELECT max(n) FROM refusals) - ?1";
        self.db.writable()?.execute(over, [REFUSALS]).doing(doing)?;
        Ok(())
    }

    /// Whether there may be more decisions than are kept for what no control counts.
    fn is_outbox_full(&mut self) -> Result<bool, Error> {
        let doing = "counting decisions";
        let sql = "SELECT coalesce((SELECT max(n) FROM decisions) - (SELECT min(n) FROM decisions), 0) >= ?1";
        self.db.tables()?.prepare_cached(sql).doing(doing)?.query_row([OUTBOX], |r| r.get(0)).doing(doing)
    }
}

impl Decided<'_> {
    /// The condition for a stream or for one; in each ?1 [names](Self::named) it.
    fn is_one_of(self, of: &'static str, one: &'static str) -> &'static str {
        match self {
            Self::All => "?1 IS NULL",
            Self::Of(_) => of,
            Self::One(_) => one,
        }
    }

    fn named(self) -> Value {
        match self {
            Self::All => Value::Null,
            Self::Of(stream) => Value::Integer(stream),
            Self::One(id) => Value::Text(id.to_owned()),
        }
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
