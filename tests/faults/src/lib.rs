//! For tests: what happens between `SQLite` and the disk, watched and disturbed.
//!
//! [`watch`] names a store before it is opened. From then on every access to its files ([`Watcher::access`], through a VFS
//! of `SQLite` that sits on the one of the system; to the journal, every write, through the system's own call) and every statement ([`Watcher::statement`], through `SQLite`'s trace) is
//! told to a [`Watcher`], on the thread that does it; it may let an access through, fail it as a sick disk would, do half
//! of it, hold it back, or never return. The product knows nothing of this: what is tested is what is shipped.
//!
//! - `vfs`: the table of C functions; `system`: the journal's; `trace`: the statements;
//! - [`inspect`]: what a store says to somebody who only knows SQL.

pub mod inspect;
mod system;
mod trace;
mod vfs;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once, PoisonError, RwLock};

/// Which file of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The database.
    Main,
    /// The write-ahead log.
    Log,
    /// The rollback journal, which only a fresh file has, for a moment.
    Journal,
    /// The file with the entries of small batches: only writes are told, each of which is a commit.
    Entries,
}

/// What is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Opened, or made.
    Open,
    /// Bytes read.
    Read,
    /// Bytes written.
    Write,
    /// Cut off.
    Truncate,
    /// Synced to the disk.
    Sync,
    /// Locked for whoever opened it.
    Lock,
}

/// One access to a file.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// Which file.
    pub part: Part,
    /// What is done.
    pub op: Op,
}

/// How a disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No room is left.
    Full,
    /// The device reports an error.
    Broken,
    /// The rights are gone.
    Denied,
    /// Another process has it locked.
    Busy,
}

/// What becomes of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done, after all that was held back.
    Pass,
    /// It fails.
    Fail(Fault),
    /// The first half is written; then [`Watcher::halved`] is called, then the rest is written.
    Half,
    /// A write is held back until the next that passes; readers of this process see it.
    Hold,
}

/// Is told of all that is done to a store.
pub trait Watcher: Send + Sync {
    /// An access to a file is about to be done.
    fn access(&self, access: Access) -> Answer;

    /// Half of a write is done.
    fn halved(&self) {}

    /// An entry is in the journal.
    fn entered(&self) {}

    /// A statement begins (`done` false) or has ended.
    fn statement(&self, sql: &str, done: bool) {
        let _ = (sql, done);
    }
}

type Watchers = HashMap<PathBuf, Arc<dyn Watcher>>;

static WATCHERS: RwLock<Option<Watchers>> = RwLock::new(None);

/// Ends the watch when it is dropped; what is open stays watched.
#[derive(Debug)]
pub struct Watch(PathBuf);

/// From now on whoever opens the store at `path` is watched.
pub fn watch(path: &Path, watcher: Arc<dyn Watcher>) -> Watch {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        vfs::install();
        system::install();
        trace::install();
    });
    let path = canonical(path);
    WATCHERS.write().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(path.clone(), watcher);
    Watch(path)
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(watchers) = WATCHERS.write().unwrap_or_else(PoisonError::into_inner).as_mut() {
            watchers.remove(&self.0);
        }
    }
}

fn watcher_of(path: &Path) -> Option<Arc<dyn Watcher>> {
    WATCHERS.read().unwrap_or_else(PoisonError::into_inner).as_ref()?.get(path).cloned()
}

/// As `SQLite` names it: absolute, without links. The file itself need not be there.
fn canonical(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}
