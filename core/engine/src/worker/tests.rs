//! The worker without its thread: faults of the store.

mod noting;

use ensue_rule::{
    Attr, BinaryOp, Condition, Contiguity, Element, Event, Expr, On, Output, OutputKind, Pattern, Rule, Span, Step,
    Task, TaskEntry, TaskSet, Value,
};

use super::*;
use crate::config::{Config, Retention};
use crate::ingest::{Lost, Queued, Stamp};

/// `a -> b`, which touches.
fn task() -> Task {
    let step = Step { arrow: Contiguity::Relaxed, bound: None, element: Element::stage("b"), span: Span::default() };
    let mut rule = Rule::new(Pattern { first: Element::stage("a"), then: vec![step] });
    for stage in ["a", "b"] {
        let named = Expr::binary(BinaryOp::Eq, Expr::attr(stage, Attr::ActionType), Expr::literal(stage));
        rule.conditions.push(Condition::place(named, &rule.pattern).unwrap());
    }
    let kind = OutputKind::Touch { touch: "t".into(), payload: Value::Null };
    Task { outputs: vec![Output { on: On::Match, when: None, kind }], ..Task::of("t", rule) }
}

fn worker(config: Config) -> Worker {
    let shared = Arc::new(Shared::new(config));
    let (mut worker, _) = Worker::open(&shared).unwrap();
    let (reply, answer) = crate::reply::reply();
    assert_eq!(worker.obey(Command::Apply(vec![TaskSet::of("s", [task()])], reply)), Next::Go);
    answer.wait().unwrap().unwrap();
    worker
}

fn event(action: &str, ts: i64, scene: &str) -> Item {
    let event = Event { action_type: action.into(), scene: Some(scene.into()), ..Event::default() };
    Item::Event(Queued::of(event, ts))
}

fn batch(worker: &mut Worker, items: Vec<Item>) {
    let mut items = items;
    worker.take(&mut items);
    let _ = worker.finish_batch();
}

#[test]
fn on_a_full_disk_matching_goes_on_and_what_was_decided_is_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ensue.db");
    let mut full = worker(Config::at(&path).replay());
    full.store.limit_pages(true);
    let long = "x".repeat(10_000);
    batch(&mut full, vec![event("a", 1, &long), event("a", 2, &long), event("b", 3, "")]);
    assert!(full.last_error.as_ref().unwrap().is_store(), "{:?}", full.last_error);
    let stats = full.shared.counters.read();
    assert_eq!((stats.stored, stats.decisions), (0, 1));
    assert!(stats.unwritten >= 1);
    assert!(full.store.decisions(9).unwrap().is_empty());

    full.store.limit_pages(false);
    batch(&mut full, vec![event("a", 4, "")]);
    assert!(full.last_error.is_some(), "whoever flushes next is told that events were lost");
    assert_eq!(full.store.decisions(9).unwrap().len(), 1);
    let next = full.store.next_seq();
    drop(full);

    let again = Store::open(&crate::config::Place::File(path), Timestamp(0)).unwrap().store;
    assert_eq!(again.next_seq(), next, "arrival numbers are not used again");
}

#[test]
fn a_set_that_cannot_be_written_is_not_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let mut worker = worker(Config::at(dir.path().join("ensue.db")).replay());
    worker.store.limit_pages(true);
    let (reply, answer) = crate::reply::reply();
    let many = (0..200).map(|n| Task { id: format!("t{n}").into(), ..task() });
    let entry = |t: Task| TaskEntry { id: t.id.clone(), task: Ok(Arc::new(t)), warnings: Vec::new() };
    let tasks = many.map(entry).collect();
    let set = TaskSet { source: "s".into(), version: None, tasks, warnings: Vec::new(), policies: Vec::new() };
    worker.obey(Command::Apply(vec![set], reply));
    assert!(answer.wait().unwrap().unwrap_err().is_store());
    worker.store.limit_pages(false);
    batch(&mut worker, vec![event("a", 1, ""), event("b", 2, "")]);
    assert_eq!(worker.shared.counters.read().matches, 1);
    assert_eq!(worker.store.tasks().unwrap().len(), 1);
}

#[test]
fn a_batch_is_one_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ensue.db");
    let mut worker = worker(Config::at(&path).replay());
    let mut items = vec![event("a", 1, ""), event("b", 2, "")];
    worker.take(&mut items);
    // Killed before the commit: as if nothing of it had come.
    drop(worker);
    let mut again = Store::open(&crate::config::Place::File(path), Timestamp(0)).unwrap().store;
    assert!(again.decisions(9).unwrap().is_empty());
    assert_eq!(again.scan(0, &mut |_| Ok(())).unwrap(), 0);
}

#[test]
fn arrival_numbers_of_rows_that_are_gone_are_not_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ensue.db");
    let mut worker = worker(Config::at(&path).replay());
    batch(&mut worker, vec![event("a", 1, ""), event("b", 2, ""), event("a", 3, "")]);
    let next = worker.store.next_seq();
    let everyone = || crate::config::Place::File(path.clone());
    worker.in_transaction(|w| w.store.erase_user(None)).unwrap();
    drop(worker);
    let mut again = Store::open(&everyone(), Timestamp(0)).unwrap().store;
    assert_eq!(again.scan(0, &mut |_| Ok(())).unwrap(), 0);
    assert_eq!(again.next_seq(), next);
}

#[test]
fn a_long_log_is_moved_into_the_file_between_batches() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ensue.db");
    let mut worker = worker(Config::at(&path).replay());
    let log = || std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
    let text = "x".repeat(40_000);
    let mut most = 0;
    for ts in 1..400 {
        batch(&mut worker, vec![event("a", ts, &text)]);
        worker.store.relieve().unwrap();
        most = most.max(log());
    }
    assert!((2_000_000..4_000_000).contains(&most), "{most}");
    assert!(std::fs::metadata(&path).unwrap().len() > 10_000_000);
}

/// A clock that moves by itself, so slowly that nothing comes due in a test.
#[derive(Debug)]
struct Slow;

impl Clock for Slow {
    fn now(&self) -> Timestamp {
        Timestamp(1_000)
    }

    fn until(&self, due: Timestamp) -> Option<std::time::Duration> {
        u64::try_from(due.since(self.now()).0.max(0)).ok().map(std::time::Duration::from_millis)
    }
}

#[test]
fn who_has_nothing_to_do_settles_where_time_passes_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| Config::at(dir.path().join(name));
    let still = Arc::new(crate::clock::ManualClock::new(Timestamp(1_000)));
    for config in [at("replay.db").replay(), at("still.db").clock(still)] {
        let mut worker = worker(config);
        batch(&mut worker, vec![event("a", 1_000, "")]);
        assert_eq!(worker.patience(), None);
    }
    let mut worker = worker(at("live.db").clock(Arc::new(Slow)));
    batch(&mut worker, vec![event("a", 1_000, "")]);
    batch(&mut worker, vec![event("a", 1_000, "")]);
    let bytes = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    assert!(!bytes("live.db-entries").is_empty());
    assert_eq!(worker.patience(), Some(std::time::Duration::from_millis(200)));
    let (log, file) = (bytes("live.db-wal"), bytes("live.db"));
    worker.rest();
    assert_ne!(bytes("live.db-wal"), log, "the journal was moved");
    assert_ne!(bytes("live.db"), file, "and the log");
    let day = std::time::Duration::from_secs(24 * 3_600);
    assert!(worker.patience().is_none_or(|patience| patience > day), "once is enough");
}

#[test]
fn what_cannot_be_written_is_tried_again_after_longer_and_longer_pauses() {
    let dir = tempfile::tempdir().unwrap();
    let mut worker = worker(Config::at(dir.path().join("ensue.db")).clock(Arc::new(Slow)));
    assert!(worker.unsettled, "there is something to tidy up");
    let mut pauses = Vec::new();
    for _ in 0..3 {
        worker.note(&Err(Error::closed()));
        pauses.push(worker.patience().unwrap().as_millis());
    }
    assert_eq!(pauses, [400, 800, 1_600]);
}

#[test]
fn what_is_too_old_and_cannot_be_deleted_waits() {
    let dir = tempfile::tempdir().unwrap();
    let mut worker = worker(Config::at(dir.path().join("ensue.db")).clock(Arc::new(Slow)));
    worker.rest();
    assert!(worker.last_error.is_none(), "{:?}", worker.last_error);
    worker.aged_at = Timestamp(500);
    assert_eq!(worker.patience(), Some(std::time::Duration::ZERO));
    worker.store.refuse_writes();
    worker.rest();
    assert!(worker.last_error.is_some());
    assert_eq!(worker.patience(), Some(std::time::Duration::from_secs(3_600)));
}

/// Twenty users, each with a live run, of whom four stay in memory.
fn resting(retention: Retention) -> Worker {
    let config = Config { users: 1, retention, ..Config::in_memory().replay() };
    let mut worker = worker(config);
    for n in 0..20 {
        let name: Arc<str> = format!("user{n:02}").into();
        let mark = worker.shared.ingest.users.mark(Some(&name), Stamp::Given(Timestamp(n)), 0);
        let Item::Event(mut item) = event("a", n, "") else { return worker };
        item.event.user_id = Some(name);
        item.newcomer = mark.newcomer;
        batch(&mut worker, vec![Item::Event(item)]);
    }
    worker.done = 1_000;
    worker.put_away().unwrap();
    assert_eq!((worker.fold.users().len(), worker.fold.live()), (4, 20));
    worker
}

#[test]
fn runs_of_users_who_are_away_end_and_say_so_when_their_history_goes() {
    let mut worker = resting(Retention { rows: 12, ..Retention::default() });
    let before = worker.shared.counters.read();
    assert!(!worker.forget_step().unwrap());
    let after = worker.shared.counters.read();
    assert_eq!(worker.fold.live(), 12);
    assert_eq!((after.truncated - before.truncated, after.refusals - before.refusals), (8, 8));
}

#[test]
fn who_is_away_comes_back_when_everyone_lost_events_and_stays() {
    let mut worker = resting(Retention::default());
    let lost = Lost { everyone: Some(Timestamp(30)), ..Lost::default() };
    batch(&mut worker, vec![Item::Gap(lost)]);
    assert_eq!((worker.fold.users().len(), worker.fold.live()), (20, 20));
    worker.put_away().unwrap();
    assert_eq!((worker.fold.users().len(), worker.fold.live()), (20, 20));
}

#[test]
fn who_is_away_is_forgotten_with_their_runs() {
    let mut worker = resting(Retention::default());
    let (away, here): (Arc<str>, Arc<str>) = ("user00".into(), "user19".into());
    for (user, left) in [(away, 19), (here, 18)] {
        worker.forget(Some(&user)).unwrap();
        assert_eq!(worker.fold.live(), left);
    }
}

#[test]
fn once_a_batch_was_not_written_users_with_live_runs_stay() {
    let mut worker = resting(Retention::default());
    worker.wake_all().unwrap();
    assert_eq!((worker.fold.users().len(), worker.fold.live()), (20, 20));
    worker.note(&Err(Error::closed()));
    worker.note(&Ok(()));
    worker.put_away().unwrap();
    assert_eq!(worker.fold.users().len(), 20);
}
