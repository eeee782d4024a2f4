//! Counters of tasks, one row a version.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};

use super::journal::Statement;
use super::numbering::Series;
use super::{Doing, Store, torn};
use crate::counts::{Counts, CountsOf};
use crate::error::Error;

/// From which arrival number on they count; absent: from the beginning.
const SINCE_SEQ: &str = "counts_since";

/// Rows kept; those that changed longest ago go first.
const ROWS: i64 = 4_096;

/// Counters remembered, so that counting need not read them first.
const COUNTED: usize = 256;

/// Counters as they stand in the file.
pub(super) type Counted = BTreeMap<CountsOf, Counts>;

/// Stands for no version.
const NONE: i64 = i64::MIN;

impl Store {
    /// Adds to the counters of a task.
    pub(crate) fn add_counts(&mut self, of: &CountsOf, more: &Counts) -> Result<(), Error> {
        let doing = "writing counters";
        let changed = self.last_number(Series::Changes)? + 1;
        let version = of.version.unwrap_or(NONE);
        let known = self.counted.remove(of).map_or_else(|| self.stored_counts(of), |known| Ok(Some(known)))?;
        let fresh = known.is_none();
        let mut counts = known.unwrap_or_default();
        counts.merge(more);
        let text = serde_json::to_string(&counts).map_err(|_| torn(doing))?;
        let (source, task) = ((&*of.source).into(), (&*of.task).into());
        self.db.write(Statement::Counts, &[source, task, version.into(), changed.into(), (&*text).into()])?;
        self.gave(Series::Changes, changed);
        if self.counted.len() >= COUNTED {
            self.counted.clear();
        }
        self.counted.insert(of.clone(), counts);
        if fresh {
            let sql = "DELETE FROM counts WHERE changed <=
              (SELECT changed FROM counts ORDER BY changed DESC LIMIT 1 OFFSET ?1)";
            if self.db.writable()?.prepare_cached(sql).doing(doing)?.execute([ROWS]).doing(doing)? > 0 {
                self.counted.clear();
            }
        }
        Ok(())
    }

    /// The counters of a task as they stand.
    fn stored_counts(&mut self, of: &CountsOf) -> Result<Option<Counts>, Error> {
        let doing = "reading counters";
        let sql = "SELECT counts FROM counts WHERE source = ?1 AND task = ?2 AND version = ?3";
        let key = params![&*of.source, &*of.task, of.version.unwrap_or(NONE)];
        let text: Option<String> =
            self.db.tables()?.prepare_cached(sql).doing(doing)?.query_row(key, |r| r.get(0)).optional().doing(doing)?;
        text.map(|t| serde_json::from_str(&t).map_err(|_| torn(doing))).transpose()
    }

    /// The counters that changed after a change, in the order of their last change; with its number.
    pub(crate) fn counts(&mut self, after: i64) -> Result<Vec<(i64, CountsOf, Counts)>, Error> {
        let doing = "reading counters";
        let sql = "SELECT changed, source, task, version, counts FROM counts WHERE changed > ?1 ORDER BY changed";
        let mut statement = self.db.tables()?.prepare_cached(sql).doing(doing)?;
        let row = |r: &Row<'_>| {
            let version = Some(r.get(3)?).filter(|v| *v != NONE);
            let of = CountsOf { source: r.get::<_, String>(1)?.into(), task: r.get::<_, String>(2)?.into(), version };
            Ok((r.get(0)?, of, r.get::<_, String>(4)?))
        };
        let rows: Vec<_> =
            statement.query_map([after], row).doing(doing)?.collect::<rusqlite::Result<_>>().doing(doing)?;
        let read = |(changed, of, text): (i64, CountsOf, String)| {
            Ok((changed, of, serde_json::from_str(&text).map_err(|_| torn(doing))?))
        };
        rows.into_iter().map(read).collect()
    }

    /// Begins all counters anew; from this arrival number on, stages too.
    pub(crate) fn reset_counts(&mut self) -> Result<(), Error> {
        self.erase_counts()?;
        self.put_number(SINCE_SEQ, super::signed(self.next_seq))
    }

    /// Erases all counters.
    pub(super) fn erase_counts(&mut self) -> Result<(), Error> {
        self.mark_numbers()?;
        self.counted.clear();
        self.db.writable()?.execute("DELETE FROM counts", []).map(|_| ()).doing("erasing counters")
    }

    /// From which arrival number on counters count.
    pub(crate) fn counted_from(&mut self) -> Result<u64, Error> {
        Ok(self.number(SINCE_SEQ)?.map_or(0, super::unsigned))
    }
}
