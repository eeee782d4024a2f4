//! The tables, and the number of their form. `docs/storage.md` explains them to people.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// The form that this version writes, in `user_version`.
pub(super) const VERSION: i64 = 7;

/// The form whose journal is a table.
pub(super) const JOURNAL_TABLE: i64 = 6;

/// What brings a file of the version before up to each version from 2 on. A step that was in a release never changes;
/// `tests/formats` keeps a file of each version.
const UPGRADES: [&str; 6] = [
    // 2: all that is of a stream names it by its number, so that it can be found and erased; a history that is cut says
    // where. What tasks of all users decided was not told from the anonymous user's: the two count as mixed.
    "ALTER TABLE streams ADD COLUMN cut_ts INTEGER;
     ALTER TABLE streams ADD COLUMN cut_seq INTEGER;
     INSERT OR IGNORE INTO users (name) SELECT DISTINCT user FROM decisions WHERE user IS NOT NULL;
     INSERT OR IGNORE INTO users (name)
       SELECT DISTINCT refusal ->> '$.user' FROM refusals WHERE refusal ->> '$.user' IS NOT NULL;
     CREATE TABLE decisions_2 (
       n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, acked INTEGER NOT NULL DEFAULT 0,
       source TEXT NOT NULL, task TEXT NOT NULL, user INTEGER NOT NULL, shared TEXT NOT NULL,
       at INTEGER NOT NULL, utc_offset_min INTEGER NOT NULL, decision TEXT NOT NULL) STRICT;
     INSERT INTO decisions_2 SELECT n, id, acked, source, task,
       coalesce((SELECT users.id FROM users WHERE users.name = user), 0), shared, at, utc_offset_min, decision
       FROM decisions;
     DROP TABLE decisions;
     ALTER TABLE decisions_2 RENAME TO decisions;
     CREATE INDEX outbox ON decisions (n) WHERE acked = 0;
     CREATE TABLE refusals_2 (n INTEGER PRIMARY KEY, id TEXT NOT NULL, task TEXT NOT NULL, user INTEGER NOT NULL,
       at INTEGER NOT NULL, refusal TEXT NOT NULL) STRICT;
     INSERT INTO refusals_2 SELECT n, id, task,
       coalesce((SELECT users.id FROM users WHERE users.name = refusal ->> '$.user'), 0), at, refusal FROM refusals;
     DROP TABLE refusals;
     ALTER TABLE refusals_2 RENAME TO refusals;
     INSERT OR REPLACE INTO numbers (name, value) VALUES ('mixed', 1);",
    // 3: what controls count of decisions, feedback to them, decisions that are held, policies of sets; calls of scripts;
    // where outcomes came from; counters of tasks. Numbers of decisions and feedback are never used again: a host may have fetched up to one.
    "ALTER TABLE sets ADD COLUMN policy TEXT NOT NULL DEFAULT '[]';
     ALTER TABLE decisions ADD COLUMN touch TEXT NOT NULL DEFAULT '';
     ALTER TABLE decisions ADD COLUMN session INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE decisions ADD COLUMN exclusive TEXT;
     ALTER TABLE decisions ADD COLUMN expires INTEGER;
     UPDATE decisions SET touch = coalesce(decision ->> '$.touch', ''), expires = decision ->> '$.expiresAt'
       WHERE decision <> '';
     CREATE TABLE decisions_3 (
       n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, acked INTEGER NOT NULL DEFAULT 0,
       source TEXT NOT NULL, task TEXT NOT NULL, user INTEGER NOT NULL, shared TEXT NOT NULL,
       at INTEGER NOT NULL, utc_offset_min INTEGER NOT NULL, decision TEXT NOT NULL, touch TEXT NOT NULL DEFAULT '',
       session INTEGER NOT NULL DEFAULT 0, exclusive TEXT, expires INTEGER) STRICT;
     INSERT INTO decisions_3 SELECT * FROM decisions;
     DROP TABLE decisions;
     ALTER TABLE decisions_3 RENAME TO decisions;
     CREATE INDEX outbox ON decisions (n) WHERE acked = 0;
     CREATE TABLE feedback (n INTEGER PRIMARY KEY AUTOINCREMENT, decision TEXT NOT NULL, kind INTEGER NOT NULL,
       user INTEGER NOT NULL, at INTEGER NOT NULL, UNIQUE (decision, kind)) STRICT;
     CREATE TABLE trails (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, task TEXT NOT NULL,
       user INTEGER NOT NULL, at INTEGER NOT NULL, reason TEXT, bound TEXT, checks TEXT NOT NULL) STRICT;
     CREATE TABLE counts (source TEXT NOT NULL, task TEXT NOT NULL, version INTEGER NOT NULL, changed INTEGER NOT NULL,
       counts TEXT NOT NULL, PRIMARY KEY (source, task, version)) STRICT, WITHOUT ROWID;
     CREATE TABLE held (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, user INTEGER NOT NULL,
       due INTEGER NOT NULL, decision TEXT NOT NULL) STRICT;
     CREATE TABLE calls (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, task TEXT NOT NULL,
       rule TEXT NOT NULL, user INTEGER NOT NULL, ts INTEGER NOT NULL, seq INTEGER NOT NULL, answer TEXT) STRICT;
     CREATE INDEX unanswered ON calls (n) WHERE answer IS NULL;",
    // 4: fewer pages a decision: where an outcome came from stands with it; numbers that are never used again are marked
    // when rows are deleted (store/numbering.rs), and not with each one; the outbox is found by where it begins. A task
    // takes as much as it has to say.
    "INSERT OR REPLACE INTO numbers (name, value)
       SELECT name || '_numbered', seq FROM sqlite_sequence WHERE name IN ('decisions', 'feedback');
     CREATE TABLE decisions_4 (
       n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, acked INTEGER NOT NULL DEFAULT 0,
       source TEXT NOT NULL, task TEXT NOT NULL, user INTEGER NOT NULL, shared TEXT NOT NULL,
       at INTEGER NOT NULL, utc_offset_min INTEGER NOT NULL, decision TEXT NOT NULL, touch TEXT NOT NULL,
       session INTEGER NOT NULL, exclusive TEXT, expires INTEGER, bound TEXT, checks TEXT NOT NULL) STRICT;
     INSERT INTO decisions_4 SELECT d.*, t.bound, coalesce(t.checks, '[]')
       FROM decisions d LEFT JOIN trails t ON t.id = d.id AND d.decision <> '';
     DROP TABLE decisions;
     ALTER TABLE decisions_4 RENAME TO decisions;
     CREATE TABLE feedback_4 (n INTEGER PRIMARY KEY, decision TEXT NOT NULL, kind INTEGER NOT NULL,
       user INTEGER NOT NULL, at INTEGER NOT NULL, UNIQUE (decision, kind)) STRICT;
     INSERT INTO feedback_4 SELECT * FROM feedback;
     DROP TABLE feedback;
     ALTER TABLE feedback_4 RENAME TO feedback;
     CREATE TABLE held_4 (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, task TEXT NOT NULL,
       user INTEGER NOT NULL, at INTEGER NOT NULL, due INTEGER NOT NULL, decision TEXT NOT NULL, bound TEXT) STRICT;
     INSERT INTO held_4 SELECT h.n, h.id, h.source, coalesce(h.decision ->> '$.task', ''), h.user,
       coalesce(h.decision ->> '$.at', 0), h.due, h.decision, t.bound FROM held h LEFT JOIN trails t ON t.id = h.id;
     DROP TABLE held;
     ALTER TABLE held_4 RENAME TO held;
     CREATE TABLE refusals_4 (n INTEGER PRIMARY KEY, id TEXT NOT NULL, source TEXT NOT NULL, task TEXT NOT NULL,
       user INTEGER NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL, refusal TEXT NOT NULL, bound TEXT,
       checks TEXT NOT NULL) STRICT;
     INSERT INTO refusals_4 SELECT r.n, r.id, coalesce(t.source, ''), r.task, r.user, r.at,
       coalesce(r.refusal ->> '$.reason', ''), r.refusal, t.bound, coalesce(t.checks, '[]')
       FROM refusals r LEFT JOIN trails t ON t.id = r.id;
     DROP TABLE refusals;
     ALTER TABLE refusals_4 RENAME TO refusals;
     DROP TABLE trails;
     CREATE TABLE tasks_4 (
       source TEXT NOT NULL, id TEXT NOT NULL, place INTEGER NOT NULL, version INTEGER,
       since_seq INTEGER NOT NULL, since_ts INTEGER NOT NULL, task TEXT NOT NULL, PRIMARY KEY (source, id)) STRICT;
     INSERT INTO tasks_4 SELECT source, id, place, version, since_seq, since_ts, task FROM tasks;
     DROP TABLE tasks;
     ALTER TABLE tasks_4 RENAME TO tasks;",
    // 5: times of streams and skip bounds may be behind the log (store/summary.rs); here they are not.
    "INSERT OR REPLACE INTO numbers (name, value) SELECT 'summed', coalesce(max(seq), 0) FROM events;",
    // 6: what a small batch writes is one row at first (store/journal.rs).
    "CREATE TABLE journal (n INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT;",
    // 7: it is an entry of a file at first (store/entries.rs).
    "DROP TABLE journal;",
];

/// Says in the file's header that it is ours: "ensu".
pub(super) const APPLICATION: i64 = 0x656e_7375;

/// The stream of the device where a user's number is asked for; also "everyone" of a gap.
pub(super) const DEVICE: i64 = -1;

/// The anonymous user.
pub(super) const ANONYMOUS: i64 = 0;

const TABLES: &str = "
-- The log. seq is the arrival number; user: ANONYMOUS, DEVICE (a gap of everyone) or users.id; action: names.id, 0 for a
-- gap; flags and body: see store/events.rs.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, user INTEGER NOT NULL, ts INTEGER NOT NULL,
  action INTEGER NOT NULL, flags INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
-- Look-back goes by user and time; SQLite appends the rowid, so that (ts, seq) is the order of the index.
CREATE INDEX events_by_user ON events (user, ts);
-- Action types and names of arguments.
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
-- Names of users.
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
-- How far each stream has come: frontier and session as record() left them, and what the fold has seen; cut_ts, cut_seq:
-- at or before this place its history is no longer whole, and nothing reads there. Up to the number 'summed' of the log; what
-- comes after is in the log only: see store/summary.rs.
CREATE TABLE streams (
  user INTEGER PRIMARY KEY, frontier INTEGER NOT NULL, session INTEGER NOT NULL,
  folded INTEGER NOT NULL, utc_offset_min INTEGER NOT NULL, cut_ts INTEGER, cut_seq INTEGER) STRICT;
-- The last arrival number, the last wakeup, and marks: see store/state.rs; what the journal holds over: store/entries.rs.
CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- Sets in the order in which their sources first came; policy: what their documents ask of all touches, a JSON list.
CREATE TABLE sets (source TEXT PRIMARY KEY, place INTEGER NOT NULL, version INTEGER,
  policy TEXT NOT NULL DEFAULT '[]') STRICT, WITHOUT ROWID;
-- The last good form of each task, compiled (serde of ensue-rule), and from where in the log its demand was kept.
-- With a rowid: in a table without, what is longer than a quarter of a page takes a page of its own.
CREATE TABLE tasks (
  source TEXT NOT NULL, id TEXT NOT NULL, place INTEGER NOT NULL, version INTEGER,
  since_seq INTEGER NOT NULL, since_ts INTEGER NOT NULL, task TEXT NOT NULL,
  PRIMARY KEY (source, id)) STRICT;
-- No match may start at or before these places. Of tasks that are shown every event up to the number 'summed' of the log.
CREATE TABLE bounds (
  source TEXT NOT NULL, task TEXT NOT NULL, user INTEGER NOT NULL, key BLOB NOT NULL,
  ts INTEGER NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY (source, task, user, key)) STRICT, WITHOUT ROWID;
-- Decisions in the order in which they were made: the outbox (acked = 0) and what controls count: shared, the names of
-- their caps; touch; session; exclusive, the group; expires, until when they are good. user: the stream, as in events;
-- decision: JSON, empty where what it said was erased; bound, checks: where it came from, JSON, see store/origins.rs.
CREATE TABLE decisions (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, acked INTEGER NOT NULL DEFAULT 0,
  source TEXT NOT NULL, task TEXT NOT NULL, user INTEGER NOT NULL, shared TEXT NOT NULL,
  at INTEGER NOT NULL, utc_offset_min INTEGER NOT NULL, decision TEXT NOT NULL, touch TEXT NOT NULL,
  session INTEGER NOT NULL, exclusive TEXT, expires INTEGER, bound TEXT, checks TEXT NOT NULL) STRICT;
-- What became of decisions, each kind once: 0 shown, 1 clicked, 2 dismissed, 3 converted.
CREATE TABLE feedback (n INTEGER PRIMARY KEY, decision TEXT NOT NULL, kind INTEGER NOT NULL,
  user INTEGER NOT NULL, at INTEGER NOT NULL, UNIQUE (decision, kind)) STRICT;
-- Counters of tasks, a row a version (the least integer: none); changed: the number of the last change; counts: JSON.
CREATE TABLE counts (source TEXT NOT NULL, task TEXT NOT NULL, version INTEGER NOT NULL, changed INTEGER NOT NULL,
  counts TEXT NOT NULL, PRIMARY KEY (source, task, version)) STRICT, WITHOUT ROWID;
-- Touches that wait for their time (due), when their controls are judged; decision: JSON, as it would have been, at its
-- match's time; bound: as of decisions.
CREATE TABLE held (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, task TEXT NOT NULL,
  user INTEGER NOT NULL, at INTEGER NOT NULL, due INTEGER NOT NULL, decision TEXT NOT NULL, bound TEXT) STRICT;
-- Matches that were not delivered, with the reason; bound, checks: as of decisions.
CREATE TABLE refusals (n INTEGER PRIMARY KEY, id TEXT NOT NULL, source TEXT NOT NULL, task TEXT NOT NULL,
  user INTEGER NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL, refusal TEXT NOT NULL, bound TEXT,
  checks TEXT NOT NULL) STRICT;
-- Calls of scripts in the order of their triggers: rule: the hash of the task's rule; ts, seq: the place of the trigger;
-- answer: JSON, NULL while it is not known.
CREATE TABLE calls (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, task TEXT NOT NULL,
  rule TEXT NOT NULL, user INTEGER NOT NULL, ts INTEGER NOT NULL, seq INTEGER NOT NULL, answer TEXT) STRICT;
CREATE INDEX unanswered ON calls (n) WHERE answer IS NULL;
";

/// Makes the tables in an empty file.
pub(super) fn create(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(&format!(
        "BEGIN; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT"
    ))
}

/// Brings the tables of an older version to this one: all steps in one transaction, which `user_version` is part of.
pub(super) fn upgrade(conn: &Connection, found: i64) -> rusqlite::Result<()> {
    let all_or_nothing = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    let done = usize::try_from(found - 1).unwrap_or(0);
    for step in UPGRADES.iter().skip(done) {
        all_or_nothing.execute_batch(step)?;
    }
    all_or_nothing.execute_batch(&format!("PRAGMA user_version = {VERSION}"))?;
    all_or_nothing.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_its_step() {
        assert_eq!(i64::try_from(UPGRADES.len()).unwrap(), VERSION - 1);
    }
}
