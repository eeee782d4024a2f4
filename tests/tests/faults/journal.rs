//! What small batches wrote: where it cannot be moved into its tables, or its own file is sick (docs/adr/0015).

use std::path::Path;

use ensue_engine::{Config, StoreState};
use ensue_faults::{Fault, Op, Part, inspect};
use ensue_rule::{EventRef, Timestamp};

use crate::{Disk, Site, sets, sound};

/// A site with two decisions, of which the second waits in the journal.
fn journaled(path: &Path) -> Site {
    let site = Site::begun(path);
    // The first batch is a transaction, which draws a mark; from there on each is an entry.
    for ts in [2_000, 3_000, 4_000] {
        site.record(ts, if ts == 3_000 { "a" } else { "b" }, "");
        site.engine.flush().unwrap();
    }
    site
}

/// Copies a store with all that is beside it.
fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal", "-entries"] {
        let with = |path: &Path| format!("{}{suffix}", path.display());
        std::fs::copy(with(from), with(to)).unwrap();
    }
}

/// What is committed and not yet in its tables is read, though it cannot be moved there.
#[test]
fn a_journal_that_cannot_be_moved_is_read_and_waits() {
    for fault in [Fault::Full, Fault::Broken, Fault::Denied] {
        let dir = tempfile::tempdir().unwrap();
        let site = journaled(&dir.path().join("ensue.db"));
        site.disk.fail(Part::Log, Op::Write, fault);
        assert_eq!(site.engine.decisions(9).unwrap().len(), 2, "{fault:?}");
        // Nothing of what asks for more than that is done by half.
        let waiting = site.engine.decisions(9).unwrap();
        let ids: Vec<&str> = waiting.iter().map(|d| &*d.id).collect();
        assert!(site.engine.ack(&ids).unwrap_err().is_store());
        assert!(site.engine.apply(sets()).unwrap_err().is_store());
        assert!(site.engine.export_user(None).unwrap().contains("\"b\""));
        site.record(5_000, "go", "");
        assert!(site.engine.flush().is_err());

        site.disk.heal();
        site.engine.flush().unwrap();
        assert_eq!(site.engine.decisions(9).unwrap().len(), 2);
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
    copy(&killed.path, &path);
    killed.engine.shutdown();
    let look = dir.path().join("look.db");
    copy(&path, &look);
    assert!(!inspect::open(&look).unwrap().journal().unwrap().unwrap().is_empty());

    let full = Disk::default();
    full.fail(Part::Log, Op::Write, Fault::Full);
    let site = Site::on(full, Config::at(&path).replay(), &path);
    site.engine.ready().unwrap();
    assert_eq!(site.engine.decisions(9).unwrap().len(), 2);
    site.record(5_000, "a", "");
    assert!(site.engine.flush().unwrap_err().is_store());
    site.disk.heal();
    site.record(6_000, "b", "");
    site.engine.flush().unwrap();
    assert_eq!(site.engine.decisions(9).unwrap().len(), 3);
    let again = site.again();
    assert_eq!(again.engine.decisions(9).unwrap().len(), 3);
    again.engine.shutdown();
    sound(&again.path);
}

/// How many rows the log has, and what `SQLite` finds wrong.
fn looked(path: &Path) -> (i64, Vec<String>) {
    let store = inspect::open(path).unwrap();
    (store.number("SELECT count(*) FROM events").unwrap(), store.complaints().unwrap())
}

/// Where its file cannot be written batches are transactions, and nobody is told of anything.
#[test]
fn a_journal_that_cannot_be_written_is_done_without() {
    for fault in [Fault::Full, Fault::Broken, Fault::Denied] {
        let dir = tempfile::tempdir().unwrap();
        let site = journaled(&dir.path().join("ensue.db"));
        site.disk.fail(Part::Entries, Op::Write, fault);
        for ts in [5_000, 6_000] {
            site.record(ts, if ts == 5_000 { "a" } else { "b" }, "");
            site.engine.flush().unwrap();
        }
        let killed = dir.path().join("killed.db");
        copy(&site.path, &killed);
        assert_eq!((site.states(), site.engine.stats().unwritten), (Vec::new(), 0), "{fault:?}");
        site.disk.heal();
        site.engine.shutdown();
        assert_eq!(inspect::open(&killed).unwrap().journal().unwrap().unwrap().len(), 0);
        assert_eq!(looked(&killed), (6, Vec::new()));
    }
}

/// A file that is cut off anywhere, as by a crash of the system, has what was whole in it; what follows goes on from there.
#[test]
fn a_journal_that_is_cut_off_has_what_was_whole() {
    let dir = tempfile::tempdir().unwrap();
    let site = journaled(&dir.path().join("ensue.db"));
    let left = dir.path().join("left.db");
    copy(&site.path, &left);
    site.engine.shutdown();
    let entries = std::fs::read(left.with_extension("db-entries")).unwrap();
    let mut found = Vec::new();
    for n in (0..=entries.len()).step_by(7).chain([entries.len()]) {
        let cut = dir.path().join("cut.db");
        copy(&left, &cut);
        std::fs::write(cut.with_extension("db-entries"), &entries[..n]).unwrap();
        let site = Site::open(&cut);
        found.push(site.engine.decisions(9).unwrap().len());
        site.record(9_000, "a", "");
        site.record(9_001, "b", "");
        site.engine.flush().unwrap();
        let again = site.again();
        assert!(again.engine.decisions(9).unwrap().len() > found[found.len() - 1]);
        again.engine.shutdown();
        sound(&again.path);
    }
    assert!(found.is_sorted());
    assert_eq!((found[0], found[found.len() - 1]), (1, 2));
}

/// What another store left there, or this one at another time, is not taken in.
#[test]
fn a_journal_of_another_store_is_not_taken_in() {
    let dir = tempfile::tempdir().unwrap();
    let (site, other) = (journaled(&dir.path().join("ensue.db")), journaled(&dir.path().join("other.db")));
    let left = dir.path().join("left.db");
    copy(&site.path, &left);
    std::fs::copy(other.path.with_extension("db-entries"), left.with_extension("db-entries")).unwrap();
    let again = Site::open(&left);
    assert_eq!(again.engine.decisions(9).unwrap().len(), 1);
    again.engine.shutdown();
    sound(&left);
    assert!(!left.with_extension("db-entries").exists(), "a store that is closed is one file");
}

/// What is beside a database is beside the file itself, so it is found by whatever name that is opened.
#[cfg(unix)]
#[test]
fn a_store_behind_a_link_has_its_journal_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let [link, hop, path] = ["link.db", "hop.db", "folder/ensue.db"].map(|name| dir.path().join(name));
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    std::os::unix::fs::symlink("hop.db", &link).unwrap();
    std::os::unix::fs::symlink(&path, &hop).unwrap();
    let site = journaled(&link);
    let killed = dir.path().join("killed.db");
    copy(&path, &killed);
    site.engine.shutdown();
    let again = Site::open(&killed);
    assert_eq!(again.engine.decisions(9).unwrap().len(), 2);
    again.engine.shutdown();
    let left = std::fs::read_dir(dir.path().join("folder")).unwrap().count();
    assert_eq!(left, 1, "a store that is closed is one file");
    // A torn one is set aside there, and the links stay.
    std::fs::write(&path, b"no database").unwrap();
    let site = Site::open(&link);
    let aside = site.engine.ready().unwrap().set_aside.unwrap();
    site.engine.shutdown();
    assert_eq!(aside.parent(), path.parent());
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    sound(&path);
}

/// A commit whose sync fails is on the disk or is not: what is committed after it holds in either case.
#[test]
fn what_comes_after_a_sync_that_failed_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let site = journaled(&dir.path().join("ensue.db"));
    site.disk.fail_once(Part::Log, Op::Sync, Fault::Broken);
    // No task wants it, so nothing of it has to be made up for in what is written next.
    let event = EventRef { ts: Some(Timestamp(5_000)), action_type: "z", ..EventRef::default() };
    assert!(site.engine.record_durable(&event).unwrap_err().is_store());
    site.record(6_000, "a", "");
    site.engine.flush().unwrap();
    let killed = dir.path().join("killed.db");
    copy(&site.path, &killed);
    site.engine.shutdown();
    let again = Site::open(&killed);
    again.record(7_000, "b", "");
    again.engine.flush().unwrap();
    assert_eq!(again.engine.decisions(9).unwrap().len(), 3);
    again.engine.shutdown();
    sound(&killed);
}

/// Who was written anew has a journal of its own, and whoever was there before leaves it alone.
#[test]
fn a_store_that_was_written_anew_has_its_journal() {
    let dir = tempfile::tempdir().unwrap();
    let site = journaled(&dir.path().join("ensue.db"));
    std::fs::remove_file(&site.path).unwrap();
    for ts in [5_000, 6_000, 7_000, 8_000] {
        site.record(ts, if ts % 2_000 == 0 { "b" } else { "a" }, "");
        site.engine.flush().unwrap();
    }
    assert_eq!(site.states(), [StoreState::Afresh]);
    let killed = dir.path().join("killed.db");
    copy(&site.path, &killed);
    site.engine.shutdown();
    let look = dir.path().join("look.db");
    copy(&killed, &look);
    assert!(!inspect::open(&look).unwrap().journal().unwrap().unwrap().is_empty());
    let site = Site::open(&killed);
    assert_eq!(site.engine.decisions(9).unwrap().len(), 4);
    site.engine.shutdown();
    assert_eq!(looked(&killed).1, Vec::<String>::new());
}

/// A file of that name that is none is no reason to lose what may be in it.
#[test]
fn a_journal_that_cannot_be_opened_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ensue.db");
    Site::begun(&path).engine.shutdown();
    std::fs::create_dir(path.with_extension("db-entries")).unwrap();
    let site = Site::open(&path);
    let said = site.engine.ready().unwrap_err().to_string();
    assert!(said.contains("opening the journal") && said.contains("is no file"), "{said}");
    site.engine.shutdown();
    std::fs::remove_dir(path.with_extension("db-entries")).unwrap();
    let site = Site::open(&path);
    site.engine.ready().unwrap();
    site.engine.shutdown();
    sound(&path);
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
    assert_eq!(site.engine.decisions(9).unwrap().len(), 0, "and the journal is empty");
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
