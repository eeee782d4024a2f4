//! The connection, and the two ways in which what a batch writes reaches the file.
//!
//! A small batch that reads nothing is one row of the [`journal`]: a transaction of one page. Any other is a
//! transaction over the tables themselves, which takes the journal in first; so does, outside a batch, whoever reads. Nobody
//! gets at a table but through [`Database::tables`], to read, and [`Database::writable`] or [`Database::write`], to write: so
//! nobody meets one that lacks what is still in the journal.

use rusqlite::Connection;

use super::Doing;
use super::codec::Writer;
use super::journal::{self, Cell, Statement};
use crate::error::{Error, Kind};

/// A batch that writes more bytes is no small one: its entry would take several pages, and to write it twice would cost more
/// than is gained.
const SMALL: usize = 4_000;

/// So many entries, or bytes, are moved into their tables when whoever waited has been told, without waiting for a pause.
const ENTRIES: usize = 64;
const BYTES: usize = 64 * 1_024;

/// An open database.
#[derive(Debug)]
pub(super) struct Database {
    conn: Connection,
    /// In memory nothing is gained.
    journals: bool,
    batch: Batch,
    /// What the open batch wrote so far, if it is small.
    entry: Writer,
    /// What is committed in the journal: entries and bytes.
    waiting: (usize, usize),
}

/// The open batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Batch {
    /// There is none.
    None,
    /// It will be an entry of the journal.
    Entry,
    /// It is a transaction over the tables.
    Transaction,
    /// It was one, until `SQLite` gave it up after an error: what was written in it is gone. It can still read, not commit.
    Lost,
    /// There is none, but somebody reads, and the disk is full: the journal is in its tables as long as nothing else is done.
    Glimpse,
}

impl Database {
    /// Over a connection whose tables stand; `waits`: there is something in the journal.
    pub(super) fn over(conn: Connection, journals: bool, waits: bool) -> Self {
        Self { conn, journals, batch: Batch::None, entry: Writer::default(), waiting: (usize::from(waits), 0) }
    }

    /// The connection, to read; with all that was written in its tables. Within a batch it is in a transaction.
    pub(super) fn tables(&mut self) -> Result<&Connection, Error> {
        self.find_lost();
        match self.batch {
            Batch::Transaction => {}
            Batch::Lost | Batch::Glimpse if !self.conn.is_autocommit() => {}
            Batch::Lost => {
                self.open()?;
                self.batch = Batch::Lost;
            }
            Batch::Entry => self.open()?,
            Batch::None | Batch::Glimpse => self.post().or_else(|error| self.glimpse(error))?,
        }
        Ok(&self.conn)
    }

    /// The connection, to write.
    pub(super) fn writable(&mut self) -> Result<&Connection, Error> {
        self.find_lost();
        match self.batch {
            Batch::None | Batch::Glimpse => self.post()?,
            Batch::Entry => self.open()?,
            Batch::Transaction => {}
            Batch::Lost => return Err(lost()),
        }
        Ok(&self.conn)
    }

    /// The connection as it is, for what is never in the journal: names of users, actions and arguments.
    pub(super) fn names(&self) -> &Connection {
        &self.conn
    }

    /// The connection as it is, outside a batch: for what is said of the file.
    pub(super) fn file(&mut self) -> &Connection {
        self.look_away();
        &self.conn
    }

    /// Begins a batch.
    pub(super) fn begin(&mut self) {
        self.look_away();
        self.entry.0.clear();
        self.batch = Batch::Entry;
    }

    /// Writes a row.
    pub(super) fn write(&mut self, statement: Statement, cells: &[Cell<'_>]) -> Result<(), Error> {
        if self.batch != Batch::Entry || !self.journals {
            return statement.execute(self.writable()?, cells).doing(statement.doing());
        }
        statement.note(&mut self.entry, cells);
        if self.entry.0.len() > SMALL { self.open() } else { Ok(()) }
    }

    /// Commits the batch.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        self.find_lost();
        match self.batch {
            Batch::Entry if !self.entry.0.is_empty() => {
                journal::add(&self.conn, &self.entry)?;
                self.waiting.0 += 1;
                self.waiting.1 += self.entry.0.len();
                self.entry.0.clear();
            }
            Batch::Transaction => self.end()?,
            Batch::Lost => return Err(lost()),
            Batch::Entry | Batch::None | Batch::Glimpse => {}
        }
        self.batch = Batch::None;
        Ok(())
    }

    /// Gives the batch up.
    pub(super) fn rollback(&mut self) {
        self.entry.0.clear();
        self.batch = Batch::None;
        self.roll_back();
    }

    /// Whether there is so much in the journal that it should be moved.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.0 >= ENTRIES || self.waiting.1 >= BYTES
    }

    /// Makes the batch a transaction over the tables, with all that was written before. Where that fails it is what it was.
    fn open(&mut self) -> Result<(), Error> {
        let doing = "beginning a transaction";
        self.conn.prepare_cached("BEGIN IMMEDIATE").doing(doing)?.execute([]).doing(doing)?;
        let posted = if self.waiting.0 > 0 { journal::post_all(&self.conn) } else { Ok(()) };
        let posted = posted.and_then(|()| journal::post_entry(&self.conn, &self.entry.0));
        if posted.is_ok() {
            self.entry.0.clear();
            self.batch = Batch::Transaction;
        } else {
            self.roll_back();
        }
        posted
    }

    fn find_lost(&mut self) {
        if self.batch == Batch::Transaction && self.conn.is_autocommit() {
            self.batch = Batch::Lost;
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        self.conn.prepare_cached("COMMIT").doing("committing")?.execute([]).doing("committing")?;
        self.waiting = (0, 0);
        Ok(())
    }

    fn roll_back(&mut self) {
        // Some errors (disk full) have rolled back already.
        if !self.conn.is_autocommit() {
            // Where this fails, what comes next says so.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }

    /// Moves what is in the journal into its tables, in a transaction of its own; not within a batch.
    pub(super) fn post(&mut self) -> Result<(), Error> {
        self.look_away();
        if self.waiting.0 == 0 {
            return Ok(());
        }
        let posted = self.open().and_then(|()| self.end());
        if posted.is_err() {
            self.roll_back();
        }
        self.batch = Batch::None;
        posted
    }

    /// Where the journal could not be moved: moves it as far as this connection sees, in a transaction that is given up.
    fn glimpse(&mut self, error: Error) -> Result<(), Error> {
        self.open().map_err(|_| error)?;
        self.batch = Batch::Glimpse;
        Ok(())
    }

    fn look_away(&mut self) {
        if self.batch == Batch::Glimpse {
            self.roll_back();
            self.batch = Batch::None;
        }
    }
}

fn lost() -> Error {
    let why = "SQLite gave the transaction up after an error".to_owned();
    Error::new(Kind::Store { doing: "committing", why, unsound: false })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::store::schema;

    fn open(path: &Path) -> Database {
        let conn = Connection::open(path).unwrap();
        if conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get::<_, i64>(0)).unwrap() == 0 {
            conn.execute_batch("PRAGMA journal_mode = WAL").unwrap();
            schema::create(&conn).unwrap();
        }
        journal::take_in(&conn).unwrap();
        Database::over(conn, true, false)
    }

    fn put(db: &mut Database, name: &str, value: i64) {
        db.write(Statement::Number, &[name.into(), value.into()]).unwrap();
    }

    fn number(db: &mut Database, name: &str) -> Option<i64> {
        db.tables().unwrap().query_row("SELECT value FROM numbers WHERE name = ?1", [name], |r| r.get(0)).ok()
    }

    fn entries(db: &Database) -> i64 {
        db.names().query_row("SELECT count(*) FROM journal", [], |r| r.get(0)).unwrap()
    }

    #[test]
    fn whoever_reads_finds_what_is_in_the_journal() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = open(&dir.path().join("s.db"));
        for n in 0..3 {
            db.begin();
            put(&mut db, "a", n);
            db.commit().unwrap();
            assert_eq!(entries(&db), n + 1);
        }
        // Outside a batch.
        assert_eq!((number(&mut db, "a"), entries(&db)), (Some(2), 0));
        // Within one, which is a transaction from there on.
        db.begin();
        put(&mut db, "a", 3);
        db.commit().unwrap();
        db.begin();
        put(&mut db, "b", 4);
        assert_eq!((number(&mut db, "a"), number(&mut db, "b")), (Some(3), Some(4)));
        put(&mut db, "b", 5);
        assert!(!db.names().is_autocommit());
        db.commit().unwrap();
        assert_eq!((number(&mut db, "b"), entries(&db)), (Some(5), 0));
    }

    #[test]
    fn what_is_given_up_takes_nothing_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = open(&dir.path().join("s.db"));
        db.begin();
        put(&mut db, "a", 1);
        db.commit().unwrap();
        // An entry, and a transaction that has taken the journal in.
        for reads in [false, true] {
            db.begin();
            put(&mut db, "a", 2);
            put(&mut db, "b", 2);
            if reads {
                assert_eq!(number(&mut db, "b"), Some(2));
            }
            db.rollback();
            assert_eq!(entries(&db), 1);
        }
        assert_eq!((number(&mut db, "a"), number(&mut db, "b"), entries(&db)), (Some(1), None, 0));
    }

    #[test]
    fn what_sqlite_gave_up_can_be_read_around_and_not_committed() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = open(&dir.path().join("s.db"));
        db.begin();
        put(&mut db, "a", 1);
        db.commit().unwrap();
        db.begin();
        put(&mut db, "b", 2);
        assert_eq!(number(&mut db, "b"), Some(2));
        // As after an error of the disk.
        db.conn.execute_batch("ROLLBACK").unwrap();
        assert_eq!((number(&mut db, "a"), number(&mut db, "b")), (Some(1), None));
        assert!(db.write(Statement::Number, &["c".into(), 3.into()]).is_err());
        assert!(db.writable().is_err());
        assert!(db.commit().is_err());
        db.rollback();
        assert_eq!(entries(&db), 1);
        db.begin();
        put(&mut db, "c", 3);
        db.commit().unwrap();
        assert_eq!((number(&mut db, "a"), number(&mut db, "b"), number(&mut db, "c")), (Some(1), None, Some(3)));
    }

    #[test]
    fn a_journal_that_was_left_behind_is_taken_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        let mut db = open(&path);
        db.begin();
        put(&mut db, "a", 1);
        db.commit().unwrap();
        drop(db);
        let mut db = open(&path);
        assert_eq!(entries(&db), 0);
        assert_eq!(number(&mut db, "a"), Some(1));
    }

    #[test]
    fn many_and_large_batches_do_not_wait() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = open(&dir.path().join("s.db"));
        for n in 0..64 {
            assert!(!db.is_full());
            db.begin();
            put(&mut db, "a", n);
            db.commit().unwrap();
        }
        assert!(db.is_full());
        db.tables().unwrap();
        assert!(!db.is_full());
        // One that writes much goes to its tables.
        db.begin();
        for n in 0..1_000 {
            put(&mut db, &format!("number {n}"), n);
        }
        db.commit().unwrap();
        assert_eq!(entries(&db), 0);
    }
}
