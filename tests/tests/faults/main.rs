//! Sick disks, and files that others touch: what the engine does, row by row of the table in `docs/storage.md`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod disk;
mod journal;
mod resting;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use disk::Disk;
use ensue_engine::{Config, Decision, Engine, Listener, Outcome, StoreReport, StoreState};
use ensue_faults::{Fault, Op, Part, Watch, inspect, watch};
use ensue_rule::{EventRef, TaskSet, Timestamp, Value};
use ensue_tests::random::Random;

/// Keeps what it is told.
#[derive(Default)]
struct Told {
    outcomes: Mutex<Vec<Outcome>>,
    store: Mutex<Vec<StoreReport>>,
}

impl Listener for Told {
    fn on_decisions(&self, _: &[Decision]) {}

    fn on_outcomes(&self, outcomes: &[Outcome]) {
        self.outcomes.lock().unwrap().extend_from_slice(outcomes);
    }

    fn on_store(&self, report: &StoreReport) {
        self.store.lock().unwrap().push(report.clone());
    }
}

const TASKS: &str = r#"[{"taskArray": [
  {"id": "pair", "rule": "EVENT: a -> b WHERE a.actionType = 'a' AND b.actionType = 'b' WITHIN 60 MIN RETURN b.args.n AS n",
   "output": {"type": "touch", "touch": "x"}},
  {"id": "absent", "rule": "EVENT: a -> !c WHERE a.actionType = 'a' AND c.actionType = 'c' WITHIN 60 MIN"}]},
 {"source": "t", "actionTypeIn": ["go"], "taskArray": [
  {"id": "back", "rule": "EVENT: a -> b WHERE a.actionType = 'a' AND b.actionType = 'b' AND a.args.text = 'never' WITHIN 60 MIN",
   "output": {"type": "touch", "touch": "x"}}]}]"#;

fn sets() -> Vec<TaskSet> {
    ensue_dsl::read_documents(TASKS.as_bytes(), &ensue_dsl::ReadOptions::default()).unwrap()
}

/// An engine on a disk that can be made to fail.
struct Site {
    path: PathBuf,
    disk: Arc<Disk>,
    engine: Engine,
    told: Arc<Told>,
    _watch: Watch,
}

impl Site {
    fn open(path: &Path) -> Self {
        Self::with(Config::at(path).replay(), path)
    }

    fn with(config: Config, path: &Path) -> Self {
        Self::on(Disk::default(), config, path)
    }

    fn on(disk: Disk, config: Config, path: &Path) -> Self {
        let disk = Arc::new(disk);
        let watch = watch(path, disk.clone());
        let engine = Engine::open(config).unwrap();
        let told = Arc::new(Told::default());
        engine.set_listener(Some(told.clone()));
        Self { path: path.to_owned(), disk, engine, told, _watch: watch }
    }

    /// With tasks in force and an `a` at 1,000.
    fn begun(path: &Path) -> Self {
        let site = Self::open(path);
        site.engine.apply(sets()).unwrap();
        site.record(1_000, "a", "");
        site.engine.flush().unwrap();
        site
    }

    fn record(&self, ts: i64, action: &str, text: &str) {
        let args = [("n", Value::Int(ts)), ("text", text.into())];
        let event = EventRef { ts: Some(Timestamp(ts)), action_type: action, args: &args, ..EventRef::default() };
        self.engine.record(&event);
    }

    /// How the store was said to be since the last call.
    fn states(&self) -> Vec<StoreState> {
        std::mem::take(&mut *self.told.store.lock().unwrap()).iter().map(|r| r.state).collect()
    }

    /// Closes it and opens it again.
    fn again(self) -> Self {
        self.engine.shutdown();
        let path = self.path.clone();
        drop(self);
        let site = Self::open(&path);
        site.engine.ready().unwrap();
        site
    }
}

fn sound(path: &Path) {
    assert_eq!(inspect::open(path).unwrap().complaints().unwrap(), Vec::<String>::new());
}

/// What every fault of writing has in common: matching goes on, it is said, and it is over when the disk is well.
fn writing_fails(part: Part, op: Op, fault: Fault) {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::begun(&dir.path().join("ensue.db"));
    site.disk.fail(part, op, fault);
    site.record(2_000, "b", "");
    let said = site.engine.flush().unwrap_err();
    assert!(said.is_store(), "{said}");
    assert_eq!(site.engine.stats().matches, 1, "matching went on: {op:?} {fault:?}");
    assert_eq!(site.engine.stats().unwritten, 1);
    assert_eq!(site.states(), [StoreState::Failing]);
    site.record(3_000, "a", "");
    assert!(site.engine.flush().is_err());
    assert_eq!(site.states(), [], "it is said once");

    site.disk.heal();
    site.record(4_000, "b", "");
    site.engine.flush().unwrap();
    assert_eq!(site.states(), [StoreState::Working]);
    assert_eq!(site.engine.decisions(9).unwrap().len(), 2, "what was decided meanwhile is kept");

    // The a of 3,000 is not in the log: who waits for an absence across the gap is told nothing.
    let again = site.again();
    assert_eq!(again.engine.decisions(9).unwrap().len(), 2);
    again.engine.advance_to(Timestamp(10_000_000)).unwrap();
    assert_eq!(again.told.outcomes.lock().unwrap().len(), 0);
    again.engine.shutdown();
    sound(&again.path);
}

#[test]
fn a_full_disk() {
    writing_fails(Part::Log, Op::Write, Fault::Full);
}

#[test]
fn a_write_that_fails() {
    writing_fails(Part::Log, Op::Write, Fault::Broken);
}

#[test]
fn rights_that_are_taken_away() {
    writing_fails(Part::Log, Op::Write, Fault::Denied);
}

#[test]
fn a_sync_that_fails_is_told_to_whoever_asked_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::begun(&dir.path().join("ensue.db"));
    site.disk.fail(Part::Log, Op::Sync, Fault::Broken);
    let event = EventRef { ts: Some(Timestamp(2_000)), action_type: "b", ..EventRef::default() };
    assert!(site.engine.record_durable(&event).unwrap_err().is_store());
    site.disk.heal();
    site.engine.record_durable(&EventRef { ts: Some(Timestamp(2_001)), ..event }).unwrap();
    assert_eq!(site.engine.decisions(9).unwrap().len(), 1);
    let again = site.again();
    assert_eq!(again.engine.decisions(9).unwrap().len(), 1);
}

#[test]
fn a_checkpoint_that_fails_loses_nothing() {
    for (op, fault) in [(Op::Write, Fault::Full), (Op::Write, Fault::Broken), (Op::Sync, Fault::Broken)] {
        let dir = tempfile::tempdir().unwrap();
        let site = Site::begun(&dir.path().join("ensue.db"));
        site.disk.fail(Part::Main, op, fault);
        site.record(2_000, "b", "");
        site.engine.flush().unwrap();
        let again = site.again();
        assert_eq!(again.engine.decisions(9).unwrap().len(), 1, "{op:?} {fault:?}");
        again.engine.shutdown();
        sound(&again.path);
    }
}

#[test]
fn an_unreadable_history_is_refused_and_not_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::begun(&dir.path().join("ensue.db"));
    // More than SQLite keeps in memory.
    let long = "x".repeat(2_000);
    (0..4_000).for_each(|n| site.record(2_000 + n, "a", &long));
    site.engine.flush().unwrap();
    site.engine.shutdown();
    let site = site.again();
    site.disk.fail(Part::Main, Op::Read, Fault::Broken);
    site.record(20_000, "go", "");
    let said = site.engine.flush().unwrap_err();
    assert!(said.is_store(), "{said}");
    let refused = |o: &Outcome| matches!(o, Outcome::Refusal(r) if r.reason.as_str() == "history_truncated");
    assert!(site.told.outcomes.lock().unwrap().iter().any(refused));
    site.disk.heal();
    site.record(21_000, "b", "");
    site.engine.flush().unwrap();
    // Writing a row reads the pages where it goes: that failed too, and is over.
    assert_eq!(site.states(), [StoreState::Failing, StoreState::Working]);
    assert_eq!(site.engine.stats().unwritten, 1);
}

#[test]
fn a_cap_whose_past_cannot_be_read_is_not_passed() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(&dir.path().join("ensue.db"));
    let capped = r#"[{"taskArray": [
      {"id": "capped", "rule": "EVENT: a WHERE a.actionType = 'a'", "output": {"type": "touch", "touch": "x"},
       "policy": {"caps": [{"limit": 1, "per": "day"}]}}]}]"#;
    site.engine
        .apply(ensue_dsl::read_documents(capped.as_bytes(), &ensue_dsl::ReadOptions::default()).unwrap())
        .unwrap();
    site.record(1_000, "a", "");
    site.engine.flush().unwrap();
    let site = site.again();
    let reason = |ts| {
        site.told.outcomes.lock().unwrap().clear();
        site.record(ts, "a", "");
        let flushed = site.engine.flush();
        let told = site.told.outcomes.lock().unwrap();
        let of = |o: &Outcome| match o {
            Outcome::Refusal(r) => Some(r.reason.as_str()),
            Outcome::Decision(_) => Some("decided"),
            _ => None,
        };
        (told.iter().find_map(of), flushed.is_ok())
    };
    site.disk.fail(Part::Main, Op::Read, Fault::Broken);
    assert_eq!(reason(2_000), (Some("history_truncated"), false));
    site.disk.heal();
    assert_eq!(reason(3_000), (Some("cap"), true));
}

#[test]
fn a_store_that_cannot_be_opened_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ensue.db");
    let site = Site::begun(&path);
    site.record(2_000, "b", "");
    site.engine.shutdown();
    for (part, op, fault) in [
        (Part::Main, Op::Open, Fault::Denied),
        (Part::Main, Op::Read, Fault::Broken),
        (Part::Main, Op::Lock, Fault::Broken),
        (Part::Log, Op::Open, Fault::Denied),
        (Part::Main, Op::Lock, Fault::Busy),
    ] {
        let before = std::fs::read(&path).unwrap();
        site.disk.fail(part, op, fault);
        let error = Engine::open(Config::at(&path).replay()).unwrap().ready().unwrap_err();
        assert_eq!(error.is_in_use(), fault == Fault::Busy, "{part:?} {op:?} {fault:?}: {error}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{part:?} {op:?}");
    }
    site.disk.heal();
    let again = site.again();
    assert_eq!(again.engine.decisions(9).unwrap().len(), 1);
    assert_eq!(again.engine.stats().set_aside, 0);
}

#[test]
fn a_file_that_is_deleted_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::begun(&dir.path().join("ensue.db"));
    site.record(2_000, "b", "");
    site.engine.flush().unwrap();
    std::fs::remove_file(&site.path).unwrap();
    site.record(3_000, "a", "");
    site.engine.flush().unwrap();
    assert_eq!(site.states(), [StoreState::Afresh]);
    assert_eq!(site.engine.decisions(9).unwrap().len(), 1, "what was decided is known");
    let site = site.again();
    assert_eq!(site.engine.ready().unwrap().tasks, 3);
    site.record(4_000, "b", "");
    site.engine.flush().unwrap();
    assert_eq!(site.engine.decisions(9).unwrap().len(), 2, "the event that noticed it is there, too");
    // Another one is in its place.
    std::fs::remove_file(&site.path).unwrap();
    std::fs::write(&site.path, "not ours").unwrap();
    site.record(5_000, "a", "");
    site.engine.flush().unwrap();
    assert_eq!(site.engine.stats().set_aside, 1);
    let again = site.again();
    again.record(6_000, "b", "");
    again.engine.flush().unwrap();
    assert_eq!(again.engine.decisions(9).unwrap().len(), 3);
    again.engine.shutdown();
    sound(&again.path);
}

/// Rows in many pages, opened again, and torn behind the back of whoever has it open.
fn torn(path: &Path) -> Site {
    let site = Site::begun(path);
    let long = "x".repeat(2_000);
    (0..4_000).for_each(|n| site.record(2_000 + n, "a", &long));
    let site = site.again();
    let mut bytes = std::fs::read(&site.path).unwrap();
    bytes.chunks_mut(2_048).skip(3).for_each(|page| page[..300].fill(0xee));
    // Not a new file: the same, as a disk that rots.
    let file = std::fs::OpenOptions::new().write(true).open(&site.path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
    site.record(20_000, "go", "");
    assert!(site.engine.flush().is_err());
    assert_eq!(site.states(), [StoreState::Afresh]);
    site
}

#[test]
fn a_look_back_over_a_log_that_is_gone_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let site = torn(&dir.path().join("ensue.db"));
    let refused = |site: &Site, ts| {
        site.record(ts, "go", "");
        site.engine.flush().unwrap();
        let told = std::mem::take(&mut *site.told.outcomes.lock().unwrap());
        let of_back = |o: &Outcome| matches!(o, Outcome::Refusal(r) if &*r.task == "back" && r.reason.as_str() == "history_truncated");
        told.iter().any(of_back)
    };
    assert!(refused(&site, 21_000), "there were many");
    let again = site.again();
    assert!(refused(&again, 22_000));
    assert!(!refused(&again, 3_700_000), "the window begins behind what is lost");
}

#[test]
fn a_file_that_tears_while_it_is_open_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let site = torn(&dir.path().join("ensue.db"));
    assert_eq!(site.engine.stats().set_aside, 1);
    let aside = |e: std::io::Result<std::fs::DirEntry>| e.unwrap().file_name().to_string_lossy().contains(".aside-2");
    assert!(std::fs::read_dir(dir.path()).unwrap().any(aside));
    site.record(21_000, "b", "");
    site.engine.flush().unwrap();
    assert_eq!(site.engine.stats().matches, 1, "the run that had begun before goes on in memory");
    let again = site.again();
    assert_eq!(again.engine.ready().unwrap().tasks, 3);
    assert_eq!(again.engine.decisions(9).unwrap().len(), 1);
    again.engine.shutdown();
    sound(&again.path);
}

/// Files cut off, and with bytes flipped anywhere: opened, or set aside and begun afresh; never a panic, never in between.
#[test]
fn a_damaged_file_is_opened_or_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ensue.db");
    let site = Site::begun(&path);
    (0..400).for_each(|n| site.record(2_000 + n, ["a", "b"][usize::try_from(n % 2).unwrap()], "text"));
    site.engine.shutdown();
    let whole = std::fs::read(&path).unwrap();
    let mut aside = 0;
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut bytes = whole.clone();
        let anywhere = |random: &mut Random| usize::try_from(random.below(whole.len() as u64)).unwrap();
        if seed % 4 == 0 {
            bytes.truncate(anywhere(&mut random));
        } else {
            (0..=random.below(40)).for_each(|_| bytes[anywhere(&mut random)] ^= 1 << random.below(8));
        }
        std::fs::write(&path, bytes).unwrap();
        let site = Site::open(&path);
        match site.engine.ready() {
            Ok(opened) => aside += u64::from(opened.set_aside.is_some()),
            // The header says that it is another program's, or a later version's.
            Err(error) => assert!(error.is_unusable_path() || error.is_newer_schema(), "seed {seed}: {error}"),
        }
        let _ = site.engine.apply(sets());
        site.record(10_000, "a", "");
        let _ = site.engine.flush();
        site.engine.shutdown();
    }
    assert!(aside > 10, "only {aside} were set aside");
}
