//! Counters of tasks, and what leaves the device: only with consent, at least once, and nothing else.

use ensue_engine::{Config, Consent, Engine, FeedbackKind};
use ensue_rule::{Cap, Duration, Per, Policy, Task, Timestamp};
use serde_json::{Value, json};

use crate::support::{Made, Site, arg, at, file, returning, rule, set, task, touch};

const SECRET: &str = "secret-attribute";
const TOLD: &str = "told-by-return";

/// `a -> b`, whose decisions tell b's item.
fn tasks() -> Vec<Task> {
    let item = returning(rule("a b", 10_000), "item", arg("b", "item"));
    let cap = Cap::of(3, Per::Span(Duration(1_000_000)));
    let policy = Policy { caps: vec![cap], ..Policy::default() };
    vec![Task { outputs: vec![touch("hi")], policy, ..task("t", item) }, task("emits", rule("a b c", 10_000))]
}

/// A match of user `user` at `ts`.
fn one_match(site: &Site, user: &'static str, ts: i64) {
    site.record(&Made { user: Some(user), item: SECRET, ..at(ts, "a") });
    site.record(&Made { user: Some(user), item: TOLD, ..at(ts + 1, "b") });
}

fn drained(engine: &Engine, since: Option<&str>) -> Value {
    serde_json::from_str(&engine.drain(since, 1 << 20).unwrap().json).unwrap()
}

fn report(engine: &Engine) -> Value {
    serde_json::from_str(&engine.stats_report().unwrap()).unwrap()
}

fn len(batch: &Value, key: &str) -> usize {
    batch[key].as_array().unwrap().len()
}

#[test]
fn nothing_leaves_without_consent_and_nothing_of_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    site.apply(tasks());
    one_match(&site, "u", 1_000);
    let nothing = drained(&site.engine, None);
    assert_eq!(["decisions", "feedback", "counters"].map(|key| len(&nothing, key)), [0, 0, 0]);
    site.engine.set_consent(Consent { decisions: true, ..Consent::default() }).unwrap();
    one_match(&site, "u", 2_000);
    let batch = drained(&site.engine, None);
    assert_eq!((len(&batch, "decisions"), len(&batch, "counters")), (1, 0), "{batch}");
    assert_eq!(batch["decisions"][0]["at"], json!(2_001));
    // It is remembered.
    site.engine.shutdown();
    let site = Site::open(file(&dir));
    assert_eq!(site.engine.consent().unwrap(), Consent { decisions: true, ..Consent::default() });
    assert_eq!(len(&drained(&site.engine, None), "decisions"), 1);
    // And withdrawn: nothing more, not even what waits.
    site.engine.set_consent(Consent::default()).unwrap();
    assert_eq!(len(&drained(&site.engine, None), "decisions"), 0);
    site.engine.shutdown();
    // What is said at opening holds over what was remembered; counters begin with their consent.
    let site = Site::open(Config { consent: Some(Consent::ALL), ..file(&dir) });
    assert_eq!(drained(&site.engine, None)["counters"], json!([]));
    one_match(&site, "u", 3_000);
    let batch = drained(&site.engine, None);
    assert_eq!((len(&batch, "decisions"), &batch["counters"][0]["decisions"]), (1, &json!(1)), "{batch}");
    site.engine.opt_out().unwrap();
    site.engine.opt_in().unwrap();
    assert_eq!(site.engine.consent().unwrap(), Consent::default(), "opting out withdraws it");
}

#[test]
fn a_batch_comes_again_until_its_cursor_is_given_back() {
    let site = Site::open(Config { consent: Some(Consent::ALL), ..Config::in_memory().replay() });
    site.apply(tasks());
    for n in 0..5_i64 {
        one_match(&site, if n % 2 == 0 { "u" } else { "v" }, n * 1_000);
    }
    let (mut cursor, mut ids, mut rounds) = (None, Vec::new(), 0);
    loop {
        let batch = site.engine.drain(cursor.as_deref(), 1).unwrap();
        assert_eq!(site.engine.drain(cursor.as_deref(), 1).unwrap(), batch, "it comes again");
        let json: Value = serde_json::from_str(&batch.json).unwrap();
        assert_eq!(batch.items, 1, "one, however little room there is");
        ids.extend(json["decisions"].as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap().to_owned()));
        (cursor, rounds) = (Some(batch.cursor), rounds + 1);
        if !batch.more {
            break;
        }
    }
    let told: Vec<_> = site.engine.decisions(100).unwrap().iter().map(|d| d.id.to_string()).collect();
    assert_eq!((&ids, rounds), (&told, 6), "five decisions, one row of counters");
    let rest = site.engine.drain(cursor.as_deref(), 1 << 20).unwrap();
    assert_eq!((rest.items, rest.more, Some(&rest.cursor)), (0, false, cursor.as_ref()));
    for bad in ["", "nonsense", "d1f2", "d1f2c3x"] {
        let error = site.engine.drain(Some(bad), 100).unwrap_err();
        assert!(error.is_bad_cursor() && error.code() == "bad_cursor", "{error}");
    }
    assert_eq!(site.engine.drain(Some("d999999f0c999999"), 1 << 20).unwrap().items, 6, "of another store: all of it");
}

#[test]
fn feedback_leaves_with_its_own_consent_and_is_counted() {
    let site = Site::open(Config { consent: Some(Consent::default()), ..Config::in_memory().replay() });
    site.apply(tasks());
    one_match(&site, "u", 1_000);
    let id = site.engine.decisions(1).unwrap()[0].id.clone();
    site.engine.feedback(&id, FeedbackKind::Shown, Some(Timestamp(1_500)));
    site.engine.flush().unwrap();
    site.engine.set_consent(Consent { feedback: true, ..Consent::default() }).unwrap();
    site.engine.feedback(&id, FeedbackKind::Clicked, Some(Timestamp(1_600)));
    site.engine.feedback(&id, FeedbackKind::Clicked, Some(Timestamp(1_700)));
    site.engine.flush().unwrap();
    let batch = drained(&site.engine, None);
    assert_eq!(batch["feedback"], json!([{"decision": *id, "feedback": "clicked", "at": 1_600}]));
    assert_eq!((len(&batch, "decisions"), len(&batch, "counters")), (0, 0));
    assert_eq!(report(&site.engine)["tasks"][1]["feedback"], json!({"shown": 1, "clicked": 1}));
    let why: Value = serde_json::from_str(&site.engine.why(&id).unwrap().to_json()).unwrap();
    assert_eq!(why["feedback"][1], json!({"feedback": "clicked", "at": 1_600}));
}

#[test]
fn feedback_that_comes_first_after_reopening_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    site.apply(tasks());
    one_match(&site, "u", 1_000);
    let id = site.engine.decisions(1).unwrap()[0].id.clone();
    site.engine.close();
    let site = Site::open(file(&dir));
    site.engine.feedback(&id, FeedbackKind::Clicked, Some(Timestamp(1_600)));
    site.engine.flush().unwrap();
    assert_eq!(report(&site.engine)["tasks"][1]["feedback"], json!({"clicked": 1}));
}

#[test]
fn only_what_return_tells_leaves() {
    let site = Site::open(Config { consent: Some(Consent::ALL), ..Config::in_memory().replay() });
    site.apply(tasks());
    one_match(&site, "u", 1_000);
    for ts in [2_000, 3_000, 4_000] {
        one_match(&site, "v", ts);
        site.record(&Made { user: Some("v"), item: SECRET, ..at(ts + 2, "c") });
    }
    let batch = site.engine.drain(None, 1 << 20).unwrap();
    assert!(batch.json.contains(TOLD) && !batch.json.contains(SECRET), "{}", batch.json);
    let report = site.engine.stats_report().unwrap();
    for hidden in [TOLD, SECRET, "\"u\"", "\"v\""] {
        assert!(!report.contains(hidden), "{hidden} in {report}");
    }
}

#[test]
fn forgotten_users_vanish_from_what_is_still_to_leave() {
    let site = Site::open(Config { consent: Some(Consent::ALL), ..Config::in_memory().replay() });
    site.apply(tasks());
    one_match(&site, "u", 1_000);
    one_match(&site, "w", 2_000);
    let before = site.engine.drain(None, 1 << 20).unwrap();
    assert!(before.json.contains("\"w\""));
    site.engine.forget(Some("w")).unwrap();
    let after: Value = drained(&site.engine, None);
    assert_eq!((len(&after, "decisions"), len(&after, "counters")), (1, 0), "{after}");
    // Numbers are not used again: what comes now is after the cursor of before.
    one_match(&site, "u", 3_000);
    let next: Value = drained(&site.engine, Some(&before.cursor));
    assert_eq!((len(&next, "decisions"), &next["decisions"][0]["at"]), (1, &json!(3_001)), "{next}");
    assert_eq!(next["counters"][0]["decisions"], json!(1));
}

#[test]
fn what_was_not_fetched_is_kept_beyond_what_controls_need() {
    let run = |consent| {
        let site = Site::open(Config { consent: Some(consent), ..Config::in_memory().replay() });
        site.apply(tasks());
        one_match(&site, "u", 1_000);
        let waiting = site.engine.decisions(10).unwrap();
        site.engine.ack(&[&waiting[0].id]).unwrap();
        // Far beyond every control, and enough rows for the pass that forgets.
        for n in 0..5_000 {
            site.record(&at(10_000_000_000 + n, "a"));
        }
        site.engine.flush().unwrap();
        let exported: Value = serde_json::from_str(&site.engine.export_user(Some("u")).unwrap()).unwrap();
        (len(&exported, "decisions"), len(&drained(&site.engine, None), "decisions"))
    };
    assert_eq!(run(Consent::default()), (0, 0));
    assert_eq!(run(Consent::ALL), (1, 1));
}

#[test]
fn counters_say_what_became_of_each_task_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::open(file(&dir));
    site.apply(tasks());
    for ts in [1_000, 2_000, 3_000, 4_000, 5_000] {
        one_match(&site, "u", ts);
        site.engine.shutdown();
        site = Site::open(file(&dir));
    }
    let expected = json!({"source": "default", "task": "t", "version": null, "matches": 5, "decisions": 3,
        "refusals": {"cap": 2}, "stages": [{"stage": "a", "events": 5}, {"stage": "b", "events": 5}]});
    let told = report(&site.engine);
    assert_eq!(told["tasks"][1], expected);
    let emits = json!({"source": "default", "task": "emits", "version": null,
        "stages": [{"stage": "a", "events": 5}, {"stage": "b", "events": 5}, {"stage": "c", "events": 0}]});
    assert_eq!((&told["tasks"][0], &told["stagesSince"], &told["capped"]), (&emits, &json!(1_000), &json!(false)));
    site.engine.reset_stats().unwrap();
    one_match(&site, "v", 6_000);
    let told = report(&site.engine);
    assert_eq!((&told["tasks"][1]["matches"], &told["stagesSince"]), (&json!(1), &json!(6_000)));
    assert_eq!(told["tasks"][1]["stages"], json!([{"stage": "a", "events": 1}, {"stage": "b", "events": 1}]));
    // A new version has its own row.
    let mut next = set(tasks());
    next.version = Some(2);
    site.engine.apply(vec![next]).unwrap();
    one_match(&site, "v", 7_000);
    let versions = report(&site.engine)["tasks"].as_array().unwrap().iter().filter(|t| t["task"] == "t").count();
    assert_eq!(versions, 2);
    site.engine.forget(Some("v")).unwrap();
    assert!(report(&site.engine)["tasks"].as_array().unwrap().iter().all(|t| t.get("matches").is_none()));
}

#[test]
fn counters_of_a_thousand_tasks_are_small() {
    let site = Site::open(Config { consent: Some(Consent::ALL), ..Config::in_memory().replay() });
    let cap = Cap::of(2, Per::Span(Duration(1_000_000)));
    let touching = |n: usize| {
        let policy = Policy { caps: vec![cap.clone()], ..Policy::default() };
        Task { outputs: vec![touch("hi")], policy, ..task(&format!("task-number-{n}"), rule("a b", 10_000)) }
    };
    site.apply((0..1_000).map(touching).collect());
    for ts in [1_000, 2_000, 3_000] {
        one_match(&site, "u", ts);
    }
    site.engine.advance_to(Timestamp(10_000)).unwrap();
    let (report, batch) = (site.engine.stats_report().unwrap(), site.engine.drain(Some("d3000f0c0"), 1 << 20).unwrap());
    let batch: Value = serde_json::from_str(&batch.json).unwrap();
    assert_eq!(len(&batch, "counters"), 1_000);
    assert_eq!(batch["counters"][0]["refusals"], json!({"cap": 1}));
    let counters = batch["counters"].to_string().len();
    println!("counters of 1,000 tasks: {counters} bytes, the report with stages {}", report.len());
    assert!(counters <= 200_000 && report.len() <= 200_000, "{counters} {}", report.len());
}
