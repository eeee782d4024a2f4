//! What may leave, from where on, and how far it has been fetched.

use rusqlite::params;

use super::numbering::Series;
use super::{Doing, Store, torn};
use crate::error::Error;
use crate::feedback::FeedbackKind;
use crate::uplink::{Consent, Cursor};

/// Mark: decisions (feedback, counters) may leave whose number is above it.
const DECISIONS: &str = "consent_decisions";
const FEEDBACK: &str = "consent_feedback";
const COUNTERS: &str = "consent_counters";

/// Up to which number they have arrived.
const DRAINED_DECISIONS: &str = "drained_decisions";
const DRAINED_FEEDBACK: &str = "drained_feedback";

/// A row with its number, as JSON.
pub(crate) type Numbered = (i64, String);

impl Store {
    /// What may leave.
    pub(crate) fn consent(&mut self) -> Result<Consent, Error> {
        Ok(Consent {
            decisions: self.number(DECISIONS)?.is_some(),
            feedback: self.number(FEEDBACK)?.is_some(),
            counters: self.number(COUNTERS)?.is_some(),
        })
    }

    /// Changes what may leave: what was made before a consent does not leave by it.
    pub(crate) fn put_consent(&mut self, wanted: Consent) -> Result<(), Error> {
        let given = self.consent()?;
        if wanted.counters && !given.counters {
            self.reset_counts()?;
        }
        let last = self.last_numbers()?;
        for (name, wanted, given, from) in [
            (DECISIONS, wanted.decisions, given.decisions, last.decisions),
            (FEEDBACK, wanted.feedback, given.feedback, last.feedback),
            (COUNTERS, wanted.counters, given.counters, last.counters),
        ] {
            let doing = "writing what may leave";
            if wanted && !given {
                self.put_number(name, from)?;
            } else if given && !wanted {
                self.db.writable()?.execute("DELETE FROM numbers WHERE name = ?1", [name]).doing(doing)?;
            }
        }
        Ok(())
    }

    /// The numbers given last.
    pub(crate) fn last_numbers(&mut self) -> Result<Cursor, Error> {
        Ok(Cursor {
            decisions: self.last_number(Series::Decisions)?,
            feedback: self.last_number(Series::Feedback)?,
            counters: self.last_number(Series::Changes)?,
        })
    }

    /// From where on decisions and feedback may leave; `None`: they may not.
    pub(crate) fn may_leave(&mut self) -> Result<(Option<i64>, Option<i64>), Error> {
        Ok((self.number(DECISIONS)?, self.number(FEEDBACK)?))
    }

    /// Decisions after a number that say something.
    pub(crate) fn decisions_after(&mut self, n: i64, limit: i64) -> Result<Vec<Numbered>, Error> {
        let sql = "SELECT n, decision FROM decisions WHERE n > ?1 AND decision <> '' ORDER BY n LIMIT ?2";
        let mut statement = self.db.tables()?.prepare_cached(sql).doing("draining decisions")?;
        let rows = statement.query_map(params![n, limit], |r| Ok((r.get(0)?, r.get(1)?)));
        rows.doing("draining decisions")?.collect::<rusqlite::Result<_>>().doing("draining decisions")
    }

    /// Feedback after a number.
    pub(crate) fn feedback_after(&mut self, n: i64, limit: i64) -> Result<Vec<Numbered>, Error> {
        let doing = "draining feedback";
        let sql = "SELECT n, decision, kind, at FROM feedback WHERE n > ?1 ORDER BY n LIMIT ?2";
        let mut statement = self.db.tables()?.prepare_cached(sql).doing(doing)?;
        let row = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?));
        let rows: Vec<(i64, String, i64, i64)> =
            statement.query_map(params![n, limit], row).doing(doing)?.collect::<rusqlite::Result<_>>().doing(doing)?;
        let json = |(n, decision, kind, at): (i64, String, i64, i64)| {
            let kind = FeedbackKind::of_code(kind).ok_or_else(|| torn(doing))?;
            Ok((n, serde_json::json!({"decision": decision, "feedback": kind.as_str(), "at": at}).to_string()))
        };
        rows.into_iter().map(json).collect()
    }

    /// Remembers up to where batches have arrived: what is after it is kept for the next.
    pub(crate) fn put_drained(&mut self, upto: Cursor) -> Result<(), Error> {
        for (name, n) in [(DRAINED_DECISIONS, upto.decisions), (DRAINED_FEEDBACK, upto.feedback)] {
            let old = self.number(name)?.unwrap_or(0);
            if n > old {
                self.put_number(name, n)?;
            }
        }
        Ok(())
    }

    /// Decisions above this number are still to leave.
    pub(super) fn undrained(&mut self) -> Result<i64, Error> {
        let Some(from) = self.number(DECISIONS)? else { return Ok(i64::MAX) };
        Ok(self.number(DRAINED_DECISIONS)?.unwrap_or(0).max(from))
    }
}
