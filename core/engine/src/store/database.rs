//! The connection, and the two ways in which what a batch writes reaches the disk.
//!
//! A small batch that reads nothing is one entry of the [`journal`], in the file of [`Entries`]. Any other is a
//! transaction over the tables themselves, which takes the journal in first; so does, outside a batch, whoever reads. Nobody
//! gets at a table but through [`Database::tables`], to read, and [`Database::writable`] or [`Database::write`], to write: so
//! nobody meets one that lacks what is still in the journal.
//!
//! Each transaction here draws a mark, over which the entries after it hold. Where a table was written to by a statement of its own
//! there is no mark until the next transaction, and no entry: after a crash of the system the file could have it and not
//! what it builds upon.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension};

use super::codec::Writer;
use super::entries::Entries;
use super::journal::{self, Cell, Statement};
use super::{Doing, state};
use crate::error::{Error, Kind};

/// A batch that writes more bytes is no small one: to write it twice would cost more than is gained.
const SMALL: usize = 4_000;

/// So many entries, or bytes, are moved into their tables when whoever waited has been told, without waiting for a pause.
const ENTRIES: usize = 64;
const BYTES: usize = 64 * 1_024;

/// Where that fails (a full disk, mostly) no more than this is added.
const MOST: usize = 4 * BYTES;

/// An open database.
#[derive(Debug)]
pub(super) struct Database {
    /// Where entries are; `None`: in memory, where nothing would be gained. It is closed before the connection, which has the lock.
    file: Option<Entries>,
    conn: Connection,
    /// What the next entry holds over, if it can be one.
    mark: Option<i64>,
    /// Whether commits wait until they are on the disk.
    syncs: bool,
    batch: Batch,
    /// What the open batch wrote so far, if it is small.
    entry: Writer,
    /// What is committed in the journal.
    waiting: Waiting,
}

/// Entries, one after the other, and how many they are.
#[derive(Debug, Default)]
struct Waiting {
    entries: Vec<u8>,
    n: usize,
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
    /// Over a connection whose tables stand, in memory.
    pub(super) fn in_memory(conn: Connection) -> Self {
        let (batch, entry) = (Batch::None, Writer::default());
        Self { file: None, conn, mark: None, syncs: false, batch, entry, waiting: Waiting::default() }
    }

    /// The same over a file, with its journal; what a killed process left there is moved into its tables. On a full disk it is
    /// read where it is.
    pub(super) fn over(conn: Connection, path: &Path) -> Result<Self, Error> {
        let mut database = Self::in_memory(conn);
        let left = database.conn.query_row(MARK, [state::JOURNAL], |row| row.get(0)).optional();
        let left = left.doing("reading the journal's mark")?;
        let (file, entries, n) = Entries::open(path, left).map_err(|e| refused("opening the journal", &e))?;
        database.file = Some(file);
        database.waiting = Waiting { entries, n };
        // Else it is drawn anew: what came after it is not known.
        database.mark = left.filter(|_| n > 0);
        match database.post() {
            Err(error) if error.is_unsound() => Err(error),
            _ => Ok(database),
        }
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
            Batch::None | Batch::Glimpse => {
                self.post()?;
                self.mark = None;
            }
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
        if self.batch != Batch::Entry || self.file.is_none() {
            return statement.execute(self.writable()?, cells).doing(statement.doing());
        }
        statement.note(&mut self.entry, cells);
        if self.entry.0.len() > SMALL { self.open() } else { Ok(()) }
    }

    /// Commits the batch.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        self.find_lost();
        match self.batch {
            Batch::Entry => {
                if !self.entry.0.is_empty() && !self.note() {
                    self.open()?;
                    self.end()?;
                }
            }
            Batch::Transaction => self.end()?,
            Batch::Lost => return Err(lost()),
            Batch::None | Batch::Glimpse => {}
        }
        self.batch = Batch::None;
        Ok(())
    }

    /// Adds the batch to the journal, if it may be there. Where the disk refuses it, a transaction says why.
    fn note(&mut self) -> bool {
        let (Some(file), Some(mark), false) = (&mut self.file, self.mark, self.syncs) else { return false };
        if self.waiting.entries.len() > MOST || file.add(mark, &self.entry.0).is_err() {
            return false;
        }
        self.waiting.n += 1;
        self.waiting.entries.append(&mut self.entry.0);
        true
    }

    /// Whether commits wait until all that was committed is on the disk; not within a batch.
    pub(super) fn sync_commits(&mut self, on: bool) -> Result<(), Error> {
        // `fullfsync` only says something on Apple's systems, where a plain sync leaves data in the drive's memory.
        let sql = if on {
            "PRAGMA fullfsync = ON; PRAGMA synchronous = FULL"
        } else {
            "PRAGMA synchronous = NORMAL; PRAGMA fullfsync = OFF"
        };
        self.syncs = on;
        self.file().execute_batch(sql).doing("setting how commits are synced")
    }

    /// Gives the batch up.
    pub(super) fn rollback(&mut self) {
        self.entry.0.clear();
        self.batch = Batch::None;
        self.roll_back();
    }

    /// Whether there is so much in the journal that it should be moved.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.n >= ENTRIES || self.waiting.entries.len() >= BYTES
    }

    /// Makes the batch a transaction over the tables, with all that was written before. Where that fails it is what it was.
    fn open(&mut self) -> Result<(), Error> {
        let doing = "beginning a transaction";
        self.conn.prepare_cached("BEGIN IMMEDIATE").doing(doing)?.execute([]).doing(doing)?;
        let posted = journal::post(&self.conn, &self.waiting.entries);
        let posted = posted.and_then(|()| journal::post(&self.conn, &self.entry.0));
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
        let doing = "committing";
        let mark = match &self.file {
            Some(_) => Some(self.draw().doing(doing)?),
            None => None,
        };
        // Where this fails it may be on the disk all the same, with the new mark: over the old one nothing holds any more.
        self.mark = None;
        self.conn.prepare_cached("COMMIT").doing(doing)?.execute([]).doing(doing)?;
        self.mark = mark;
        self.waiting.entries.clear();
        self.waiting.n = 0;
        if let Some(file) = &mut self.file {
            file.begin_anew();
        }
        Ok(())
    }

    fn draw(&self) -> rusqlite::Result<i64> {
        self.conn.prepare_cached(DRAW)?.query_row([state::JOURNAL], |row| row.get(0))
    }

    /// Draws a mark and nothing else, in a transaction of its own; not within a batch.
    pub(super) fn begin_anew(&mut self) -> Result<(), Error> {
        self.look_away();
        let begun = self.open().and_then(|()| self.end());
        if begun.is_err() {
            self.roll_back();
        }
        self.batch = Batch::None;
        begun
    }

    /// Leaves no byte in the journal's file of what was in it; not within a batch.
    pub(super) fn erase_journal(&mut self) -> Result<(), Error> {
        self.post()?;
        self.file.as_mut().map_or(Ok(()), Entries::erase).map_err(|e| refused("overwriting the journal", &e))
    }

    /// What is committed in the journal and in no table.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.waiting.entries
    }

    /// Before it is dropped: the file at the path, and the log beside it, are another's.
    pub(super) fn let_go(&mut self) {
        // Where this fails there is nothing that could be done.
        let _ = self.file().set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
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
        if self.waiting.n == 0 { Ok(()) } else { self.begin_anew() }
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

/// What the entries that wait hold over.
const MARK: &str = "SELECT value FROM numbers WHERE name = ?1";

/// No two are the same, also not of two stores.
const DRAW: &str = "INSERT OR REPLACE INTO numbers (name, value) VALUES (?1, random()) RETURNING value";

fn refused(doing: &'static str, error: &std::io::Error) -> Error {
    Error::new(Kind::Store { doing, why: error.to_string(), unsound: false })
}

fn lost() -> Error {
    let why = "SQLite gave the transaction up after an error".to_owned();
    Error::new(Kind::Store { doing: "committing", why, unsound: false })
}

#[cfg(test)]
mod tests;
