//! Forgetting events that no task can look at any more, in steps that never take long.
//!
//! A row stays as long as a task that wants it may bind it: its window, behind its user's time. A pass goes through the
//! log from its beginning, some rows a step, and starts over when it has come to the end.

use ensue_rule::{Duration, Timestamp};
use rusqlite::params;

use super::{Doing, Store, signed, unsigned};
use crate::error::Error;

/// Rows looked at in a step.
const STEP: i64 = 4_096;

/// Pages given back to the system in a step.
const PAGES: u32 = 256;

const NEXT: &str = "SELECT seq, user, ts, action, body FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2";

/// How long a row stays.
pub(crate) struct Keep<'a> {
    /// For how long tasks may look at events of this action type and scene; `None`: no task wants them.
    pub(crate) window: &'a dyn Fn(&str, Option<&str>) -> Option<Duration>,
    /// The longest window.
    pub(crate) longest: Duration,
    /// The time of a user (`Some`), or of the device.
    pub(crate) time: &'a dyn Fn(Option<&str>, bool) -> Timestamp,
}

impl Store {
    /// One step; whether there may be more to forget.
    pub(crate) fn forget_step(&mut self, keep: &Keep<'_>) -> Result<bool, Error> {
        let doing = "forgetting old events";
        let mut statement = self.conn.prepare_cached(NEXT).doing(doing)?;
        let mut rows = statement.query(params![signed(self.retained_to), STEP]).doing(doing)?;
        let (mut candidates, mut last, mut seen) = (Vec::new(), 0, 0);
        while let Some(r) = rows.next().doing(doing)? {
            last = r.get::<_, i64>(0).doing(doing)?;
            seen += 1;
            let (user, ts): (i64, i64) = (r.get(1).doing(doing)?, r.get(2).doing(doing)?);
            candidates.push((
                last,
                user,
                Timestamp(ts),
                r.get::<_, i64>(3).doing(doing)?,
                r.get::<_, Vec<u8>>(4).doing(doing)?,
            ));
        }
        drop(rows);
        drop(statement);
        let mut gone = 0;
        for (seq, user, ts, action, body) in candidates {
            if self.is_over(keep, (user, ts), action, &body)? {
                let sql = "DELETE FROM events WHERE seq = ?1";
                gone += self.conn.prepare_cached(sql).doing(doing)?.execute([seq]).doing(doing)?;
            }
        }
        let more = seen == STEP;
        self.retained_to = if more { unsigned(last) } else { 0 };
        if gone > 0 {
            self.conn.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES})")).doing(doing)?;
        }
        Ok(more)
    }

    fn is_over(
        &mut self,
        keep: &Keep<'_>,
        (user, ts): (i64, Timestamp),
        action: i64,
        body: &[u8],
    ) -> Result<bool, Error> {
        let time = match user {
            super::schema::DEVICE => (keep.time)(None, true),
            super::schema::ANONYMOUS => (keep.time)(None, false),
            id => {
                let name = self.users.name(&self.conn, id)?;
                name.map_or(Timestamp::MAX, |name| (keep.time)(Some(&name), false))
            }
        };
        if time.since(ts) < Duration(0) {
            return Ok(false);
        }
        let window = match action {
            0 => Some(keep.longest),
            _ => match self.kind_of(action, body)? {
                Some((action, scene)) => (keep.window)(&action, scene.as_deref()),
                None => None,
            },
        };
        Ok(window.is_none_or(|w| ts.plus(w) <= time))
    }
}
