//! Counters of tasks, one row a version.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Params, Row, params};

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
const COUNTED: usize = 1_024;

/// Stands for no version.
const NONE: i64 = i64::MIN;

/// Counters as they stand in the file.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Of tasks that counted lately, or of all.
    known: BTreeMap<CountsOf, Counts>,
    /// How many rows there are; `None`: nobody has looked.
    rows: Option<i64>,
}

impl Counted {
    /// Nothing is known of the file any more.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Whether no others have a row.
    fn is_whole(&self) -> bool {
        self.rows.is_some() && self.rows == i64::try_from(self.known.len()).ok()
    }

    /// Counters were written, of which there was no row if they are `fresh`.
    fn put(&mut self, of: CountsOf, counts: Counts, fresh: bool) {
        if self.known.len() >= COUNTED {
            self.known.clear();
        }
        self.known.insert(of, counts);
        self.rows = self.rows.map(|n| n + i64::from(fresh));
    }
}

impl Store {
    /// Looks at the counters that there are, so that a batch that counts need not read.
    pub(crate) fn look_at_counts(&mut self) -> Result<(), Error> {
        let doing = "reading counters";
        let rows = self.db.tables()?.query_row("SELECT count(*) FROM counts", [], |r| r.get(0)).doing(doing)?;
        let last = self.count_rows(&format!("TRUE ORDER BY changed DESC LIMIT {COUNTED}"), []);
        // Where one of them does not read, each is read when it counts on: the others are not in its way.
        let known = last.into_iter().flatten().map(|(_, of, counts)| (of, counts)).collect();
        self.counted = Counted { known, rows: Some(rows) };
        Ok(())
    }

    /// Adds to the counters of a task.
    pub(crate) fn add_counts(&mut self, of: &CountsOf, more: &Counts) -> Result<(), Error> {
        let doing = "writing counters";
        if self.counted.rows.is_none() {
            self.look_at_counts()?;
        }
        let changed = self.last_number(Series::Changes)? + 1;
        let (version, whole) = (of.version.unwrap_or(NONE), self.counted.is_whole());
        let known = match self.counted.known.remove(of) {
            None if !whole => self.stored_counts(of)?,
            known => known,
        };
        let fresh = known.is_none();
        let mut counts = known.unwrap_or_default();
        counts.merge(more);
        let text = serde_json::to_string(&counts).map_err(|_| torn(doing))?;
        let (source, task) = ((&*of.source).into(), (&*of.task).into());
        self.db.write(Statement::Counts, &[source, task, version.into(), changed.into(), (&*text).into()])?;
        self.gave(Series::Changes, changed);
        self.counted.put(of.clone(), counts, fresh);
        if self.counted.rows.is_some_and(|n| n > ROWS) { self.drop_oldest_counts() } else { Ok(()) }
    }

    /// Drops the counters that changed longest ago, of those that are too many.
    fn drop_oldest_counts(&mut self) -> Result<(), Error> {
        let doing = "writing counters";
        let sql = "DELETE FROM counts WHERE changed <=
          (SELECT changed FROM counts ORDER BY changed DESC LIMIT 1 OFFSET ?1)";
        self.counted.forget();
        self.db.writable()?.prepare_cached(sql).doing(doing)?.execute([ROWS]).doing(doing)?;
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
        self.count_rows("changed > ?1 ORDER BY changed", [after])
    }

    /// Rows of counters with the number of their last change, as `which` says of them.
    fn count_rows(&mut self, which: &str, of: impl Params) -> Result<Vec<(i64, CountsOf, Counts)>, Error> {
        let doing = "reading counters";
        let sql = format!("SELECT changed, source, task, version, counts FROM counts WHERE {which}");
        let mut statement = self.db.tables()?.prepare_cached(&sql).doing(doing)?;
        let row = |r: &Row<'_>| {
            let version = Some(r.get(3)?).filter(|v| *v != NONE);
            let of = CountsOf { source: r.get::<_, String>(1)?.into(), task: r.get::<_, String>(2)?.into(), version };
            Ok((r.get(0)?, of, r.get::<_, String>(4)?))
        };
        let rows: Vec<_> = statement.query_map(of, row).doing(doing)?.collect::<rusqlite::Result<_>>().doing(doing)?;
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
        self.counted.forget();
        self.db.writable()?.execute("DELETE FROM counts", []).map(|_| ()).doing("erasing counters")
    }

    /// From which arrival number on counters count.
    pub(crate) fn counted_from(&mut self) -> Result<u64, Error> {
        Ok(self.number(SINCE_SEQ)?.map_or(0, super::unsigned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Place;
    use ensue_rule::Timestamp;

    fn of(n: i64) -> CountsOf {
        CountsOf { source: "s".into(), task: "t".into(), version: Some(n) }
    }

    fn add(store: &mut Store, n: i64) {
        store.begin();
        store.add_counts(&of(n), &Counts { matches: 1, ..Counts::default() }).unwrap();
        store.commit().unwrap();
    }

    #[test]
    fn of_too_many_those_go_that_changed_longest_ago() {
        let mut store = Store::open(&Place::Memory, Timestamp(0)).unwrap().store;
        (0..ROWS + 3).for_each(|n| add(&mut store, n));
        let rows = store.counts(0).unwrap();
        assert_eq!((rows.len(), &rows[0].1), (4_096, &of(3)));
        // Of one that is not remembered what is stored counts on.
        assert!(!store.counted.is_whole());
        add(&mut store, 3);
        let last = store.counts(0).unwrap().pop().unwrap();
        assert_eq!((last.1, last.2.matches), (of(3), 2));
    }

    #[test]
    fn where_all_are_known_nothing_is_read() {
        let mut store = Store::open(&Place::Memory, Timestamp(0)).unwrap().store;
        store.look_at_counts().unwrap();
        assert!(store.counted.is_whole());
        (0..9).for_each(|n| add(&mut store, n % 3));
        assert!(store.counted.is_whole());
        let known = std::mem::take(&mut store.counted).known;
        store.look_at_counts().unwrap();
        assert_eq!((store.counted.rows, &store.counted.known), (Some(3), &known));
        // What was given up is not known any more.
        store.begin();
        store.add_counts(&of(7), &Counts::default()).unwrap();
        store.rollback();
        assert!(!store.counted.is_whole());
        assert_eq!(store.counts(0).unwrap().len(), 3);
    }

    #[test]
    fn counters_that_do_not_read_are_in_nobody_elses_way() {
        let mut store = Store::open(&Place::Memory, Timestamp(0)).unwrap().store;
        (0..3).for_each(|n| add(&mut store, n));
        store.db.writable().unwrap().execute("UPDATE counts SET counts = '{' WHERE version = 1", []).unwrap();
        store.counted.forget();
        [0, 2, 3].into_iter().for_each(|n| add(&mut store, n));
        assert_eq!(store.counted.rows, Some(4));
        store.begin();
        assert!(store.add_counts(&of(1), &Counts::default()).unwrap_err().is_store());
    }
}
