//! Opening a store, and what happens where the file is none.
//!
//! A file that is torn or no database at all is set aside under a name with the date, and a fresh one begun: an app must
//! start. What somebody may still want as it is (a directory, another program's database, a later version's store, a store
//! in use) is left alone and refused.

use std::path::{Path, PathBuf};
use std::time::Duration as Span;

use ensue_rule::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::checkpoint::WriteAhead;
use super::database::Database;
use super::names::Names;
use super::{Opened, Store, Written, journal, schema, state};
use crate::config::Place;
use crate::error::{Error, Kind};

/// How long to wait for a file that another connection has: an app that restarts may overlap with itself.
const PATIENCE: Span = Span::from_millis(250);

/// Bytes of a page of a fresh file. A commit writes whole pages, and most change little of one.
const PAGE: u32 = 2_048;

/// Why a file could not be opened.
enum Failure {
    /// Not a sound store: to be set aside.
    Unsound,
    /// Anything else.
    Other(Error),
}

impl Store {
    /// Opens the store at `place`; `now` names the file that is set aside.
    pub(crate) fn open(place: &Place, now: Timestamp) -> Result<Opened, Error> {
        let Place::File(path) = place else {
            let store = connect(None).map_err(|f| f.into_error(Path::new(":memory:")))?;
            return Ok(Opened { store, set_aside: None });
        };
        usable(path)?;
        let path = &followed(path);
        // Of a process that was killed while it wrote a file anew; there may be somebody in it who is to be forgotten.
        let _ = std::fs::remove_file(beside(path, ".anew"));
        match connect(Some(path)) {
            Ok(store) => Ok(Opened { store, set_aside: None }),
            Err(Failure::Other(error)) => Err(error),
            Err(Failure::Unsound) => Self::begin_afresh(path, now),
        }
    }

    /// Opens the file at `path`, which is a store.
    pub(super) fn reopen(path: &Path) -> Result<Self, Error> {
        connect(Some(path)).map_err(|f| f.into_error(path))
    }

    /// Sets the file at `path` aside and begins a fresh one.
    pub(crate) fn begin_afresh(path: &Path, now: Timestamp) -> Result<Opened, Error> {
        let path = &followed(path);
        let aside = set_aside(path, now)?;
        let store = connect(Some(path)).map_err(|f| f.into_error(path))?;
        Ok(Opened { store, set_aside: Some(aside) })
    }
}

impl Failure {
    fn into_error(self, path: &Path) -> Error {
        match self {
            Self::Other(error) => error,
            Self::Unsound => unusable(path, "a fresh file is no sound store either"),
        }
    }

    /// Where the store has said already what it is.
    fn told(error: Error) -> Self {
        if error.is_unsound() { Self::Unsound } else { Self::Other(error) }
    }

    fn of(error: &rusqlite::Error, path: &Path) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Unsound,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Other(Error::new(Kind::InUse { path: path.to_owned() }))
            }
            _ => Self::Other(unusable(path, &error.to_string())),
        }
    }
}

pub(super) fn unusable(path: &Path, why: &str) -> Error {
    Error::new(Kind::Unusable { path: path.to_owned(), why: why.to_owned() })
}

/// Whether the path can be a file at all; `SQLite`'s own words for these are poor.
fn usable(path: &Path) -> Result<(), Error> {
    if path.as_os_str().is_empty() {
        return Err(unusable(path, "the path is empty"));
    }
    if path.is_dir() {
        return Err(unusable(path, "it is a directory"));
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(parent) = parent.filter(|p| !p.is_dir()) {
        return Err(unusable(path, &format!("there is no folder {}", parent.display())));
    }
    Ok(())
}

/// The file behind links: what is beside the database is beside that, and so whoever opens it by another name finds it.
fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // No system follows more.
    for _ in 0..40 {
        let Ok(to) = std::fs::read_link(&path) else { break };
        path = path.parent().map_or_else(|| to.clone(), |folder| folder.join(&to));
    }
    path
}

/// Why a file cannot be opened, in the system's words. Asked only after `SQLite` could not: closing a file takes away the lock
/// of whoever in this process has it.
fn denied(path: &Path, error: &rusqlite::Error) -> Failure {
    match std::fs::File::open(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Failure::Other(unusable(path, &e.to_string())),
        _ => Failure::of(error, path),
    }
}

fn connect(path: Option<&Path>) -> Result<Store, Failure> {
    let shown = path.unwrap_or(Path::new(":memory:"));
    let failed = |e: rusqlite::Error| Failure::of(&e, shown);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = match path {
        Some(path) => Connection::open_with_flags(path, flags),
        None => Connection::open_in_memory(),
    };
    let mut conn = conn.map_err(|e| denied(shown, &e))?;
    conn.busy_timeout(PATIENCE).map_err(failed)?;
    conn.set_prepared_statement_cache_capacity(64);
    // Else some statements are prepared again for each value that is bound to them: there are no statistics to gain by it.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failed)?;
    // Ours alone, from the first read on and by the system's lock, which a killed process gives back. It also keeps the
    // index of the write-ahead log in memory rather than in a `-shm` file.
    conn.execute_batch("PRAGMA locking_mode = EXCLUSIVE").map_err(failed)?;
    // What is refused stays as it is: a log that a later version left beside the file is not moved in.
    let leave = |on| conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on).map_err(failed);
    leave(path.is_some_and(|p| beside(p, "-wal").exists()))?;
    let found = header(&conn, shown)?;
    leave(false)?;
    if found == 0 {
        // Only a fresh file takes these, and only before WAL; the second lets it shrink in small steps. Nothing is synced
        // before there is anything in it that could be lost.
        let fresh = format!("PRAGMA page_size = {PAGE}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA synchronous = OFF");
        conn.execute_batch(&fresh).map_err(failed)?;
    }
    tune(&conn).map_err(failed)?;
    let log = WriteAhead::watch(&mut conn).map_err(failed)?;
    bring_up(&conn, found, shown)?;
    let db = match path {
        Some(path) => Database::over(conn, path).map_err(Failure::told)?,
        None => Database::in_memory(conn),
    };
    let mut store = Store {
        db,
        names: Names::of_rows(),
        users: Names::of_users(),
        next_seq: 1,
        tail: 0,
        log,
        file: path.and_then(|p| Some((p.to_owned(), super::salvage::identity(p).ok()?))),
        written: Written::default(),
        retained_to: 0,
        held: None,
        last: super::numbering::Last::default(),
        outbox_from: 0,
        counted: super::counts::Counted::default(),
        summary: super::summary::Summary::default(),
        mixed: false,
        mixed_kept: false,
    };
    // Finds out whether the tables can be read.
    store.find_next_seq().map_err(Failure::told)?;
    store.catch_up().map_err(Failure::told)?;
    // It is ours now: whoever says otherwise is not waited for.
    store.db.file().busy_timeout(Span::ZERO).map_err(failed)?;
    store.mixed = store.number(state::MIXED).map_err(|_| Failure::Unsound)?.is_some();
    store.mixed_kept = store.mixed;
    Ok(store)
}

/// Makes the tables, or brings those of an older version up.
fn bring_up(conn: &Connection, found: i64, path: &Path) -> Result<(), Failure> {
    let failed = |e: rusqlite::Error| Failure::of(&e, path);
    if found == 0 {
        return schema::create(conn).map_err(failed);
    }
    if found == schema::JOURNAL_TABLE {
        journal::take_in(conn).map_err(Failure::told)?;
    }
    if found < schema::VERSION { schema::upgrade(conn, found).map_err(failed) } else { Ok(()) }
}

/// The schema version of the file; 0: it is empty.
fn header(conn: &Connection, path: &Path) -> Result<i64, Failure> {
    let number = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|e| Failure::of(&e, path));
    let (version, application) = (number("PRAGMA user_version")?, number("PRAGMA application_id")?);
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if tables > 0 && application != schema::APPLICATION {
        return Err(Failure::Other(unusable(path, "it is a database, but not a store of Ensue")));
    }
    if version > schema::VERSION {
        let newer = Kind::Newer { path: path.to_owned(), found: version, known: schema::VERSION };
        return Err(Failure::Other(Error::new(newer)));
    }
    Ok(if tables == 0 { 0 } else { version })
}

/// - `journal_mode WAL`: a commit appends to one file; nothing is written twice before it is done.
/// - `synchronous NORMAL`: a commit is not synced to the disk, a checkpoint is. A crash of the app loses nothing, a crash
///   of the system at most the last moments, and nothing is ever torn.
/// - `wal_autocheckpoint` off: see `checkpoint.rs`. `journal_size_limit`: where the write-ahead log was larger than 4 MB
///   once, its file gives the rest back.
/// - `temp_store MEMORY`: no temporary files on a phone.
fn tune(conn: &Connection) -> rusqlite::Result<()> {
    // This pragma answers with a row, which `execute_batch` passes over.
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 4194304; PRAGMA temp_store = MEMORY;",
    )
}

/// Renames the file, and what `SQLite` put beside it, to a name with the date that is not taken.
pub(super) fn set_aside(path: &Path, now: Timestamp) -> Result<PathBuf, Error> {
    let date = crate::iso::Utc(Timestamp(now.0 - now.0.rem_euclid(1_000))).to_string().replace(['-', ':'], "");
    let aside = (0..1_000)
        .map(|n| beside(path, &if n == 0 { format!(".aside-{date}") } else { format!(".aside-{date}-{n}") }))
        .find(|p| !p.exists())
        .ok_or_else(|| unusable(path, "too many files were set aside"))?;
    std::fs::rename(path, &aside).map_err(|e| unusable(path, &format!("it cannot be set aside: {e}")))?;
    for suffix in ["-wal", "-shm", "-entries"] {
        // Not there more often than not.
        let _ = std::fs::rename(beside(path, suffix), beside(&aside, suffix));
    }
    Ok(aside)
}

/// The path with something behind its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
