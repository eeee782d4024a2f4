//! What small batches wrote, while it cannot be moved into its tables (docs/adr/0015).

use std::path::Path;

use ensue_engine::Config;
use ensue_faults::{Fault, Op, Part, inspect};
use ensue_rule::{EventRef, Timestamp};

use crate::{Disk, Site, sets, sound};

/// A site with two decisions that wait in the journal.
fn journaled(path: &Path) -> Site {
    let site = Site::begun(path);
    // Names are known and past decisions were looked at: from here on each batch is an entry.
    for ts in [2_000, 3_000, 4_000] {
        site.record(ts, if ts == 3_000 { "a" } else { "b" }, "");
        site.engine.flush().unwrap();
    }
    site
}

/// What is committed and not yet in its tables is read, though it cannot be moved there.
#[test]
fn a_journal_that_cannot_be_moved_is_read_and_waits() {
    for fault in [Fault::Full, Fault::Broken, Fault::Denied] {
        let dir = tempfile::tempdir().unwrap();
        let site = journaled(&dir.path().join("ensue.db"));
        site.disk.fail(Part::Log, Op::Write, fault);
        assert_eq!(site.engine.decisions(9).len(), 2, "{fault:?}");
        // Nothing of what asks for more than that is done by half.
        let waiting = site.engine.decisions(9);
        let ids: Vec<&str> = waiting.iter().map(|d| &*d.id).collect();
        assert!(site.engine.ack(&ids).unwrap_err().is_store());
        assert!(site.engine.apply(sets()).unwrap_err().is_store());
        assert!(site.engine.export_user(None).unwrap().contains("\"b\""));
        site.record(5_000, "go", "");
        assert!(site.engine.flush().is_err());

        site.disk.heal();
        site.engine.flush().unwrap();
        assert_eq!(site.engine.decisions(9).len(), 2);
        let again = site.again();
        assert_eq!(again.engine.ack(&ids).unwrap(), 2);
        again.engine.shutdown();
        sound(&again.path);
    }
}

/// What a killed process left there is read on a full disk, too, and moved when there is room.
#[test]
fn a_store_with_a_journal_is_opened_on_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let killed = journaled(&dir.path().join("ensue.db"));
    let path = dir.path().join("copy.db");
    for suffix in ["", "-wal"] {
        let with = |path: &Path| format!("{}{suffix}", path.display());
        std::fs::copy(with(&killed.path), with(&path)).unwrap();
    }
    killed.engine.shutdown();
    let look = dir.path().join("look.db");
    std::fs::copy(&path, &look).unwrap();
    std::fs::copy(path.with_extension("db-wal"), look.with_extension("db-wal")).unwrap();
    assert!(!inspect::open(&look).unwrap().journal().unwrap().unwrap().is_empty());

    let full = Disk::default();
    full.fail(Part::Log, Op::Write, Fault::Full);
    let site = Site::on(full, Config::at(&path).replay(), &path);
    site.engine.ready().unwrap();
    assert_eq!(site.engine.decisions(9).len(), 2);
    site.record(5_000, "a", "");
    assert!(site.engine.flush().unwrap_err().is_store());
    site.disk.heal();
    site.record(6_000, "b", "");
    site.engine.flush().unwrap();
    assert_eq!(site.engine.decisions(9).len(), 3);
    let again = site.again();
    assert_eq!(again.engine.decisions(9).len(), 3);
    again.engine.shutdown();
    sound(&again.path);
}

/// `SQLite` gives a transaction up in which a page cannot be read: nothing of it is taken for written.
#[test]
fn a_batch_whose_look_back_cannot_be_read_is_not_kept_by_half() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ensue.db");
    let site = Site::begun(&path);
    // More than `SQLite` keeps in memory.
    (0..400).for_each(|n| site.record(2_000 + n, "a", &"x".repeat(20_000)));
    let site = site.again();
    let record = |ts, action_type, user: &str| {
        let event = EventRef { ts: Some(Timestamp(ts)), action_type, user_id: Some(user), ..EventRef::default() };
        site.engine.record(&event);
    };
    // So that nothing of these two is looked for on the disk, but what the next `go` looks back at.
    record(10_000, "a", "ann");
    record(10_000, "go", "ann");
    site.engine.flush().unwrap();
    assert_eq!(site.engine.decisions(9).len(), 0, "and the journal is empty");
    site.disk.fail_once(Part::Main, Op::Read, Fault::Broken);
    record(10_001, "a", "ann");
    site.record(10_002, "go", "");
    assert!(site.engine.flush().unwrap_err().is_store());
    record(20_000, "a", "bob");
    site.engine.flush().unwrap();
    let stored = site.engine.stats().stored;
    site.engine.shutdown();
    drop(site);
    let store = inspect::open(&path).unwrap();
    let rows = store.number("SELECT count(*) FROM events WHERE action > 0").unwrap();
    assert_eq!(rows, 401 + i64::try_from(stored).unwrap(), "what is counted as stored is in the log");
    assert_eq!(store.complaints().unwrap(), Vec::<String>::new());
}
