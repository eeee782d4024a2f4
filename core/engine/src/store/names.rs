//! Dictionaries: texts that come again and again stand in rows as numbers.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use rustc_hash::FxHashMap;

use super::Doing;
use super::database::Database;
use crate::error::Error;

/// Kept in memory at most; beyond, the table is asked again.
const KEPT: usize = 4_096;

/// One dictionary table, with a memory of what it said.
#[derive(Debug)]
pub(super) struct Names {
    by_name: FxHashMap<Arc<str>, i64>,
    by_id: FxHashMap<i64, Arc<str>>,
    find: &'static str,
    add: &'static str,
    name: &'static str,
}

impl Names {
    /// Action types and names of arguments.
    pub(super) fn of_rows() -> Self {
        Self::new(
            "SELECT id FROM names WHERE name = ?1",
            "INSERT INTO names (name) VALUES (?1)",
            "SELECT name FROM names WHERE id = ?1",
        )
    }

    /// Users.
    pub(super) fn of_users() -> Self {
        Self::new(
            "SELECT id FROM users WHERE name = ?1",
            "INSERT INTO users (name) VALUES (?1)",
            "SELECT name FROM users WHERE id = ?1",
        )
    }

    fn new(find: &'static str, add: &'static str, name: &'static str) -> Self {
        Self { by_name: FxHashMap::default(), by_id: FxHashMap::default(), find, add, name }
    }

    /// The number of a text, if it has one.
    pub(super) fn find(&mut self, conn: &Connection, name: &Arc<str>) -> Result<Option<i64>, Error> {
        if let Some(id) = self.by_name.get(name) {
            return Ok(Some(*id));
        }
        let found = conn.prepare_cached(self.find).doing("looking a name up")?.query_row([&**name], |r| r.get(0));
        let found = found.optional().doing("looking a name up")?;
        if let Some(id) = found {
            self.keep(id, name.clone());
        }
        Ok(found)
    }

    /// The number of a text; a new one, if it has none.
    pub(super) fn id(&mut self, db: &mut Database, name: &Arc<str>) -> Result<i64, Error> {
        if let Some(id) = self.find(db.names(), name)? {
            return Ok(id);
        }
        let conn = db.writable()?;
        let id = conn.prepare_cached(self.add).doing("adding a name")?.insert([&**name]).doing("adding a name")?;
        self.keep(id, name.clone());
        Ok(id)
    }

    /// The text of a number.
    pub(super) fn name(&mut self, conn: &Connection, id: i64) -> Result<Option<Arc<str>>, Error> {
        if let Some(name) = self.by_id.get(&id) {
            return Ok(Some(name.clone()));
        }
        let found = conn.prepare_cached(self.name).doing("reading a name")?.query_row([id], |r| r.get::<_, String>(0));
        let found = found.optional().doing("reading a name")?.map(Arc::<str>::from);
        if let Some(name) = &found {
            self.keep(id, name.clone());
        }
        Ok(found)
    }

    /// Forgets what the table said: it was rolled back, or rows of it were deleted.
    pub(super) fn forget(&mut self) {
        self.by_name.clear();
        self.by_id.clear();
    }

    fn keep(&mut self, id: i64, name: Arc<str>) {
        if self.by_name.len() >= KEPT {
            self.forget();
        }
        self.by_id.insert(id, name.clone());
        self.by_name.insert(name, id);
    }
}
