//! The journal: what a small batch writes, as one entry of a file, before it stands in its tables.
//!
//! Whoever waits for a decision waits for the commit that holds it, and what a commit costs is the pages that it touches: an event
//! and its decision are rows of five tables and indices, and here one write to the end of a file. Here is what an entry says;
//! [`Entries`](super::entries) has the file, and [`Database`](super::database) says when which way is taken. An entry names its
//! statements by number, so that a store that a process left when it was killed is read by later versions too: a statement that
//! was in a release keeps its number and its text for ever.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql, Transaction, TransactionBehavior, params_from_iter};

use super::codec::{Reader, Writer};
use super::{Doing, torn};
use crate::error::Error;

/// What a batch may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Statement {
    /// A row of the log, event or gap.
    Event = 1,
    Decision = 2,
    Refusal = 3,
    /// A touch that waits.
    Held = 4,
    /// One that waits no more.
    Unheld = 5,
    Call = 6,
    Counts = 7,
    /// How far the fold has come in a stream, and `record` as if it had come as far; not written any more.
    Folded = 8,
    Bound = 9,
    /// Up to where a stream's history is gone.
    Cut = 10,
    Number = 11,
    /// How far recording has come in a stream.
    Reached = 12,
    /// How far both have come in a stream, as the fold knows it.
    Moved = 13,
}

use Statement as S;

/// All statements with what they do and their text. In the order of their numbers; one that is not written any more stays.
const STATEMENTS: [(Statement, &str, &str); 13] = [
    (
        S::Event,
        "writing an event",
        "INSERT INTO events (seq, user, ts, action, flags, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    ),
    (
        S::Decision,
        "writing a decision",
        "INSERT OR IGNORE INTO decisions (n, id, source, task, user, shared, at, utc_offset_min, decision,
         touch, session, exclusive, expires, bound, checks)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    ),
    (
        S::Refusal,
        "writing a refusal",
        "INSERT INTO refusals (id, source, task, user, at, reason, refusal, bound, checks)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    ),
    (
        S::Held,
        "writing a touch that waits",
        "INSERT INTO held (id, source, task, user, at, due, decision, bound)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET due = ?6",
    ),
    (S::Unheld, "forgetting a touch that waits no more", "DELETE FROM held WHERE id = ?1"),
    (
        S::Call,
        "writing a call of a script",
        "INSERT INTO calls (id, source, task, rule, user, ts, seq, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET answer = coalesce(calls.answer, excluded.answer)",
    ),
    (
        S::Counts,
        "writing counters",
        "INSERT OR REPLACE INTO counts (source, task, version, changed, counts) VALUES (?1, ?2, ?3, ?4, ?5)",
    ),
    (
        S::Folded,
        "writing a user's time",
        "INSERT INTO streams (user, frontier, session, folded, utc_offset_min) VALUES (?1, ?2, ?3, ?2, ?4)
         ON CONFLICT (user) DO UPDATE SET folded = max(folded, ?2), frontier = max(frontier, ?2),
         session = max(session, ?3), utc_offset_min = ?4",
    ),
    (
        S::Bound,
        "writing a skip bound",
        "INSERT OR REPLACE INTO bounds (source, task, user, key, ts, seq) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    ),
    (
        S::Cut,
        "writing where a history is cut",
        "INSERT INTO streams (user, frontier, session, folded, utc_offset_min, cut_ts, cut_seq)
         VALUES (?1, ?2, ?3, ?2, ?4, ?5, ?6) ON CONFLICT (user) DO UPDATE SET cut_ts = ?5, cut_seq = ?6",
    ),
    (S::Number, "writing a number", "INSERT OR REPLACE INTO numbers (name, value) VALUES (?1, ?2)"),
    (
        S::Reached,
        "writing a user's time",
        "INSERT INTO streams (user, frontier, session, folded, utc_offset_min)
         VALUES (?1, ?2, ?3, -9223372036854775808, 0)
         ON CONFLICT (user) DO UPDATE SET frontier = max(frontier, ?2), session = max(session, ?3)",
    ),
    (
        S::Moved,
        "writing a user's time",
        "INSERT INTO streams (user, frontier, session, folded, utc_offset_min) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (user) DO UPDATE SET folded = max(folded, ?4), frontier = max(frontier, ?2),
         session = max(session, ?3), utc_offset_min = ?5",
    ),
];

/// What is bound to a place of a statement.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl From<i64> for Cell<'_> {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Self::Null, Into::into)
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(n) => ValueRef::Integer(n),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Statement {
    fn of_number(number: u8) -> Option<Self> {
        STATEMENTS.get(usize::from(number).checked_sub(1)?).map(|(statement, ..)| *statement)
    }

    fn row(self) -> Option<&'static (Self, &'static str, &'static str)> {
        STATEMENTS.get((self as usize).checked_sub(1)?)
    }

    /// What it does, for errors.
    pub(super) fn doing(self) -> &'static str {
        self.row().map_or("", |(_, doing, _)| doing)
    }

    /// Runs it.
    pub(super) fn execute(self, conn: &Connection, cells: &[Cell<'_>]) -> rusqlite::Result<()> {
        let sql = self.row().map_or("", |(.., sql)| sql);
        conn.prepare_cached(sql)?.execute(params_from_iter(cells)).map(drop)
    }

    /// Puts it at the end of an entry.
    pub(super) fn note(self, entry: &mut Writer, cells: &[Cell<'_>]) {
        entry.byte(self as u8);
        entry.uint(cells.len() as u64);
        for cell in cells {
            match cell {
                Cell::Null => entry.byte(0),
                Cell::Int(n) => {
                    entry.byte(1);
                    entry.int(*n);
                }
                Cell::Text(text) => {
                    entry.byte(2);
                    entry.text(text);
                }
                Cell::Bytes(bytes) => {
                    entry.byte(3);
                    entry.bytes(bytes);
                }
            }
        }
    }
}

const POSTING: &str = "moving the journal into its tables";

/// Does what entries say, one after the other; within a transaction.
pub(super) fn post(conn: &Connection, entries: &[u8]) -> Result<(), Error> {
    let mut rest = Reader(entries);
    while !rest.0.is_empty() {
        let (statement, cells) = next(&mut rest).ok_or_else(|| torn(POSTING))?;
        statement.execute(conn, &cells).or_else(|error| match error.sqlite_error_code() {
            // None of ours, or it goes against what is there: no sound store, and none tomorrow.
            Some(ErrorCode::ConstraintViolation) | None => Err(torn(POSTING)),
            _ => Err(error).doing(statement.doing()),
        })?;
    }
    Ok(())
}

/// Does what the journal of a store of form 6 says, which is a table there; before its tables change.
pub(super) fn take_in(conn: &Connection) -> Result<(), Error> {
    let all_or_nothing = Transaction::new_unchecked(conn, TransactionBehavior::Immediate).doing(POSTING)?;
    let mut statement = conn.prepare("SELECT entry FROM journal ORDER BY n").doing(POSTING)?;
    let mut rows = statement.query([]).doing(POSTING)?;
    while let Some(row) = rows.next().doing(POSTING)? {
        post(conn, row.get_ref(0).doing(POSTING)?.as_blob().map_err(|_| torn(POSTING))?)?;
    }
    drop(rows);
    conn.execute("DELETE FROM journal", []).doing(POSTING)?;
    all_or_nothing.commit().doing(POSTING)
}

/// Entries without rows of the log, for a file that begins without a log; as far as they read.
pub(super) fn beside_events(entries: &[u8]) -> Vec<u8> {
    let (mut rest, mut kept) = (Reader(entries), Writer::default());
    while let Some((statement, cells)) = next(&mut rest) {
        if statement != S::Event {
            statement.note(&mut kept, &cells);
        }
    }
    kept.0
}

fn next<'a>(entry: &mut Reader<'a>) -> Option<(Statement, Vec<Cell<'a>>)> {
    let statement = Statement::of_number(entry.byte()?)?;
    let cells = (0..entry.len()?).map(|_| cell(entry)).collect::<Option<_>>()?;
    Some((statement, cells))
}

fn cell<'a>(entry: &mut Reader<'a>) -> Option<Cell<'a>> {
    Some(match entry.byte()? {
        0 => Cell::Null,
        1 => Cell::Int(entry.int()?),
        2 => Cell::Text(entry.text()?),
        3 => Cell::Bytes(entry.bytes()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;

    /// What the first version with a journal writes for one of each statement.
    const KEPT: &[u8] = b"\x01\x06\x01\x0e\x01\x02\x01\xd0\x0f\x01\x06\x01\x00\x03\x02\x00\x01\
        \x02\x0f\x01\x02\x02\x02id\x02\x01s\x02\x01t\x01\x02\x02\x02[]\x01\x04\x01\x03\x02\x02{}\x02\x01x\x01\x04\x00\x00\x00\x02\x02[]\
        \x03\x09\x02\x02id\x02\x01s\x02\x01t\x01\x02\x01\x04\x02\x03cap\x02\x02{}\x00\x02\x02[]\
        \x04\x08\x02\x02go\x02\x01s\x02\x01t\x01\x02\x01\x04\x01\x06\x02\x02{}\x00\
        \x04\x08\x02\x02id\x02\x01s\x02\x01t\x01\x02\x01\x04\x01\x06\x02\x02{}\x00\
        \x05\x01\x02\x02go\
        \x06\x08\x02\x02id\x02\x01s\x02\x01t\x02\x01r\x01\x02\x01\x04\x01\x0e\x00\
        \x07\x05\x02\x01s\x02\x01t\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x02\x02\x02{}\
        \x08\x04\x01\x02\x01\x04\x01\x02\x01\x00\
        \x09\x06\x02\x01s\x02\x01t\x01\x02\x03\x01\x00\x01\x04\x01\x0e\
        \x0a\x06\x01\x02\x01\x04\x01\x02\x01\x00\x01\x04\x01\x0e\
        \x0b\x02\x02\x06wakeup\x01\x04\
        \x0c\x03\x01\x02\x01\x06\x01\x02\
        \x0d\x05\x01\x02\x01\x06\x01\x02\x01\x06\x01\x00";

    fn fresh() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        schema::create(&conn).unwrap();
        conn
    }

    fn rows(conn: &Connection, table: &str) -> i64 {
        conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0)).unwrap()
    }

    #[test]
    fn statements_stand_under_their_numbers() {
        for (i, (statement, doing, sql)) in STATEMENTS.iter().enumerate() {
            assert_eq!(*statement as usize, i + 1);
            assert!(!doing.is_empty());
            fresh().prepare(sql).unwrap();
        }
    }

    #[test]
    fn an_entry_that_a_release_wrote_reads_for_ever() {
        let conn = fresh();
        post(&conn, KEPT).unwrap();
        let tables = ["events", "decisions", "refusals", "held", "calls", "counts", "streams", "bounds", "numbers"];
        assert_eq!(tables.map(|table| rows(&conn, table)), [1; 9]);
        let event: (i64, i64, Vec<u8>) =
            conn.query_row("SELECT seq, ts, body FROM events", [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).unwrap();
        assert_eq!(event, (7, 1_000, vec![0, 1]));
        // And is written as it was.
        let (mut reader, mut again) = (Reader(KEPT), Writer::default());
        while !reader.0.is_empty() {
            let (statement, cells) = next(&mut reader).unwrap();
            statement.note(&mut again, &cells);
        }
        assert_eq!(again.0, KEPT);
    }

    #[test]
    fn an_entry_is_carried_over_without_its_events() {
        let conn = fresh();
        post(&conn, &beside_events(KEPT)).unwrap();
        assert_eq!((rows(&conn, "events"), rows(&conn, "decisions"), rows(&conn, "numbers")), (0, 1, 1));
        assert_eq!(beside_events(&KEPT[..KEPT.len() - 1]), beside_events(KEPT)[..beside_events(KEPT).len() - 12]);
    }

    #[test]
    fn an_entry_that_is_cut_or_says_nonsense_is_torn() {
        let ends: Vec<usize> = (1..KEPT.len()).filter(|n| post(&fresh(), &KEPT[..*n]).is_ok()).collect();
        // Between two statements; an entry that is cut there has no checksum that fits.
        assert_eq!(ends.len(), 13, "{ends:?}");
        for nonsense in [
            &b"\x00\x00"[..],
            b"\x0e\x00",
            b"\x0b\x02\x04",
            b"\x0b\xff\xff\xff\x0f",
            b"\x0b\x01\x02\x01a",
            b"\x0b\x02\x02\x01a\x02\x01b",
            b"\x0b\x02\x02\x01\xff\x01\x02",
        ] {
            assert!(post(&fresh(), nonsense).unwrap_err().is_unsound(), "{nonsense:?}");
        }
        // A row that is there already.
        let conn = fresh();
        let event = &KEPT[..17];
        post(&conn, event).unwrap();
        assert!(post(&conn, event).unwrap_err().is_unsound());
    }
}
