//! Users who are forgotten, who opt out and in, who ask what is stored of them: looked for in the files themselves.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use ensue_engine::{Config, FeedbackKind, ManualClock, Outcome, Recorded};
use ensue_rule::{Attr, Cap, Duration, Expr, Per, Policy, Task, TaskScope, Timestamp};
use serde_json::{Value, json};

use crate::support::{Made, Site, arg, at, derives, file, given, returning, rule, task, touch, triggered};

/// In which files of a folder a text is, anywhere.
pub(crate) fn found_in(folder: &Path, text: &str) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let bytes = std::fs::read(entry.path()).unwrap();
        if bytes.windows(text.len()).any(|w| w == text.as_bytes()) {
            files.push(entry.file_name().into_string().unwrap());
        }
    }
    files
}

const HIDDEN: &str = "forget-me-7391";
const ITEM: &str = "item-of-7391";

/// Tasks that put a user into every table there is.
fn tasks() -> Vec<Task> {
    let mut parted = rule("a b", 100_000);
    parted.partition_by = vec![Attr::arg("item")];
    let valued = |pattern: &str| returning(rule(pattern, 100_000), "item", arg("b", "item"));
    let once = Policy { caps: vec![Cap::of(1, Per::Span(Duration(1_000_000)))], ..Policy::default() };
    let wait = Policy { delay: Some(Duration(1_000_000)), ..Policy::default() };
    let mut same = valued("a b");
    given(&mut same, Expr::binary(ensue_rule::BinaryOp::Eq, arg("a", "item"), arg("b", "item")));
    vec![
        Task { outputs: vec![touch("once")], policy: once, ..task("once", same) },
        Task { outputs: vec![touch("parted")], ..task("parted", parted) },
        triggered("b", task("back", rule("a b", 100_000))),
        task("open", rule("a c", 100_000)),
        Task { scope: TaskScope::Device, outputs: vec![touch("all"), derives("x")], ..task("all", valued("a b")) },
        Task { scope: TaskScope::Device, ..task("all-open", rule("a c", 100_000)) },
        task("after", rule("x c", 100_000)),
        Task { outputs: vec![touch("later")], policy: wait, ..task("later", valued("a b")) },
    ]
}

/// Feedback to a decision of each user.
fn answer(site: &Site) {
    for user in ["u", HIDDEN, "v"] {
        let decisions = site.engine.decisions(10_000).unwrap();
        let theirs = decisions.iter().find(|d| d.user.as_deref() == Some(user)).unwrap();
        assert_eq!(site.engine.feedback(&theirs.id, FeedbackKind::Clicked, None), Recorded::Queued);
    }
    site.engine.flush().unwrap();
}

fn exported(site: &Site, user: &str) -> Value {
    serde_json::from_str(&site.engine.export_user(Some(user)).unwrap()).unwrap()
}

fn len(all: &Value, key: &str) -> usize {
    all[key].as_array().unwrap().len()
}

fn of(user: &'static str, ts: i64, action: &'static str) -> Made {
    let item = if user == HIDDEN { ITEM } else { "plain" };
    Made { user: Some(user), item, ..at(ts, action) }
}

/// Several users in turn, each with matches, refusals and something half-finished.
fn live_together(site: &Site) {
    for n in 0..300 {
        for (i, user) in ["u", HIDDEN, "v"].into_iter().enumerate() {
            let ts = 1_000 + n * 30 + i64::try_from(i).unwrap() * 10;
            for (after, action) in [(0, "a"), (1, "b")] {
                site.record(&of(user, ts + after, action));
            }
        }
    }
    for (ts, user) in [(20_000, "u"), (20_001, HIDDEN), (20_002, "v")] {
        site.record(&of(user, ts, "a"));
    }
    site.engine.flush().unwrap();
}

#[test]
fn who_is_forgotten_is_nowhere_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    site.apply(tasks());
    live_together(&site);
    answer(&site);
    for user in [HIDDEN, "v"] {
        let all = exported(&site, user);
        assert_eq!(len(&all, "feedback"), 1, "{user}");
        assert!(len(&all, "held") > 1, "{user}");
    }
    let text = [HIDDEN, ITEM];
    assert!(text.iter().all(|t| !found_in(dir.path(), t).is_empty()), "what is looked for was there before");
    let others = site.engine.export_user(Some("v")).unwrap();

    site.engine.forget(Some(HIDDEN)).unwrap();
    for text in text {
        assert_eq!(found_in(dir.path(), text), Vec::<String>::new());
    }
    assert_eq!(site.engine.export_user(Some(HIDDEN)).unwrap(), json!({ "user": HIDDEN }).to_string());
    assert_eq!(site.engine.export_user(Some("v")).unwrap(), others, "nobody else is touched");
    site.engine.shutdown();
    for text in text {
        assert_eq!(found_in(dir.path(), text), Vec::<String>::new());
    }
    let again = Site::open(file(&dir));
    again.record(&of("v", 20_010, "b"));
    let told = again.lines();
    assert!(told.contains(&"match parted v @20010 a=20002 b=20010".to_owned()), "{told:?}");
    assert_eq!(len(&exported(&again, "v"), "feedback"), 1);
    // What waited of others comes when it is due, and nothing of whom is forgotten.
    again.engine.advance_to(Timestamp(3_000_000)).unwrap();
    again.engine.flush().unwrap();
    let users: BTreeSet<_> = again.take().into_iter().filter_map(later).collect();
    assert_eq!(users, ["u".into(), "v".into()].into());
}

/// Also not in the journal's file, where what was moved from there stays until it is written over.
#[test]
fn who_is_forgotten_is_nowhere_in_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    site.apply(tasks());
    for (n, action) in (0..).zip(["a", "b", "a", "b"]) {
        site.record(&of(HIDDEN, 1_000 + n, action));
        site.engine.flush().unwrap();
    }
    assert!(found_in(dir.path(), ITEM).contains(&"ensue.db-entries".to_owned()), "it was there before");
    site.engine.forget(Some(HIDDEN)).unwrap();
    assert_eq!(found_in(dir.path(), ITEM), Vec::<String>::new());
    site.engine.shutdown();
}

/// Whose decision of the task that waits it is.
fn later(outcome: Outcome) -> Option<Arc<str>> {
    match outcome {
        Outcome::Decision(d) if &*d.task == "later" => d.user,
        _ => None,
    }
}

#[test]
fn who_is_forgotten_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    site.apply(vec![tasks().remove(0), task("open", rule("a c", 100_000))]);
    for user in ["u", HIDDEN] {
        for (ts, action) in [(1_000, "a"), (1_001, "b"), (2_000, "a")] {
            site.record(&of(user, ts, action));
        }
    }
    site.lines();
    site.engine.forget(Some(HIDDEN)).unwrap();
    assert_eq!(
        site.engine.decisions(9).unwrap().iter().filter_map(|d| d.user.clone()).collect::<Vec<_>>(),
        ["u".into()]
    );
    for (ts, action) in [(500, "a"), (501, "b"), (600, "c")] {
        for user in ["u", HIDDEN] {
            let shift = if user == "u" { 2_000 } else { 0 };
            site.record(&of(user, ts + shift, action));
        }
    }
    let told = site.lines();
    let of_hidden: Vec<_> = told.iter().filter(|l| l.contains(HIDDEN)).collect();
    // Not late, the run of before is gone, and the cap has room again; the other's is full.
    assert_eq!(
        of_hidden,
        [&format!("match once {HIDDEN} @501 a=500 b=501"), &format!("match open {HIDDEN} @600 a=500 c=600")]
    );
    assert_eq!(told.iter().filter(|l| *l == "decision once once").count(), 1);
    assert_eq!(told.iter().filter(|l| *l == "refusal once cap").count(), 1);
    assert!(told.contains(&"match open u @2600 a=1000 c=2600".to_owned()), "{told:?}");
}

#[test]
fn what_all_users_made_together_ends_when_one_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let device = |id: &str| Task { scope: TaskScope::Device, ..task(id, rule("a !n c", 100_000)) };
    let mut site = Site::open(file(&dir));
    site.apply(vec![device("all"), triggered("go", device("back")), task("own", rule("a c", 100_000))]);
    for (ts, user) in [(1_000, "u"), (1_001, HIDDEN)] {
        site.record(&of(user, ts, "a"));
    }
    site.engine.flush().unwrap();
    site.engine.forget(Some(HIDDEN)).unwrap();
    assert_eq!(site.lines(), ["refusal all history_truncated"]);
    for restart in [false, true] {
        if restart {
            site.engine.shutdown();
            site = Site::open(file(&dir));
        }
        let ts = if restart { 4_000 } else { 2_000 };
        site.record(&of("u", ts, "a"));
        site.record(&of("v", ts + 1, "c"));
        site.record(&of("v", ts + 2, "go"));
        let all = format!("match all - @{} a={ts} c={}", ts + 1, ts + 1);
        assert_eq!(site.lines(), [all, format!("match back - @{} a={ts} c={}", ts + 2, ts + 1)]);
        site.record(&of("u", ts + 3, "c"));
        let own = if restart { 4_000 } else { 1_000 };
        assert_eq!(site.lines(), [format!("match own u @{} a={own} c={}", ts + 3, ts + 3)]);
        // Nothing of its own is there to find, and what is gone may have been it.
        site.record(&of("v", ts + 4, "go"));
        assert_eq!(site.lines(), ["refusal back history_truncated"]);
    }
}

#[test]
fn the_anonymous_user_and_who_waits_for_the_first_set_can_be_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    for user in [None, Some("u"), Some(HIDDEN)] {
        site.record(&Made { user, ..at(1_000, "a") });
    }
    site.engine.forget(Some(HIDDEN)).unwrap();
    site.engine.forget(None).unwrap();
    site.engine.forget(Some("nobody")).unwrap();
    site.apply(vec![task("t", rule("a", 1_000))]);
    assert_eq!(site.lines(), ["match t u @1000 a=1000"]);
    site.record(&Made { user: None, item: ITEM, ..at(2_000, "a") });
    site.engine.flush().unwrap();
    site.engine.forget(None).unwrap();
    let left: Value = serde_json::from_str(&site.engine.export_user(None).unwrap()).unwrap();
    assert_eq!((left["events"].clone(), left["lastSeen"].clone()), (json!([]), Value::Null));
}

#[test]
fn an_action_type_that_only_the_forgotten_had_goes_too() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    // A stage that takes any event: action types come from users.
    let mut any = rule("a", 100_000);
    any.conditions.clear();
    site.apply(vec![task("any", any)]);
    site.record(&of(HIDDEN, 1_000, "opened-7391"));
    site.record(&of("u", 1_001, "opened-other"));
    site.engine.flush().unwrap();
    assert!(!found_in(dir.path(), "opened-7391").is_empty());
    site.engine.forget(Some(HIDDEN)).unwrap();
    assert!(found_in(dir.path(), "opened-7391").is_empty());
    assert!(!found_in(dir.path(), "opened-other").is_empty());
}

#[test]
fn killed_before_the_traces_were_gone_the_next_engine_removes_them() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    site.apply(tasks());
    live_together(&site);
    site.engine.shutdown();
    let aside = dir.path().join("ensue.db.aside-20260131T235959Z");
    std::fs::write(&aside, HIDDEN).unwrap();
    // As the process leaves it that is killed between the commit and the overwriting.
    let store = rusqlite::Connection::open(dir.path().join("ensue.db")).unwrap();
    let id: i64 = store.query_row("SELECT id FROM users WHERE name = ?1", [HIDDEN], |r| r.get(0)).unwrap();
    for table in ["events", "streams", "bounds", "decisions", "refusals", "feedback", "held", "calls"] {
        store.execute(&format!("DELETE FROM {table} WHERE user IN (?1, -1, 0)"), [id]).unwrap();
    }
    store.execute("DELETE FROM users WHERE id = ?1", [id]).unwrap();
    store.execute("INSERT INTO numbers (name, value) VALUES ('scrub', 1)", []).unwrap();
    drop(store);
    assert!(!found_in(dir.path(), ITEM).is_empty(), "free pages have it");
    Site::open(file(&dir)).engine.shutdown();
    for text in [ITEM, HIDDEN] {
        assert_eq!(found_in(dir.path(), text), Vec::<String>::new());
    }
    let marks = rusqlite::Connection::open(dir.path().join("ensue.db")).unwrap();
    let left: i64 = marks.query_row("SELECT count(*) FROM numbers WHERE name = 'scrub'", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 0, "it is done once");
}

#[test]
fn who_opts_out_leaves_nothing_and_stays_out_until_they_opt_in() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::open(file(&dir));
    site.apply(tasks());
    live_together(&site);
    answer(&site);
    site.take();
    assert!(site.engine.next_wakeup().is_some(), "touches wait");
    site.engine.opt_out().unwrap();
    for text in [HIDDEN, ITEM, "plain"] {
        assert_eq!(found_in(dir.path(), text), Vec::<String>::new());
    }
    for _ in 0..2 {
        assert_eq!(site.engine.stats().opted_out, 1);
        assert_eq!(site.record(&of(HIDDEN, 30_000, "a")), Recorded::OptedOut);
        site.apply(tasks());
        assert_eq!(site.record(&of(HIDDEN, 30_000, "a")), Recorded::OptedOut);
        assert!(site.engine.decisions(9).unwrap().is_empty() && site.lines().is_empty());
        assert_eq!(site.engine.next_wakeup(), None);
        site.engine.shutdown();
        site = Site::open(file(&dir));
        assert_eq!(site.engine.ready().unwrap().tasks, tasks().len());
    }
    assert_eq!(found_in(dir.path(), HIDDEN), Vec::<String>::new());

    site.engine.opt_in().unwrap();
    site.engine.opt_in().unwrap();
    assert_eq!(site.engine.stats().opted_out, 0);
    // Long before what was erased, and not late: nothing is known any more.
    for (ts, action) in [(500, "a"), (501, "b"), (502, "c")] {
        assert_eq!(site.record(&of("u", ts, action)), Recorded::Queued);
    }
    let told = site.lines();
    assert!(told.contains(&"match once u @501 a=500 b=501".to_owned()), "{told:?}");
    assert!(told.contains(&"decision once once".to_owned()), "{told:?}");
    site.engine.shutdown();
    site = Site::open(file(&dir));
    assert_eq!(site.record(&of("u", 503, "a")), Recorded::Queued);
}

#[test]
fn what_was_recorded_before_the_store_said_that_the_user_is_out_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let first = Site::open(file(&dir));
    first.engine.opt_out().unwrap();
    first.engine.shutdown();
    let site = Site::open(file(&dir));
    for ts in 0..50 {
        site.record(&of(HIDDEN, ts, "a"));
    }
    site.apply(vec![task("t", rule("a", 1_000))]);
    assert!(site.lines().is_empty());
    site.engine.opt_in().unwrap();
    site.engine.flush().unwrap();
    assert!(site.lines().is_empty());
    site.engine.shutdown();
    assert_eq!(found_in(dir.path(), HIDDEN), Vec::<String>::new());
}

#[test]
fn while_the_user_is_out_there_is_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp(10_000)));
    let config =
        || Config { lateness: Duration(9_000), ..Config::at(dir.path().join("ensue.db")).clock(clock.clone()) };
    let mut site = Site::open(config());
    let absent = |id: &str| task(id, rule("a !n b", 100_000));
    site.apply(vec![absent("t"), triggered("go", absent("back"))]);
    site.engine.opt_out().unwrap();
    clock.set(Timestamp(20_000));
    site.engine.opt_in().unwrap();
    // It happened while nothing was taken, and is only told now: nobody knows whether there was an n.
    let events = |from: i64| [(from, "a"), (from + 1, "b"), (from + 2, "go")];
    let dies = ["refusal t gap", "refusal back gap"];
    for (ts, action) in events(15_000) {
        site.record(&of("u", ts, action));
    }
    site.engine.advance_to(Timestamp(19_000)).unwrap();
    assert_eq!(site.wait_for(2), dies);
    site.engine.shutdown();
    site = Site::open(config());
    for (ts, action) in events(25_000) {
        site.record(&of("u", ts, action));
    }
    clock.set(Timestamp(40_000));
    site.engine.advance_to(Timestamp(31_000)).unwrap();
    let told = site.wait_for(3);
    let back = "match back u @25002 a=25000 b=25001";
    assert_eq!(told, ["match t u @25001 a=25000 b=25001", "refusal back gap", back], "it looks back over both");
}

#[test]
fn all_that_is_stored_of_a_user_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    site.apply(vec![tasks().remove(0), tasks().remove(1)]);
    for (ts, action) in [(1_000, "a"), (1_001, "b"), (1_002, "a"), (1_003, "b"), (900, "a"), (5_000_000, "noise")] {
        site.record(&of(HIDDEN, ts, action));
    }
    site.engine.flush().unwrap();
    let first = site.engine.decisions(1).unwrap().remove(0);
    site.engine.ack(&[&first.id]).unwrap();
    let all: Value = serde_json::from_str(&site.engine.export_user(Some(HIDDEN)).unwrap()).unwrap();
    let keys: Vec<&String> = all.as_object().unwrap().keys().collect();
    let expected = [
        "answers",
        "decisions",
        "events",
        "feedback",
        "held",
        "lastSeen",
        "origins",
        "refusals",
        "sessions",
        "skipBounds",
        "user",
        "utcOffsetMin",
    ];
    assert_eq!(keys, expected);
    assert_eq!((&all["user"], &all["lastSeen"], &all["sessions"]), (&json!(HIDDEN), &json!(5_000_000), &json!(2)));
    let late = json!({ "ts": 900, "id": 900, "source": "custom", "actionType": "a", "userId": HIDDEN,
        "args": { "item": ITEM }, "late": true });
    assert_eq!((all["events"].as_array().unwrap().len(), &all["events"][4]), (5, &late));
    let decisions = all["decisions"].as_array().unwrap();
    let acknowledged: Vec<_> = decisions.iter().map(|d| (&d["touch"], &d["acknowledged"])).collect();
    assert_eq!(
        acknowledged,
        [(&json!("once"), &json!(true)), (&json!("parted"), &json!(false)), (&json!("parted"), &json!(false))]
    );
    assert_eq!((&decisions[0]["values"], &all["refusals"][0]["reason"]), (&json!({ "item": ITEM }), &json!("cap")));
    let bound = json!({ "source": "default", "task": "parted", "partition": [ITEM], "ts": 1_003, "seq": 4 });
    assert!(all["skipBounds"].as_array().unwrap().contains(&bound), "{all:#}");
}
