//! What is kept and what goes: windows, limits, fields that nobody reads, demands that change.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use ensue_engine::{Clock, Config, Engine, ManualClock, Recorded, Retention};
use ensue_rule::{Duration, EventRef, Task, TaskScope, Timestamp, Value};

use crate::support::{Made, Site, arg, at, derives, file, returning, rule, task, touch, triggered};
use crate::users::found_in;

const DAY: i64 = 24 * 60 * 60 * 1_000;

fn rows(folder: &Path, table: &str) -> i64 {
    let store = rusqlite::Connection::open(folder.join("ensue.db")).unwrap();
    store.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0)).unwrap()
}

/// The time of the oldest event that is kept of a user, and how many there are.
fn oldest(engine: &Engine, user: &str) -> (i64, usize) {
    let all: serde_json::Value = serde_json::from_str(&engine.export_user(Some(user)).unwrap()).unwrap();
    let events = all["events"].as_array().unwrap();
    (events[0]["ts"].as_i64().unwrap(), events.len())
}

/// Records `n` events of two users in turn, a millisecond apart.
fn fill(site: &Site, n: i64) {
    for ts in 0..n {
        site.record(&Made { user: Some(if ts % 2 == 0 { "u" } else { "v" }), ..at(ts, "a") });
    }
    site.engine.flush().unwrap();
}

#[test]
fn more_rows_than_the_limit_are_not_kept_and_runs_that_lose_their_history_say_so() {
    let limits =
        [Retention { rows: 2_000, ..Retention::UNLIMITED }, Retention { bytes: 2_000 * 42, ..Retention::UNLIMITED }];
    for retention in limits {
        let dir = tempfile::tempdir().unwrap();
        let config = || Config { retention, queue: 100_000, ..file(&dir) };
        let mut site = Site::open(config());
        let device = Task { scope: TaskScope::Device, ..task("all", rule("a c", 10 * DAY)) };
        site.apply(vec![
            task("own", rule("a c", 10 * DAY)),
            triggered("go", task("back", rule("a z", 10 * DAY))),
            device,
        ]);
        fill(&site, 12_000);
        let told = site.lines();
        for died in ["refusal own history_truncated", "refusal all history_truncated"] {
            assert!(told.iter().any(|l| l == died), "{retention:?}: {told:?}");
        }
        // Once more over the limit, so that it is the same whether steps happened between or only at the end.
        site.engine.shutdown();
        site = Site::open(config());
        let (first, kept) = oldest(&site.engine, "u");
        assert!((900..=1_050).contains(&kept), "{retention:?}: {kept} are kept");
        let (other, others) = oldest(&site.engine, "v");
        site.engine.shutdown();
        assert_eq!(rows(dir.path(), "events"), i64::try_from(kept + others).unwrap());
        site = Site::open(config());
        site.record(&at(20_000, "go"));
        assert_eq!(site.lines(), ["refusal back history_truncated"], "what it looks for may be in what is gone");
        site.record(&at(20_001, "c"));
        let all = format!("match all - @20001 a={} c=20001", first.min(other));
        assert_eq!(site.lines(), [format!("match own u @20001 a={first} c=20001"), all]);
        site.engine.shutdown();
    }
}

#[test]
fn what_was_cut_in_memory_is_what_a_restart_cuts() {
    let dir = tempfile::tempdir().unwrap();
    let retention = Retention { rows: 1_000, ..Retention::UNLIMITED };
    let config = || Config { retention, ..file(&dir) };
    let site = Site::open(config());
    let parted = |id: &str| {
        let mut rule = rule("a b c", 10 * DAY);
        rule.partition_by = vec![ensue_rule::Attr::arg("item")];
        task(id, rule)
    };
    site.apply(vec![parted("own"), Task { scope: TaskScope::Device, ..parted("all") }]);
    fill(&site, 9_000);
    let (first, _) = oldest(&site.engine, "u");
    assert!(first > 0, "steps were taken while it ran");
    site.lines();
    // The same question to what ran on and to what was opened again.
    let copy = tempfile::tempdir().unwrap();
    let ask = |site: &Site| {
        for user in ["u", "v"] {
            for (ts, action) in [(10_000, "b"), (10_001, "c")] {
                site.record(&Made { user: Some(user), ..at(ts, action) });
            }
        }
        let mut told = site.lines();
        told.retain(|l| l.starts_with("match"));
        told
    };
    site.engine.flush().unwrap();
    for name in ["ensue.db", "ensue.db-wal", "ensue.db-entries"] {
        std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let expected = ask(&site);
    let again = Site::open(Config { retention, ..file(&copy) });
    assert_eq!(ask(&again), expected);
    assert!(expected[0].starts_with(&format!("match own u @10001 a={first} ")), "{expected:?}");
}

#[test]
fn what_is_too_old_goes_and_users_of_whom_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp(100 * DAY)));
    let config = || Config::at(dir.path().join("ensue.db")).clock(clock.clone());
    let live = |then: &dyn Fn(&Site)| {
        let site = Site::open(config());
        site.engine.ready().unwrap();
        then(&site);
        site.engine.shutdown();
        site.take()
    };
    live(&|site| {
        site.apply(vec![task("absent", rule("a !n", 60 * DAY)), task("t", rule("x b", 90 * DAY))]);
        for user in ["u", "v"] {
            site.record(&Made { user: Some(user), ..at(100 * DAY, "a") });
        }
        site.record(&Made { user: Some("idle-4711"), ..at(100 * DAY, "noise") });
        site.engine.flush().unwrap();
    });
    assert_eq!((rows(dir.path(), "events"), rows(dir.path(), "users")), (2, 3));
    clock.set(Timestamp(120 * DAY));
    live(&|site| {
        site.record(&Made { user: Some("v"), ..at(120 * DAY, "x") });
    });
    assert_eq!((rows(dir.path(), "events"), rows(dir.path(), "users")), (3, 3));
    clock.set(Timestamp(132 * DAY));
    let told: Vec<String> = live(&|_| {}).iter().map(crate::support::line).collect();
    assert_eq!(told, ["refusal absent history_truncated", "refusal absent history_truncated"]);
    assert_eq!(rows(dir.path(), "events"), 1, "that of v within the limit");
    // A refusal is of u: their name stays as long as that.
    assert_eq!((rows(dir.path(), "users"), rows(dir.path(), "streams")), (2, 3), "the idle one is gone");
    clock.set(Timestamp(180 * DAY));
    let told: Vec<String> = live(&|_| {}).iter().map(crate::support::line).collect();
    assert_eq!(told, ["refusal t history_truncated"], "who has died does not fire");
}

/// A clock that is moved by hand, and looked at every few milliseconds by whoever waits for it.
#[derive(Debug, Default)]
struct Watched {
    now: AtomicI64,
    /// For when somebody has waited.
    awaited: Mutex<Vec<Timestamp>>,
    heard: Condvar,
}

impl Clock for Watched {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::Acquire))
    }

    fn until(&self, due: Timestamp) -> Option<std::time::Duration> {
        self.awaited.lock().unwrap().push(due);
        self.heard.notify_all();
        Some(std::time::Duration::from_millis(if due <= self.now() { 0 } else { 2 }))
    }
}

#[test]
fn what_gets_too_old_while_nothing_happens_goes_by_itself() {
    let clock = Arc::new(Watched::default());
    let retention = Retention { age: Duration(DAY), ..Retention::UNLIMITED };
    let site = Site::open(Config { retention, ..Config::in_memory() }.clock(clock.clone()));
    site.apply(vec![task("own", rule("a c", 10 * DAY))]);
    site.record(&at(0, "a"));
    assert_eq!(site.lines(), Vec::<String>::new());
    // When it is idle it looks through the log, and then waits for the first event to get too old.
    let awaited = clock.awaited.lock().unwrap();
    let patience = std::time::Duration::from_secs(20);
    let waits = |all: &mut Vec<Timestamp>| !all.contains(&Timestamp(DAY));
    assert!(!clock.heard.wait_timeout_while(awaited, patience, waits).unwrap().1.timed_out());
    clock.now.store(DAY, Ordering::Release);
    assert_eq!(site.wait_for(1), ["refusal own history_truncated"]);
    let kept: serde_json::Value = serde_json::from_str(&site.engine.export_user(None).unwrap()).unwrap();
    assert_eq!(kept["events"], serde_json::json!([]));
}

#[test]
fn a_user_whose_time_is_behind_keeps_what_their_tasks_may_look_at() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    let (own, back) = (task("own", rule("a b", 100_000)), triggered("go", task("back", rule("a b", 100_000))));
    let once = ensue_rule::Policy { cooldown: Some(Duration(50_000)), ..ensue_rule::Policy::default() };
    site.apply(vec![Task { outputs: vec![touch("x")], policy: once, ..own }, back]);
    let first = [(1_000, "a"), (1_001, "a"), (1_002, "b"), (1_003, "go")];
    for (ts, action) in first {
        site.record(&at(ts, action));
    }
    site.record(&Made { user: Some("ahead"), ..at(30 * DAY, "a") });
    let told = site.lines();
    assert_eq!(told.iter().filter(|l| l.starts_with("match")).count(), 2, "{told:?}");
    let decided = site.engine.decisions(9).unwrap();
    site.engine.ack(&[&decided[0].id]).unwrap();
    site.engine.shutdown();
    let again = Site::open(file(&dir));
    for (ts, action) in [(1_004, "b"), (1_005, "go"), (1_006, "a"), (1_007, "b")] {
        again.record(&at(ts, action));
    }
    // What the first matches consumed stays consumed, what was decided still counts.
    let own = "match own u @1007 a=1006 b=1007";
    assert_eq!(again.lines(), [own, "refusal own cooldown"]);
}

/// An event with all kinds of parts that nobody reads.
fn laden(engine: &Engine, action: &'static str, ts: i64) -> Recorded {
    let hidden = Value::from("hidden-5523");
    let inner: std::collections::BTreeMap<Arc<str>, Value> =
        [("read".into(), Value::from("seen-1")), ("unread".into(), hidden.clone())].into();
    let args = [
        ("item", Value::from("seen-2")),
        ("secret", hidden.clone()),
        ("hidden-5523", Value::from(1)),
        ("map", Value::Map(Arc::new(inner))),
        ("list", Value::List(vec![hidden].into())),
    ];
    engine.record(&EventRef { ts: Some(Timestamp(ts)), action_type: action, args: &args, ..EventRef::default() })
}

#[test]
fn fields_that_no_task_reads_are_never_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(Config { retention: Retention { rows: 500, ..Retention::UNLIMITED }, ..file(&dir) });
    let never = || assert_eq!(found_in(dir.path(), "hidden-5523"), Vec::<String>::new());
    let map = ensue_rule::Attr::try_from("args.map.read".to_owned()).unwrap();
    let reads = || returning(rule("a b", 1_000), "m", ensue_rule::Expr::attr("a", map.clone()));
    let touches = |rule| Task { outputs: vec![touch("x"), derives("d")], ..task("t", rule) };
    // Before the first set everything is in memory, whole.
    for ts in 0..100 {
        laden(&site.engine, "a", ts);
    }
    site.engine.flush().unwrap();
    never();
    site.apply(vec![touches(reads()), task("after", rule("d c", 1_000))]);
    for ts in 100..9_000 {
        laden(&site.engine, ["a", "b", "z", "c"][usize::try_from(ts % 4).unwrap()], ts);
    }
    site.engine.flush().unwrap();
    never();
    assert!(!found_in(dir.path(), "seen-1").is_empty(), "what is read is there");
    assert_eq!(found_in(dir.path(), "seen-2"), Vec::<String>::new());
    // A set that changes what is read, back and forth.
    site.apply(vec![touches(returning(rule("a b", 1_000), "m", arg("a", "item")))]);
    laden(&site.engine, "a", 9_001);
    site.apply(vec![touches(reads())]);
    laden(&site.engine, "a", 9_002);
    site.engine.shutdown();
    never();
    assert!(!found_in(dir.path(), "seen-2").is_empty());
}

#[test]
fn a_changed_set_changes_what_is_kept_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    let kept = |site: &Site| -> Vec<String> {
        let all: serde_json::Value = serde_json::from_str(&site.engine.export_user(None).unwrap()).unwrap();
        let events = all["events"].as_array().unwrap().iter();
        events.map(|e| format!("{} {}", e["actionType"].as_str().unwrap(), e["args"])).collect()
    };
    let reading = |name: &str| returning(rule("a b", 100_000), "x", arg("a", name));
    site.apply(vec![task("one", reading("item"))]);
    laden(&site.engine, "a", 1);
    site.apply(vec![task("one", reading("item")), task("two", reading("secret")), task("three", rule("c", 1_000))]);
    laden(&site.engine, "a", 2);
    site.apply(vec![task("two", reading("secret"))]);
    laden(&site.engine, "a", 3);
    assert_eq!(laden(&site.engine, "c", 4), Recorded::Unwanted);
    let expected =
        [r#"a {"item":"seen-2"}"#, r#"a {"item":"seen-2","secret":"hidden-5523"}"#, r#"a {"secret":"hidden-5523"}"#];
    assert_eq!(kept(&site), expected);
    site.lines();
    // The first event lacks what `two` reads: it has no part in its history.
    laden(&site.engine, "b", 5);
    assert_eq!(site.lines().len(), 1);
    assert!(site.engine.decisions(1).unwrap().is_empty());
}

#[test]
fn a_removed_task_frees_what_it_alone_needed() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    site.apply(vec![
        task("t", rule("a b", 10 * DAY)),
        task("long", rule("a c", 10 * DAY)),
        task("stay", rule("z", 1_000)),
    ]);
    for (ts, action) in [(1, "a"), (2, "b"), (3, "a"), (4, "z"), (5, "c")] {
        site.record(&at(ts, action));
    }
    site.lines();
    site.apply(vec![task("t", rule("a b", 10 * DAY)), task("stay", rule("z", 1_000))]);
    site.engine.shutdown();
    assert_eq!((rows(dir.path(), "events"), rows(dir.path(), "bounds")), (4, 2), "no c");
    let again = Site::open(file(&dir));
    again.apply(vec![task("stay", rule("z", 1_000))]);
    assert_eq!(again.record(&at(6, "a")), Recorded::Unwanted);
    again.engine.shutdown();
    assert_eq!((rows(dir.path(), "events"), rows(dir.path(), "bounds")), (1, 1));
    assert_eq!(again.engine.stats().runs, 0);
}
