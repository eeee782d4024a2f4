//! When the journal is moved into its tables, and the write-ahead log into the file (a checkpoint).
//!
//! `SQLite` would do the latter in a commit, before anybody is told of what was decided; here both are done after that.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;

use super::{Doing, Store};
use crate::error::Error;

/// A log of so many bytes is long, which leaves room for the largest batch.
const LONG: u32 = 2_900_000;

/// What the log says of each page.
const HEAD: u32 = 24;

/// The write-ahead log.
#[derive(Debug)]
pub(super) struct WriteAhead {
    /// How many pages it has; `SQLite` says so after each commit.
    pages: Arc<AtomicU32>,
    /// So many are long.
    long: u32,
    /// It is moved when it has as many.
    full: u32,
    /// Whether it was moved, and has not begun anew.
    moved: bool,
}

impl WriteAhead {
    /// Watches the log of a connection, in place of what `SQLite` does when it is long.
    pub(super) fn watch(conn: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicU32::new(0));
        let told = pages.clone();
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, n| {
            told.store(u32::try_from(n).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        let page: u32 = conn.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let long = LONG / (page + HEAD);
        Ok(Self { pages, long, full: long, moved: false })
    }
}

impl Store {
    /// Moves the journal into its tables, and the write-ahead log into the main file.
    pub(crate) fn checkpoint(&mut self) -> Result<(), Error> {
        let posted = self.post();
        // Also where that failed: on a full disk a log that was moved can be written over.
        self.move_log().and(posted)
    }

    /// Moves the journal into its tables.
    pub(crate) fn post(&mut self) -> Result<(), Error> {
        self.db.post()
    }

    fn move_log(&mut self) -> Result<(), Error> {
        let done = self.db.file().query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        done.doing("moving the write-ahead log into the file")?;
        self.log.pages.store(0, Ordering::Relaxed);
        self.log.full = self.log.long;
        self.log.moved = true;
        Ok(())
    }

    /// Lets a log that was moved begin anew. `SQLite` waits for the disk then, once its first bytes are written; without this it
    /// would do so in the commit of the next event, and after a pause that is the one for which somebody waits.
    pub(crate) fn begin_log(&mut self) {
        if std::mem::take(&mut self.log.moved) {
            // Where it fails, the next commit says so.
            let _ = self.db.begin_anew();
        }
    }

    /// The same, each where it has become long. Where moving the log fails it is tried again when it has grown by as much.
    pub(crate) fn relieve(&mut self) -> Result<(), Error> {
        let posted = if self.db.is_full() { self.post() } else { Ok(()) };
        let pages = self.log.pages.load(Ordering::Relaxed);
        if pages < self.log.full {
            return posted;
        }
        self.log.full = pages.saturating_add(self.log.long);
        self.move_log().and(posted)
    }
}
