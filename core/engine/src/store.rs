//! The store: one `SQLite` file, and the journal beside it, with the log, the task sets, the state of the fold and the outbox.
//!
//! One connection, owned by the worker thread. What stands in which table says [`schema`]; what happens when a file is
//! not a sound store says [`open`](mod@open). Nothing here decides anything: rows go in and come out.

mod calls;
mod checkpoint;
mod codec;
mod counts;
mod database;
mod entries;
mod erase;
mod events;
mod export;
mod journal;
mod names;
mod numbering;
mod open;
mod origins;
mod outbox;
mod pages;
mod retention;
mod salvage;
mod schema;
mod state;
mod summary;
mod tasks;
mod touches;
mod uplink;

use std::path::PathBuf;

use crate::error::{Error, Kind};
use checkpoint::WriteAhead;
use database::Database;
use names::Names;

pub(crate) use origins::{Asked, Bound as BoundEvents, Known, Origin, WAITING};
pub(crate) use outbox::{Decided, Made, Refused};
pub(crate) use retention::{Cuts, Held, Keep, Step};
pub(crate) use state::UserState;
pub(crate) use summary::Bound;
pub(crate) use tasks::{StoredSet, StoredTask};
pub(crate) use touches::HeldRow;

/// An open store.
#[derive(Debug)]
pub(crate) struct Store {
    db: Database,
    /// Action types and argument names.
    names: Names,
    /// User names.
    users: Names,
    next_seq: u64,
    /// The arrival number of a row that is in the log; 0: none is known to be.
    tail: u64,
    log: WriteAhead,
    /// Where the file is, and which it is.
    file: Option<(PathBuf, (u64, u64))>,
    /// Bytes and rows of events written since the last call of [`Store::take_written`].
    written: Written,
    /// Where the retention pass goes on.
    retained_to: u64,
    /// How much the log holds; `None`: it was not counted yet.
    held: Option<Held>,
    /// Numbers given last.
    last: numbering::Last,
    /// All decisions before this number are acknowledged.
    outbox_from: i64,
    /// Counters as they stand in the file, of tasks that counted lately.
    counted: counts::Counted,
    /// What the log says too, and is not written yet.
    summary: summary::Summary,
    /// Whether a task of all users has put a derived event into the anonymous user's stream.
    mixed: bool,
    /// The same as the file says.
    mixed_kept: bool,
}

/// Events written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// A store just opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Store,
    /// Under which name an unsound file was set aside.
    pub(crate) set_aside: Option<PathBuf>,
}

impl Store {
    /// Begins a batch: all of what follows is committed, or none.
    pub(crate) fn begin(&mut self) {
        self.db.begin();
    }

    /// Commits the batch.
    pub(crate) fn commit(&mut self) -> Result<(), Error> {
        self.sum_up_if_due()?;
        if self.tail + 1 != self.next_seq {
            // The end of the log does not say it.
            self.put_number(state::NEXT_SEQ, signed(self.next_seq))?;
        }
        self.db.commit()?;
        self.mixed_kept = self.mixed;
        self.summary.committed();
        Ok(())
    }

    /// Whether commits wait until the log is on the disk; not within a transaction.
    pub(crate) fn sync_commits(&mut self, on: bool) -> Result<(), Error> {
        self.db.sync_commits(on)
    }

    /// Gives up the batch. Arrival numbers that it used are not used again.
    pub(crate) fn rollback(&mut self) {
        self.db.rollback();
        // What a task derived is in the runs; what was to be erased is not.
        self.mixed |= self.mixed_kept;
        self.summary.rolled_back();
        self.names.forget();
        self.users.forget();
        self.last.forget();
        self.counted.forget();
        self.outbox_from = 0;
        self.written = Written::default();
        self.held = None;
        self.tail = 0;
    }

    /// The arrival number of the next entry.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Takes an arrival number for an entry that is not written.
    pub(crate) fn skip_seq(&mut self) -> u64 {
        self.next_seq += 1;
        self.next_seq - 1
    }

    /// What was written since the last call.
    pub(crate) fn take_written(&mut self) -> Written {
        std::mem::take(&mut self.written)
    }

    /// Lets the file not grow any more, as on a full disk; or as it likes.
    #[cfg(test)]
    pub(crate) fn limit_pages(&mut self, full: bool) {
        let pages: i64 = self.db.file().query_row("PRAGMA page_count", [], |r| r.get(0)).unwrap();
        let limit = if full { pages } else { 1 << 30 };
        self.db.file().execute_batch(&format!("PRAGMA max_page_count = {limit}")).unwrap();
    }

    /// Lets nothing be written to the tables any more.
    #[cfg(test)]
    pub(crate) fn refuse_writes(&mut self) {
        self.db.file().execute_batch("PRAGMA query_only = ON").unwrap();
    }
}

/// Says what was being done when `SQLite` failed.
trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|e| {
            use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
            let unsound = match &e {
                // Our own statements fit our own tables, and their columns are of the types that they say.
                rusqlite::Error::SqlInputError { .. }
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..) => true,
                other => matches!(other.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)),
            };
            Error::new(Kind::Store { doing, why: e.to_string(), unsound })
        })
    }
}

/// A row that cannot be read.
fn torn(doing: &'static str) -> Error {
    Error::new(Kind::Store { doing, why: "a row is torn".to_owned(), unsound: true })
}

/// `SQLite` has no unsigned numbers; the ones here never come near the end.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// See [`signed`].
fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
