//! Files that are no stores, stores that are in use, and what a store forgets.

use ensue_engine::{Config, Engine, Place};
use ensue_rule::{Attr, BinaryOp, EventRef, Expr, Task, Timestamp};

use crate::support::{Site, arg, at, file, given, rule, task, touch};

#[test]
fn a_file_that_is_no_database_is_set_aside_with_its_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ensue.db");
    std::fs::write(
        &path,
        b"this is not a database, and it is longer than a header of SQLite would be.................",
    )
    .unwrap();
    let site = Site::open(file(&dir));
    let report = site.engine.ready().unwrap();
    let aside = report.set_aside.unwrap();
    assert!(aside.file_name().unwrap().to_str().unwrap().starts_with("ensue.db.aside-2"), "{}", aside.display());
    assert!(std::fs::read(aside).unwrap().starts_with(b"this is not"));
    assert_eq!(site.engine.stats().set_aside, 1);
    site.apply(vec![task("t", rule("a", 1_000))]);
    site.record(&at(1_000, "a"));
    assert_eq!(site.lines().len(), 1);
}

#[test]
fn a_torn_store_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ensue.db");
    let site = Site::open(file(&dir));
    site.apply(vec![task("t", rule("a b", 1_000_000))]);
    for ts in 0..5_000 {
        site.record(&at(ts, "a"));
    }
    site.engine.shutdown();
    let mut bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() > 100_000, "{}", bytes.len());
    for page in bytes.chunks_mut(2_048).skip(1) {
        page[..200].fill(0xee);
    }
    std::fs::write(&path, bytes).unwrap();
    let again = Site::open(file(&dir));
    let report = again.engine.ready().unwrap();
    assert!(report.set_aside.is_some());
    assert_eq!(report.tasks, 0);
}

#[test]
fn an_empty_file_becomes_a_store() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ensue.db"), b"").unwrap();
    assert_eq!(Site::open(file(&dir)).engine.ready().unwrap().set_aside, None);
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let error = |path: &std::path::Path| {
        let engine = Engine::open(Config::at(path)).unwrap();
        let error = engine.ready().unwrap_err();
        let closed = engine.record(&EventRef { action_type: "a", ..EventRef::default() });
        assert_eq!(closed, ensue_engine::Recorded::Closed, "at once");
        assert!(engine.flush().unwrap_err().to_string() == error.to_string(), "later calls say it too");
        error
    };
    let directory = error(dir.path());
    assert!(directory.is_unusable_path() && directory.to_string().contains("it is a directory"), "{directory}");
    let nowhere = error(&dir.path().join("no/such/folder/ensue.db"));
    assert!(nowhere.is_unusable_path() && nowhere.to_string().contains("there is no folder"), "{nowhere}");

    let path = dir.path().join("other.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE mine (x)").unwrap();
    drop(other);
    let foreign = error(&path);
    assert!(foreign.is_unusable_path() && foreign.to_string().contains("not a store of Ensue"), "{foreign}");

    let path = dir.path().join("later.db");
    Engine::open(Config::at(&path)).unwrap().ready().unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let before = contents(dir.path());
    let newer = error(&path);
    assert!(newer.is_newer_schema() && newer.to_string().contains("schema 99"), "{newer}");
    assert_eq!(contents(dir.path()), before, "and not a byte of it is touched");
}

/// All files of a folder.
fn contents(folder: &std::path::Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path());
    files.map(|f| (f.clone(), std::fs::read(f).unwrap())).collect()
}

#[test]
fn a_later_version_that_was_killed_finds_its_log_as_it_left_it() {
    let dir = tempfile::tempdir().unwrap();
    let [path, left] = ["ensue.db", "left.db"].map(|n| dir.path().join(n));
    Engine::open(Config::at(&path)).unwrap().ready().unwrap();
    let later = rusqlite::Connection::open(&path).unwrap();
    later.execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 99").unwrap();
    // As a kill leaves them: the version stands in the log only.
    std::fs::copy(&path, &left).unwrap();
    std::fs::copy(dir.path().join("ensue.db-wal"), dir.path().join("left.db-wal")).unwrap();
    drop(later);
    let before = contents(dir.path());
    assert!(Engine::open(Config::at(&left)).unwrap().ready().unwrap_err().is_newer_schema());
    assert_eq!(contents(dir.path()), before);
}

/// The columns of all tables, and the indexes. `SQLite`'s own table of numbers stays where `AUTOINCREMENT` once was.
fn shape(path: &std::path::Path) -> Vec<String> {
    let store = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT s.type || ' ' || s.name || ' ' || coalesce(group_concat(t.name || ' ' || t.type || ' ' || t.\"notnull\" || ' ' || t.pk
      || ' ' || coalesce(t.dflt_value, '')), '')
      FROM sqlite_schema s LEFT JOIN pragma_table_info(s.name) t
      WHERE s.name <> 'sqlite_sequence' GROUP BY s.type, s.name ORDER BY 1";
    let mut statement = store.prepare(sql).unwrap();
    statement.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn files_of_older_versions_get_the_shape_of_new_ones() {
    let dir = tempfile::tempdir().unwrap();
    let fresh = dir.path().join("fresh.db");
    Engine::open(Config::at(&fresh)).unwrap().ready().unwrap();
    let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/formats");
    let mut found = 0;
    for entry in std::fs::read_dir(kept).unwrap().map(|e| e.unwrap().path()) {
        if entry.extension().is_none_or(|e| e != "store") {
            continue;
        }
        let copy = dir.path().join("old.db");
        std::fs::copy(&entry, &copy).unwrap();
        Engine::open(Config::at(&copy).replay()).unwrap().ready().unwrap();
        assert_eq!(shape(&copy), shape(&fresh), "{}", entry.display());
        found += 1;
    }
    assert!(found > 0, "no file of an older version is kept");
}

#[test]
fn a_second_engine_on_the_file_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let first = Engine::open(file(&dir)).unwrap();
    first.ready().unwrap();
    let second = Engine::open(file(&dir)).unwrap();
    let error = second.ready().unwrap_err();
    assert!(error.is_in_use(), "{error}");
    first.close();
    Engine::open(file(&dir)).unwrap().ready().unwrap();
}

#[test]
fn what_is_called_memory_is_no_file() {
    assert_eq!(Config::at(":memory:").place, Place::Memory);
    assert_eq!(Place::at("memory"), Place::File("memory".into()));
}

#[test]
fn events_out_of_every_window_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    site.apply(vec![task("t", rule("a b", 1_000))]);
    for ts in 0..30_000 {
        site.record(&at(ts, "a"));
    }
    site.record(&at(31_500, "b"));
    site.engine.shutdown();
    assert_eq!(site.engine.stats().stored, 30_001);
    let store = rusqlite::Connection::open(dir.path().join("ensue.db")).unwrap();
    let kept: i64 = store.query_row("SELECT count(*) FROM events", [], |r| r.get(0)).unwrap();
    assert!(kept < 15_000, "{kept} rows are left");
    let first: i64 = store.query_row("SELECT min(seq) FROM events", [], |r| r.get(0)).unwrap();
    assert!(first > 1);
    drop(store);
    // Arrival numbers go on, also where the last rows are gone.
    let again = Site::open(file(&dir));
    again.engine.advance_to(Timestamp(1)).unwrap();
    again.record(&at(31_600, "a"));
    again.record(&at(31_700, "b"));
    assert_eq!(again.lines(), ["match t u @31700 a=31600 b=31700"]);
}

/// A task of one of a hundred scenes, which touches where somebody left for home.
fn of_scene(n: usize) -> Task {
    let mut rule = rule("pv leave", 24 * 3_600_000);
    let is = |left, right: String| Expr::binary(BinaryOp::Eq, left, Expr::literal(right));
    for stage in ["pv", "leave"] {
        given(&mut rule, is(Expr::attr(stage, Attr::Scene), format!("scene{n}")));
    }
    given(&mut rule, is(arg("leave", "item"), "home".to_owned()));
    Task { outputs: vec![touch("t")], ..task(&format!("t{n}"), rule) }
}

#[test]
fn a_day_of_events_stays_small() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    site.apply((0..100).map(of_scene).collect());
    let bytes_of = |name: &str| std::fs::metadata(dir.path().join(name)).map_or(0, |m| m.len());
    let mut log = 0;
    for n in 0..5_000_i64 {
        let (scene, item) = (format!("scene{}", n * 7 % 100), if n % 40 == 0 { "home" } else { "away" });
        let recorded = site.engine.record(&EventRef {
            ts: Some(Timestamp(1_700_000_000_000 + n * 17_000)),
            action_type: if n % 3 == 0 { "leave" } else { "pv" },
            scene: Some(&scene),
            user_id: Some("u"),
            args: &[("item", item.into()), ("unread", "x".into())],
            ..EventRef::default()
        });
        assert_eq!(recorded, ensue_engine::Recorded::Queued);
        if n % 10 == 9 {
            site.engine.flush().unwrap();
            log = log.max(bytes_of("ensue.db-wal"));
        }
    }
    let stats = site.engine.stats();
    site.engine.shutdown();
    let file = bytes_of("ensue.db");
    println!("{file} bytes in the file, {log} of log at most, {} stored, {} decisions", stats.stored, stats.decisions);
    assert!(stats.stored == 5_000 && stats.decisions > 20, "{stats:?}");
    assert!(file <= 1 << 20, "{file} bytes");
    assert!(log <= 4 << 20, "{log} bytes of log");
}
