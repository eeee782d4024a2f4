//! What a store that was left behind has in it, read with SQL and `docs/storage.md` alone.

use std::path::{Path, PathBuf};

use ensue_faults::inspect::{self, Entered, Store, Value, show};

/// What is in a store.
#[derive(Debug, Default)]
pub struct Look {
    /// What `SQLite` finds wrong.
    pub complaints: Vec<String>,
    /// The numbers of the recorded events, in the order of their arrival.
    pub events: Vec<u64>,
    /// The version of the task sets; 0: none.
    pub version: i64,
    /// The version of the tables.
    pub schema: i64,
    /// The names of users.
    pub users: Vec<String>,
    /// The decisions as JSON, in their order.
    pub decisions: Vec<String>,
    /// The refusals as JSON, in their order.
    pub refusals: Vec<String>,
}

/// Copies a store, its log and its journal into a folder, so that looking changes nothing; the copy.
pub fn copy(store: &Path, folder: &Path) -> Result<PathBuf, String> {
    let to = folder.join("copy.db");
    for suffix in ["", "-wal", "-entries"] {
        let (from, to) = (with(store, suffix), with(&to, suffix));
        let _ = std::fs::remove_file(&to);
        if from.exists() {
            std::fs::copy(&from, &to).map_err(|e| e.to_string())?;
        }
    }
    Ok(to)
}

/// Moves a store's write-ahead log into its file. How many changes wait in its journal.
pub fn settle(store: &Path) -> Result<usize, String> {
    let store = inspect::open(store).map_err(|e| e.to_string())?;
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)").map_err(|e| e.to_string())?;
    let journal = store.journal().map_err(|e| e.to_string())?;
    journal.map(|entries| entries.len()).ok_or_else(|| "the journal does not read".to_owned())
}

/// The files beside a store, itself among them, in which a text is anywhere, a complaint each.
pub fn traces(store: &Path, text: &str) -> Result<Vec<String>, String> {
    let (folder, mut found) = (store.parent().ok_or("the store has no folder")?, Vec::new());
    for entry in std::fs::read_dir(folder).map_err(|e| e.to_string())? {
        let path = entry.map_err(|e| e.to_string())?.path();
        let bytes = std::fs::read(&path).map_err(|e| e.to_string())?;
        if bytes.windows(text.len()).any(|w| w == text.as_bytes()) {
            found.push(format!("{text} is still in {}", path.display()));
        }
    }
    Ok(found)
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl Look {
    /// Looks into a store; one without tables has nothing.
    pub fn at(path: &Path) -> Result<Self, String> {
        let store = inspect::open(path).map_err(|e| e.to_string())?;
        let empty = number(&store, "SELECT count(*) FROM sqlite_schema")? == 0;
        let texts = |sql| if empty { Ok(Vec::new()) } else { texts(&store, sql) };
        Ok(Self {
            complaints: store.complaints().map_err(|e| e.to_string())?,
            events: if empty { Vec::new() } else { events(&store)? },
            version: if empty { 0 } else { number(&store, "SELECT coalesce(min(version), 0) FROM sets")? },
            schema: number(&store, "PRAGMA user_version")?,
            users: texts("SELECT name FROM users")?,
            decisions: texts("SELECT decision FROM decisions ORDER BY n")?,
            refusals: texts("SELECT refusal FROM refusals ORDER BY n")?,
        }
        .with_journal(&store.journal().map_err(|e| e.to_string())?.ok_or("the journal does not read")?))
    }

    /// With what is on its way into the tables.
    fn with_journal(mut self, journal: &[Entered]) -> Self {
        for Entered { statement, cells } in journal {
            // `docs/storage.md`, "The journal": rows of events, decisions, refusals.
            match (statement, cells.as_slice()) {
                (1, [_, _, _, action, _, Value::Blob(body)]) if *action != Value::Integer(0) => {
                    self.events.extend(id(body));
                }
                (2, cells) => self.decisions.extend(cells.get(8).map(show)),
                (3, cells) => self.refusals.extend(cells.get(6).map(show)),
                _ => {}
            }
        }
        self
    }

    /// The last recorded event; 0: none.
    pub fn last(&self) -> u64 {
        self.events.iter().copied().max().unwrap_or(0)
    }
}

/// All that a store has, a line a row, its version first; but the mark of its journal, which is drawn at random.
pub fn dump(path: &Path) -> Result<Vec<String>, String> {
    let store = inspect::open(path).map_err(|e| e.to_string())?;
    let mut lines = vec![format!("schema {}", number(&store, "PRAGMA user_version")?)];
    let rows = store.dump().map_err(|e| e.to_string())?;
    lines.extend(rows.into_iter().filter(|row| !row.starts_with("numbers: journal |")));
    Ok(lines)
}

fn number(store: &Store, sql: &str) -> Result<i64, String> {
    store.number(sql).map_err(|e| e.to_string())
}

fn texts(store: &Store, sql: &str) -> Result<Vec<String>, String> {
    let rows = store.rows(sql).map_err(|e| e.to_string())?;
    Ok(rows.iter().filter_map(|row| row.first()).map(show).collect())
}

/// The ids of the events that were recorded: whole numbers without a scene before them.
fn events(store: &Store) -> Result<Vec<u64>, String> {
    let bodies = texts(store, "SELECT body FROM events WHERE action > 0 ORDER BY seq")?;
    Ok(bodies.iter().filter_map(|hex| id(&bytes(hex)?)).collect())
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    hex.as_bytes().chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()).collect()
}

/// `docs/storage.md`, "Rows of events": what is there (2: an id, no scene; 16 where the event was raised), the source, the id (3: a
/// whole number).
fn id(body: &[u8]) -> Option<u64> {
    let ([2 | 18, _, 3], varint) = body.split_first_chunk::<3>().map(|(head, rest)| (*head, rest))? else {
        return None;
    };
    let mut n = 0_u64;
    for (i, byte) in varint.iter().enumerate() {
        n |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some(n >> 1);
        }
    }
    None
}
