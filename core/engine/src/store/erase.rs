//! Erasing: one user, or everyone, so that nothing of it is left in the file either.
//!
//! Rows go in the worker's transaction, which also leaves a mark; after the commit [`Store::scrub`] writes the file anew
//! without what lay in free pages, empties the write-ahead log and the journal and takes the mark away. Killed between the two, the mark
//! says at the next opening that there is something left to do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::params;
use rustc_hash::FxHashSet;

use super::numbering::Series;
use super::{Doing, Store, schema, signed, state, torn};
use crate::error::{Error, Kind};
use crate::log::StreamKey;

/// The tables with rows of a stream, which they name in a column `user`. A test compares this with the schema.
pub(super) const OF_STREAMS: [&str; 8] =
    ["events", "streams", "bounds", "decisions", "refusals", "feedback", "held", "calls"];

/// What else there is of users.
const OF_EVERYONE: [&str; 3] = ["names", "users", "counts"];

impl Store {
    /// Erases all rows of a user and their name.
    pub(crate) fn erase_user(&mut self, user: Option<&Arc<str>>) -> Result<(), Error> {
        let doing = "erasing a user";
        let id = match user {
            None => Some(schema::ANONYMOUS),
            Some(name) => self.users.find(self.db.names(), name)?,
        };
        self.sum_up()?;
        self.mark_numbers()?;
        for table in id.iter().flat_map(|_| OF_STREAMS) {
            let sql = format!("DELETE FROM {table} WHERE user = ?1");
            self.db.writable()?.execute(&sql, [id]).doing(doing)?;
        }
        self.db.writable()?.execute("DELETE FROM users WHERE id = ?1", [id]).doing(doing)?;
        // Nobody can take one user's part out of a sum.
        self.erase_counts()?;
        if user.is_none() {
            self.db.writable()?.execute("DELETE FROM numbers WHERE name = ?1", [state::INSTALL]).doing(doing)?;
        }
        self.users.forget();
        self.held = None;
        self.tail = 0;
        self.put_number(state::SCRUB, 1)
    }

    /// Erases what tasks made of a stream in which others' events took part: what their decisions said (that they were
    /// made still counts), refusals, skip bounds, held decisions, derived events.
    pub(crate) fn erase_made(&mut self, stream: &StreamKey) -> Result<(), Error> {
        let doing = "erasing what tasks made of a user";
        self.sum_up()?;
        let id = self.stream_id(stream)?;
        for sql in [
            "UPDATE decisions SET acked = 1, decision = '', bound = NULL, checks = '[]' WHERE user = ?1",
            "DELETE FROM refusals WHERE user = ?1",
            "DELETE FROM bounds WHERE user = ?1",
            "DELETE FROM held WHERE user = ?1",
            "DELETE FROM calls WHERE user = ?1",
        ] {
            self.db.writable()?.execute(sql, [id]).doing(doing)?;
        }
        self.tail = 0;
        self.erase_derived(id)
    }

    /// Erases the action types and names of arguments that no row has any more.
    pub(crate) fn erase_unused_names(&mut self) -> Result<(), Error> {
        let doing = "erasing names";
        let used = self.used_names()?;
        let conn = self.db.writable()?;
        let mut statement = conn.prepare_cached("SELECT id FROM names").doing(doing)?;
        let ids = statement.query_map([], |r| r.get(0)).doing(doing)?;
        let ids: Vec<i64> = ids.collect::<rusqlite::Result<_>>().doing(doing)?;
        for id in ids.into_iter().filter(|id| !used.contains(id)) {
            conn.prepare_cached("DELETE FROM names WHERE id = ?1").doing(doing)?.execute([id]).doing(doing)?;
        }
        drop(statement);
        self.names.forget();
        Ok(())
    }

    /// Erases all that is of any user. Task sets stay, and read from here on.
    pub(crate) fn erase_everyone(&mut self) -> Result<(), Error> {
        let doing = "erasing everything";
        self.sum_up()?;
        self.mark_numbers()?;
        for table in OF_STREAMS.into_iter().chain(OF_EVERYONE) {
            self.db.writable()?.execute(&format!("DELETE FROM {table}"), []).doing(doing)?;
        }
        // Numbers that others may have seen go on; what may leave is to be said anew.
        let sql = "DELETE FROM numbers WHERE name NOT IN (?1, ?2, ?3, ?4)";
        let [decisions, feedback, changes] = Series::ALL.map(Series::mark);
        self.db.writable()?.execute(sql, [state::NEXT_SEQ, decisions, feedback, changes]).doing(doing)?;
        let row = params![signed(self.next_seq), i64::MIN];
        self.db.writable()?.execute("UPDATE tasks SET since_seq = ?1, since_ts = ?2", row).doing(doing)?;
        self.names.forget();
        self.users.forget();
        self.counted.forget();
        self.mixed = false;
        self.held = None;
        self.tail = 0;
        self.put_number(state::SCRUB, 1)
    }

    /// Whether a task of all users has put a derived event into the anonymous user's stream.
    pub(crate) fn is_mixed(&self) -> bool {
        self.mixed
    }

    /// Whether rows were erased and the file still has traces of them.
    pub(crate) fn is_unscrubbed(&mut self) -> Result<bool, Error> {
        Ok(self.number(state::SCRUB)?.is_some())
    }

    /// Writes the file anew, without what was erased; empties the write-ahead log and the journal; removes files that were set aside.
    pub(crate) fn scrub(&mut self) -> Result<(), Error> {
        let doing = "overwriting what was erased";
        self.db.file().flush_prepared_statement_cache();
        self.db.writable()?.execute_batch("VACUUM").doing(doing)?;
        self.retained_to = 0;
        let busy = |r: &rusqlite::Row<'_>| r.get::<_, i64>(0);
        if self.db.file().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], busy).doing(doing)? != 0 {
            let why = "the write-ahead log is in use".to_owned();
            return Err(Error::new(Kind::Store { doing, why, unsound: false }));
        }
        self.db.erase_journal()?;
        self.remove_set_aside()?;
        self.db.writable()?.execute("DELETE FROM numbers WHERE name = ?1", [state::SCRUB]).doing(doing)?;
        Ok(())
    }

    /// Whether the user has opted out.
    pub(crate) fn is_opted_out(&mut self) -> Result<bool, Error> {
        Ok(self.number(state::OPTED_OUT)?.is_some())
    }

    /// Remembers whether the user has opted out.
    pub(crate) fn put_opted_out(&mut self, out: bool) -> Result<(), Error> {
        if out {
            return self.put_number(state::OPTED_OUT, 1);
        }
        let sql = "DELETE FROM numbers WHERE name = ?1";
        self.db.writable()?.execute(sql, [state::OPTED_OUT]).map(|_| ()).doing("writing that the user opted in")
    }

    /// Derived events of a stream.
    fn erase_derived(&mut self, user: i64) -> Result<(), Error> {
        let doing = "erasing derived events";
        let conn = self.db.writable()?;
        let mut statement = conn.prepare_cached("SELECT seq, body FROM events WHERE user = ?1").doing(doing)?;
        let rows = statement.query_map([user], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, Vec<u8>>(1)?))).doing(doing)?;
        let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>().doing(doing)?;
        for (seq, _) in rows.iter().filter(|(_, body)| super::events::is_derived(body)) {
            let sql = "DELETE FROM events WHERE seq = ?1";
            conn.prepare_cached(sql).doing(doing)?.execute([seq]).doing(doing)?;
        }
        Ok(())
    }

    fn used_names(&mut self) -> Result<FxHashSet<i64>, Error> {
        let doing = "reading which names are used";
        let mut used = FxHashSet::default();
        let mut statement =
            self.db.tables()?.prepare_cached("SELECT action, body FROM events WHERE action > 0").doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        while let Some(r) = rows.next().doing(doing)? {
            used.insert(r.get(0).doing(doing)?);
            let body = r.get_ref(1).doing(doing)?.as_blob().map_err(|_| torn(doing))?;
            super::events::names_in(body, &mut |id| {
                used.insert(id);
            })
            .ok_or_else(|| torn(doing))?;
        }
        Ok(used)
    }

    /// Files that were no sound store may have been somebody's.
    fn remove_set_aside(&mut self) -> Result<(), Error> {
        let Some(path) = self.db.file().path().filter(|p| !p.is_empty()).map(Path::new) else { return Ok(()) };
        for file in set_aside(path) {
            std::fs::remove_file(&file).map_err(|e| {
                let why = format!("{}: {e}", file.display());
                Error::new(Kind::Store { doing: "removing a file that was set aside", why, unsound: false })
            })?;
        }
        Ok(())
    }
}

/// The files that were set aside beside a store.
fn set_aside(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str())) else {
        return Vec::new();
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let prefix = format!("{name}.aside-");
    let ours = |p: &PathBuf| p.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(&prefix));
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.map(|f| f.path()).filter(ours).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Place;
    use ensue_rule::Timestamp;

    #[test]
    fn every_table_of_users_is_erased() {
        let mut store = Store::open(&Place::Memory, Timestamp(0)).unwrap().store;
        let mut of_users = Vec::new();
        let sql = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'";
        let mut statement = store.db.file().prepare(sql).unwrap();
        let rows = statement.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?))).unwrap();
        let (mut tables, rows) = (FxHashSet::default(), rows.map(Result::unwrap));
        for (table, column) in rows {
            if column == "user" {
                of_users.push(table.clone());
            }
            tables.insert(table);
        }
        of_users.sort();
        let mut known = OF_STREAMS.to_vec();
        known.sort_unstable();
        assert_eq!(of_users, known);
        // The others are of nobody, or of everyone.
        for table in ["numbers", "sets", "tasks"].into_iter().chain(OF_EVERYONE).chain(OF_STREAMS) {
            assert!(tables.remove(table), "{table}");
        }
        assert!(tables.is_empty(), "does opting out erase {tables:?}?");
    }
}
