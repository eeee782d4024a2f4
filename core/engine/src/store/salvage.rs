//! From one file into another: all that a store knows beside the events, for a file that is torn; all of it, for one that is gone
//! but still open.

use std::path::{Path, PathBuf};

use ensue_rule::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::open::{beside, set_aside, unusable};
use super::{Doing, Opened, Store, journal};
use crate::config::Place;
use crate::error::Error;

/// What is carried over; events, and names of what is in them, are not.
const TABLES: [&str; 12] = [
    "users",
    "streams",
    "numbers",
    "sets",
    "tasks",
    "bounds",
    "decisions",
    "refusals",
    "feedback",
    "held",
    "calls",
    "counts",
];

/// What is known beside the events.
#[derive(Debug)]
pub(crate) struct Known {
    /// Rows with their tables.
    rows: Vec<(&'static str, Vec<Value>)>,
    /// Entries of the journal that could not be moved into their tables.
    entries: Vec<u8>,
}

impl Store {
    /// All rows but those of events, as far as they can be read.
    pub(crate) fn salvage(&mut self) -> Known {
        // With what is in the journal, where that can still be moved; else it is carried over as it is.
        let _ = self.db.post();
        let entries = journal::beside_events(self.db.waiting());
        let conn = self.db.file();
        let rows = TABLES.iter().flat_map(|table| rows(conn, table).into_iter().map(|row| (*table, row))).collect();
        Known { rows, entries }
    }

    /// Takes what is known over into a fresh store, whose arrival numbers go on from `next_seq`.
    pub(crate) fn refill(&mut self, known: Known, next_seq: u64) -> Result<(), Error> {
        let doing = "writing what is known into a fresh file";
        self.begin();
        for (table, row) in known.rows {
            let places = vec!["?"; row.len()].join(", ");
            let sql = format!("INSERT OR REPLACE INTO {table} VALUES ({places})");
            self.db.writable()?.prepare_cached(&sql).doing(doing)?.execute(params_from_iter(row)).doing(doing)?;
        }
        journal::post(self.db.writable()?, &known.entries)?;
        self.next_seq = self.next_seq.max(next_seq);
        self.commit()
    }

    /// A fresh store at `path`; what is there is set aside.
    pub(crate) fn replace(path: &Path, now: Timestamp) -> Result<Opened, Error> {
        if path.exists() { Self::begin_afresh(path, now) } else { Self::open(&Place::File(path.to_owned()), now) }
    }

    /// Goes on in a file that has all of this one, at the path where this one was: it was deleted while it is open, or another is
    /// in its place, which is set aside. Not within a transaction. Under which name something was set aside.
    pub(crate) fn write_anew(&mut self, now: Timestamp) -> Result<Option<PathBuf>, Error> {
        let doing = "writing the file anew";
        let Some((path, _)) = self.file.clone() else { return Ok(None) };
        let anew = beside(&path, ".anew");
        let Some(name) = anew.to_str() else { return Err(unusable(&path, "its name is no UTF-8")) };
        // Of a process that was killed here.
        let _ = std::fs::remove_file(&anew);
        let copied = self.db.post().and_then(|()| self.db.file().execute("VACUUM INTO ?1", [name]).doing(doing));
        let placed = copied.and_then(|_| put_in_place(&anew, &path, now));
        let (store, set_aside) = match placed.and_then(|aside| Ok((Self::reopen(&path)?, aside))) {
            Ok(done) => done,
            Err(error) => {
                let _ = std::fs::remove_file(&anew);
                return Err(error);
            }
        };
        self.let_go();
        let before = std::mem::replace(self, store);
        self.summary = before.summary.clone();
        self.next_seq = self.next_seq.max(before.next_seq);
        Ok(set_aside)
    }

    /// Before it is dropped: what is beside the path is not its own any more.
    pub(crate) fn let_go(&mut self) {
        self.db.let_go();
    }

    /// Whether the file is not where it was opened any more: it was deleted, or another is in its place.
    pub(crate) fn is_gone(&self) -> bool {
        self.file.as_ref().is_some_and(|(path, id)| match identity(path) {
            Ok(found) => found != *id,
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        })
    }
}

/// Puts a file under its name, once it is on the disk; what has that name is set aside.
fn put_in_place(anew: &Path, path: &Path, now: Timestamp) -> Result<Option<PathBuf>, Error> {
    let failed = |e: std::io::Error| unusable(path, &e.to_string());
    // Nobody has it open yet: to close it here takes nobody's lock away.
    std::fs::OpenOptions::new().write(true).open(anew).and_then(|file| file.sync_all()).map_err(failed)?;
    let aside = if path.exists() { Some(set_aside(path, now)?) } else { None };
    // The logs of the file that is gone: whoever has them open still reads them, and a new file must not find them.
    for suffix in ["-wal", "-entries"] {
        let _ = std::fs::remove_file(beside(path, suffix));
    }
    std::fs::rename(anew, path).map(|()| aside).map_err(failed)
}

/// The rows of a table up to the first that cannot be read.
fn rows(conn: &Connection, table: &str) -> Vec<Vec<Value>> {
    let mut found = Vec::new();
    let Ok(mut statement) = conn.prepare(&format!("SELECT * FROM {table}")) else { return found };
    let columns = statement.column_count();
    let Ok(mut rows) = statement.query([]) else { return found };
    while let Ok(Some(row)) = rows.next() {
        let Ok(values) = (0..columns).map(|i| row.get(i)).collect() else { return found };
        found.push(values);
    }
    found
}

/// Which file stands at a path.
pub(super) fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|of| identity_of(&of))
}

/// Which file it is.
#[cfg(unix)]
pub(super) fn identity_of(file: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

/// Which file it is: elsewhere an open file cannot be taken away.
#[cfg(not(unix))]
pub(super) fn identity_of(_: &std::fs::Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::journal::{Cell, Statement};

    #[test]
    fn what_is_in_the_journal_beside_events_is_carried_over_from_a_torn_file() {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| Store::open(&Place::File(dir.path().join(name)), Timestamp(0)).unwrap().store;
        let mut old = open("old.db");
        old.db.begin_anew().unwrap();
        old.begin();
        let [seq, user, ts, action, flags] = [1, 0, 1_000, 1, 0].map(Cell::Int);
        old.db.write(Statement::Event, &[seq, user, ts, action, flags, Cell::Bytes(&[0])]).unwrap();
        old.put_number("kept", 7).unwrap();
        old.commit().unwrap();
        old.db.file().execute_batch("DROP TABLE events").unwrap();
        assert!(old.number("kept").is_err());

        let (known, mut fresh) = (old.salvage(), open("fresh.db"));
        fresh.refill(known, 9).unwrap();
        assert_eq!((fresh.number("kept").unwrap(), fresh.next_seq()), (Some(7), 9));
        assert_eq!(fresh.held().unwrap().rows, 0);
    }
}
