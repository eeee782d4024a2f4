//! What a store says to somebody who only knows SQL: for what the engine itself would not show.

mod journal;

use std::path::Path;

pub use journal::Entered;
pub use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

/// An open store. Reading it moves its log into the file: inspect a copy of what is to stay.
#[derive(Debug)]
pub struct Store(Connection);

/// Opens a store.
pub fn open(path: &Path) -> rusqlite::Result<Store> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
    Ok(Store(conn))
}

impl Store {
    /// What `SQLite` finds wrong; empty: nothing.
    pub fn complaints(&self) -> rusqlite::Result<Vec<String>> {
        let said = self.rows("PRAGMA integrity_check")?;
        Ok(said.iter().filter_map(|row| row.first()).map(show).filter(|s| s != "ok").collect())
    }

    /// The rows of a query.
    pub fn rows(&self, sql: &str) -> rusqlite::Result<Vec<Vec<Value>>> {
        let mut statement = self.0.prepare(sql)?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|i| row.get(i)).collect())?;
        rows.collect()
    }

    /// The number that a query gives; 0 where it gives none.
    pub fn number(&self, sql: &str) -> rusqlite::Result<i64> {
        let rows = self.rows(sql)?;
        let first = rows.first().and_then(|row| row.first());
        Ok(if let Some(Value::Integer(n)) = first { *n } else { 0 })
    }

    /// All rows of all tables, as text: two stores that have the same say the same.
    pub fn dump(&self) -> rusqlite::Result<Vec<String>> {
        let mut lines = Vec::new();
        for table in self.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")? {
            let name = table.first().map(show).unwrap_or_default();
            for row in self.rows(&format!("SELECT * FROM {name} ORDER BY 1, 2"))? {
                lines.push(format!("{name}: {}", row.iter().map(show).collect::<Vec<_>>().join(" | ")));
            }
        }
        Ok(lines)
    }

    /// Does what a statement says.
    pub fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.0.execute_batch(sql)
    }
}

/// A value as text.
pub fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Integer(n) => n.to_string(),
        Value::Real(x) => x.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => {
            bytes.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|n| char::from_digit(n.into(), 16)).collect()
        }
    }
}
