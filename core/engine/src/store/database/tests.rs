//! What waits, what is given up, what a crash of the system may take back.

use std::path::Path;

use super::*;
use crate::store::open::beside;
use crate::store::schema;

fn open(path: &Path) -> Database {
    let conn = Connection::open(path).unwrap();
    if conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get::<_, i64>(0)).unwrap() == 0 {
        conn.execute_batch("PRAGMA journal_mode = WAL").unwrap();
        schema::create(&conn).unwrap();
    }
    let mut db = Database::over(conn, path).unwrap();
    db.begin_anew().unwrap();
    db
}

fn put(db: &mut Database, name: &str, value: i64) {
    db.write(Statement::Number, &[name.into(), value.into()]).unwrap();
}

fn number(db: &mut Database, name: &str) -> Option<i64> {
    db.tables().unwrap().query_row("SELECT value FROM numbers WHERE name = ?1", [name], |r| r.get(0)).ok()
}

fn entries(db: &Database) -> usize {
    db.waiting.n
}

#[test]
fn whoever_reads_finds_what_is_in_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("s.db"));
    for n in 0..3 {
        db.begin();
        put(&mut db, "a", n.try_into().unwrap());
        db.commit().unwrap();
        assert_eq!(entries(&db), n + 1);
    }
    // Outside a batch.
    assert_eq!((number(&mut db, "a"), entries(&db)), (Some(2), 0));
    // Within one, which is a transaction from there on.
    db.begin();
    put(&mut db, "a", 3);
    db.commit().unwrap();
    db.begin();
    put(&mut db, "b", 4);
    assert_eq!((number(&mut db, "a"), number(&mut db, "b")), (Some(3), Some(4)));
    put(&mut db, "b", 5);
    assert!(!db.names().is_autocommit());
    db.commit().unwrap();
    assert_eq!((number(&mut db, "b"), entries(&db)), (Some(5), 0));
}

#[test]
fn what_is_given_up_takes_nothing_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("s.db"));
    db.begin();
    put(&mut db, "a", 1);
    db.commit().unwrap();
    // An entry, and a transaction that has taken the journal in.
    for reads in [false, true] {
        db.begin();
        put(&mut db, "a", 2);
        put(&mut db, "b", 2);
        if reads {
            assert_eq!(number(&mut db, "b"), Some(2));
        }
        db.rollback();
        assert_eq!(entries(&db), 1);
    }
    assert_eq!((number(&mut db, "a"), number(&mut db, "b"), entries(&db)), (Some(1), None, 0));
}

#[test]
fn what_sqlite_gave_up_can_be_read_around_and_not_committed() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("s.db"));
    db.begin();
    put(&mut db, "a", 1);
    db.commit().unwrap();
    db.begin();
    put(&mut db, "b", 2);
    assert_eq!(number(&mut db, "b"), Some(2));
    // As after an error of the disk.
    db.conn.execute_batch("ROLLBACK").unwrap();
    assert_eq!((number(&mut db, "a"), number(&mut db, "b")), (Some(1), None));
    assert!(db.write(Statement::Number, &["c".into(), 3.into()]).is_err());
    assert!(db.writable().is_err());
    assert!(db.commit().is_err());
    db.rollback();
    assert_eq!(entries(&db), 1);
    db.begin();
    put(&mut db, "c", 3);
    db.commit().unwrap();
    assert_eq!((number(&mut db, "a"), number(&mut db, "b"), number(&mut db, "c")), (Some(1), None, Some(3)));
}

#[test]
fn a_journal_that_was_left_behind_is_taken_in() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let mut db = open(&path);
    db.begin();
    put(&mut db, "a", 1);
    db.commit().unwrap();
    drop(db);
    let mut db = Database::over(Connection::open(&path).unwrap(), &path).unwrap();
    assert_eq!((entries(&db), number(&mut db, "a")), (0, Some(1)));
    // And with nothing to take in; what was written after the mark was drawn, nobody knows.
    drop(db);
    let mut db = Database::over(Connection::open(&path).unwrap(), &path).unwrap();
    for expected in [0, 1] {
        db.begin();
        put(&mut db, "b", 2);
        db.commit().unwrap();
        assert_eq!(entries(&db), expected);
    }
}

#[test]
fn what_waits_for_the_disk_is_no_entry() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("s.db"));
    for (syncs, expected) in [(false, 1), (true, 0), (false, 1)] {
        db.sync_commits(syncs).unwrap();
        db.begin();
        put(&mut db, "a", 1);
        db.commit().unwrap();
        assert_eq!(entries(&db), expected);
    }
}

/// What `SQLite` has not synced a crash of the system may take back; what was entered later is on the disk, for all one knows.
#[test]
fn no_entry_is_taken_in_without_what_it_builds_upon() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let mut db = open(&path);
    let batch = |db: &mut Database, name: &str| {
        db.begin();
        put(db, name, 1);
        db.commit().unwrap();
        entries(db)
    };
    // A statement of its own, a transaction of the same mark's time, and a journal that was moved.
    let changes: [&dyn Fn(&mut Database); 3] = [
        &|db| assert_eq!(db.writable().unwrap().execute("INSERT INTO numbers VALUES ('alone', 1)", []).unwrap(), 1),
        &|db| {
            db.begin();
            db.tables().unwrap();
            put(db, "with", 1);
            db.commit().unwrap();
        },
        &|db| {
            batch(db, "moved");
            db.post().unwrap();
        },
    ];
    for (k, change) in changes.into_iter().enumerate() {
        let [before, after] = ["before", "after"].map(|when| dir.path().join(format!("{when} {k}.db")));
        let copy = |to: &Path, suffix| {
            std::fs::copy(beside(&path, suffix), beside(to, suffix)).unwrap();
        };
        db.begin_anew().unwrap();
        ["", "-wal"].into_iter().for_each(|suffix| copy(&before, suffix));
        change(&mut db);
        batch(&mut db, "first");
        assert!(batch(&mut db, "last") > 0);
        ["", "-wal"].into_iter().for_each(|suffix| copy(&after, suffix));
        copy(&before, "-entries");
        copy(&after, "-entries");
        assert_eq!(number(&mut open(&after), "last"), Some(1));
        assert_eq!(["first", "last"].map(|name| number(&mut open(&before), name)), [None, None], "change {k}");
        db.writable().unwrap().execute_batch("DELETE FROM numbers WHERE name <> 'journal'").unwrap();
    }
}

#[test]
fn many_and_large_batches_do_not_wait() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("s.db"));
    for n in 0..64 {
        assert!(!db.is_full());
        db.begin();
        put(&mut db, "a", n);
        db.commit().unwrap();
    }
    assert!(db.is_full());
    db.tables().unwrap();
    assert!(!db.is_full());
    // One that writes much goes to its tables.
    db.begin();
    for n in 0..1_000 {
        put(&mut db, &format!("number {n}"), n);
    }
    db.commit().unwrap();
    assert_eq!(entries(&db), 0);
}
