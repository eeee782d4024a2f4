//! "Why?" and "why not?": the same after every restart, as far back as the log reaches, and of each user apart.

use std::sync::Arc;

use ensue_engine::answer::Ended;
use ensue_engine::{Config, Engine, Outcome, Question, Retention, Whose, WhyNot};
use ensue_rule::{Attr, Duration, Expr, Policy, Task, TaskScope, Timestamp};
use serde_json::{Value, json};

use crate::support::{Site, arg, at, count, file, given, returning, rule, set, stream, task, touch, triggered};

fn wording(e: &Expr) -> String {
    let mut parts = 0;
    e.walk(|_| parts += 1);
    format!("{parts} parts")
}

fn ask(engine: &Engine, task: &str, user: &str) -> WhyNot {
    let user = Whose::User(Some(user.into()));
    let question = Question { task: Some(task.into()), user, since: None, wording };
    engine.why_not(question).unwrap().remove(0)
}

fn everyone(engine: &Engine) -> Vec<WhyNot> {
    engine.why_not(Question { task: None, user: Whose::Everyone, since: None, wording }).unwrap()
}

fn tasks() -> Vec<Task> {
    let mut parted = rule("a b c", 30_000);
    parted.partition_by = vec![Attr::arg("item")];
    let cooldown = Policy { cooldown: Some(Duration(60_000)), ..Policy::default() };
    vec![
        Task { outputs: vec![touch("t")], policy: cooldown, ..task("abc", rule("a{2,} !n b c", 30_000)) },
        task("parted", parted),
        triggered("end", task("back", rule("a b", 60_000))),
        Task { scope: TaskScope::Device, ..task("all", rule("a b x", 20_000)) },
        task("absent", rule("a !n", 5_000)),
    ]
}

/// What does not depend on where the log was cut by a restart: nothing is, so all of it.
fn told(engine: &Engine) -> Vec<String> {
    everyone(engine).iter().map(WhyNot::to_json).collect()
}

#[test]
fn opened_anew_after_every_event_it_answers_the_same() {
    let keep = Retention { at_least: Duration(i64::MAX), ..Retention::UNLIMITED };
    for seed in 1..4 {
        let dir = tempfile::tempdir().unwrap();
        let (kept, memory) =
            (Config { retention: keep, ..file(&dir) }, Config { retention: keep, ..Config::in_memory().replay() });
        let whole = Site::open(memory);
        whole.apply(tasks());
        let mut parts = Site::open(kept.clone());
        parts.apply(tasks());
        for event in stream(seed, 60) {
            for site in [&whole, &parts] {
                site.record(&event);
                site.engine.flush().unwrap();
            }
            assert_eq!(told(&parts.engine), told(&whole.engine), "before {event:?} was forgotten");
            parts.engine.shutdown();
            parts = Site::open(kept.clone());
            assert_eq!(told(&parts.engine), told(&whole.engine), "after {event:?}");
        }
    }
}

#[test]
fn what_it_says_matched_is_what_was_told() {
    for seed in 1..20 {
        let keep = Retention { at_least: Duration(i64::MAX), ..Retention::UNLIMITED };
        let site = Site::open(Config { retention: keep, ..Config::in_memory().replay() });
        site.apply(tasks());
        for event in stream(seed, 200) {
            site.record(&event);
        }
        site.engine.flush().unwrap();
        let outcomes = site.take();
        for answer in everyone(&site.engine).iter().filter(|a| &*a.task != "back") {
            let matches = outcomes.iter().filter(|o| matches!(o, Outcome::Match(m) if m.task == answer.task)).count();
            let decided = |o: &&Outcome| matches!(o, Outcome::Decision(d) if d.task == answer.task);
            assert_eq!(answer.matches, matches as u64, "seed {seed}: {}", answer.to_json());
            assert_eq!(answer.decisions, outcomes.iter().filter(decided).count() as u64);
            let refused = outcomes.iter().filter(|o| matches!(o, Outcome::Refusal(r) if r.task == answer.task)).count();
            assert_eq!(answer.refusals.values().sum::<u64>(), refused as u64);
        }
    }
}

#[test]
fn a_decision_and_a_refusal_say_where_they_came_from_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    let policy = Policy { cooldown: Some(Duration(60_000)), ttl: Some(Duration(1_000)), ..Policy::default() };
    let touching =
        Task { outputs: vec![touch("hi")], policy, ..task("t", returning(rule("a{2,} b", 10_000), "n", count("a"))) };
    site.apply(vec![touching]);
    for ts in [1, 2, 1_001, 1_002] {
        site.record(&at(ts, "a"));
        if ts % 1_000 == 2 {
            site.record(&at(ts + 1, "b"));
        }
    }
    site.engine.flush().unwrap();
    let outcomes = site.take();
    let ids: Vec<Arc<str>> = outcomes
        .iter()
        .filter_map(|o| match o {
            Outcome::Decision(d) => Some(d.id.clone()),
            Outcome::Refusal(r) => Some(r.id.clone()),
            _ => None,
        })
        .collect();
    site.engine.shutdown();
    let site = Site::open(file(&dir));
    let why = |id: &str| serde_json::from_str::<Value>(&site.engine.why(id).unwrap().to_json()).unwrap();
    let decided = why(&ids[0]);
    assert_eq!((&decided["decision"]["touch"], &decided["decision"]["values"]), (&json!("hi"), &json!({"n": 2})));
    assert_eq!((&decided["source"], &decided["by"]), (&json!("default"), &json!("event")));
    let a = &decided["events"]["a"];
    assert_eq!(
        (&a[0]["id"], &a[1]["event"]["ts"], &decided["events"]["b"][0]["id"]),
        (&json!(1), &json!(2), &json!(3))
    );
    let passed = |control: &str| json!({"control": control, "passed": true, "detail": null});
    assert_eq!(decided["checks"], json!([passed("ttl"), passed("cooldown")]));
    let refused = why(&ids[1]);
    assert_eq!((&refused["refusal"]["reason"], &refused["checks"][1]["passed"]), (&json!("cooldown"), &json!(false)));
    assert_eq!(refused["events"]["a"][0]["id"], json!(1_001));
    assert!(site.engine.why(&ids[1]).unwrap().text().contains("refused `cooldown`"));
    let error = site.engine.why("no-such-id").unwrap_err();
    assert!(error.is_unknown() && error.code() == "unknown_id", "{error}");
    site.engine.forget(Some("u")).unwrap();
    assert!(site.engine.why(&ids[0]).unwrap_err().is_unknown());
}

#[test]
fn it_says_how_far_back_it_reaches_and_leaves_out_what_was_before_since() {
    let site = Site::of(vec![task("t", rule("a b", 1_000)), task("keeps", rule("a c", 100_000))]);
    for (ts, action) in [(1, "a"), (2, "b"), (50_000, "a")] {
        site.record(&at(ts, action));
    }
    let answer = ask(&site.engine, "t", "u");
    assert_eq!(
        (answer.history.from, answer.history.to, answer.history.cut),
        (Some(Timestamp(1)), Some(Timestamp(50_000)), false)
    );
    assert_eq!((answer.matches, answer.last_match), (1, Some(Timestamp(2))));
    let question = Question { task: Some("t".into()), user: Whose::Everyone, since: Some(Timestamp(10)), wording };
    let since = site.engine.why_not(question).unwrap().remove(0);
    assert_eq!((since.matches, since.events, since.last_match), (0, 1, None));
    assert_eq!(since.furthest.unwrap().stage.as_deref(), Some("a"));
    // One who came later has no history before.
    let mut three = vec![task("t", rule("a b", 1_000)), task("keeps", rule("a c", 100_000))];
    three.push(task("late", rule("a noise", 100_000)));
    site.engine.apply(vec![set(three)]).unwrap();
    let late = ask(&site.engine, "late", "u");
    assert_eq!((late.events, late.history.cut), (0, true), "{}", late.to_json());
}

#[test]
fn partitions_are_told_apart_and_null_keys_counted() {
    let mut parted = rule("a b c", 30_000);
    parted.partition_by = vec![Attr::arg("item")];
    given(&mut parted, Expr::binary(ensue_rule::BinaryOp::Eq, arg("b", "item"), arg("a", "item")));
    let site = Site::of(vec![task("parted", parted)]);
    for (ts, action, item) in [(1, "a", "p"), (2, "a", "q"), (3, "b", "q"), (4, "b", "r")] {
        site.record(&crate::support::Made { item, ..at(ts, action) });
    }
    let furthest = ask(&site.engine, "parted", "u").furthest.unwrap();
    assert_eq!(furthest.partition, Some(vec!["q".into()]));
    assert_eq!((furthest.stage.as_deref(), furthest.lacks, furthest.bound), (Some("b"), 1, 2));
}

#[test]
fn of_lost_events_a_run_that_waits_for_an_absence_ends() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(Config { early: 2, ..file(&dir) });
    site.engine.ready().unwrap();
    for (user, ts, action) in [("u", 1_000, "a"), ("v", 1_000, "a"), ("u", 1_001, "n")] {
        site.record(&crate::support::Made { user: Some(user), ..at(ts, action) });
    }
    site.apply(vec![task("absent", rule("a !n c", 100_000))]);
    let answer = ask(&site.engine, "absent", "u");
    assert_eq!(answer.refusals.get("gap"), Some(&1));
    assert!(matches!(answer.furthest.unwrap().ended, Ended::Gap { .. }));
    assert_eq!(ask(&site.engine, "absent", "v").furthest.unwrap().ended, Ended::Waits);
}

#[test]
fn what_there_is_not_is_named() {
    let site = Site::of(vec![task("t", rule("a b", 1_000))]);
    let question = Question { task: Some("?".into()), user: Whose::Everyone, since: None, wording };
    let error = site.engine.why_not(question).unwrap_err();
    assert!(error.is_unknown() && error.code() == "unknown_task", "{error}");
    let none = ask(&site.engine, "t", "nobody");
    assert_eq!((none.events, none.conclusion().as_str(), none.furthest), (0, "it saw no event", None));
    site.engine.shutdown();
    assert!(site.engine.why("x").unwrap_err().is_closed());
}

#[test]
fn a_touch_that_waits_says_until_when_and_keeps_where_it_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let policy = Policy { delay: Some(Duration(5_000)), ..Policy::default() };
    let mut site = Site::open(file(&dir));
    site.apply(vec![Task { outputs: vec![touch("later")], policy, ..task("t", rule("a b", 10_000)) }]);
    for (ts, action) in [(1, "a"), (2, "b")] {
        site.record(&at(ts, action));
    }
    let waits = ask(&site.engine, "t", "u");
    assert_eq!(
        (waits.waiting, waits.decisions, waits.conclusion().as_str()),
        (1, 0, "1 of its touches wait for their time")
    );
    assert!(waits.refusals.is_empty());
    let held: Value = serde_json::from_str(&site.engine.export_user(Some("u")).unwrap()).unwrap();
    let id = held["held"][0]["id"].as_str().unwrap().to_owned();
    let why = |site: &Site| serde_json::from_str::<Value>(&site.engine.why(&id).unwrap().to_json()).unwrap();
    assert_eq!((&why(&site)["waiting"]["due"], &why(&site)["events"]["b"][0]["id"]), (&json!(5_002), &json!(2)));
    site.engine.shutdown();
    site = Site::open(file(&dir));
    site.engine.advance_to(Timestamp(6_000)).unwrap();
    let decided = why(&site);
    assert_eq!((&decided["decision"]["touch"], &decided["events"]["a"][0]["id"]), (&json!("later"), &json!(1)));
    assert_eq!((ask(&site.engine, "t", "u").waiting, ask(&site.engine, "t", "u").decisions), (0, 1));
}
