//! What the language faces need of the engine beyond what a Rust host needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ensue_engine::replay::{After, run};
use ensue_engine::{Config, Decision, Engine, Listener, ManualClock, Recorded, Stats};
use ensue_rule::{EventRef, Task, Timestamp};

use crate::support::{Site, at, rule, set, task, touch};

fn named(action_type: &str) -> EventRef<'_> {
    EventRef { ts: Some(Timestamp(5_000)), action_type, user_id: Some("u"), ..EventRef::default() }
}

#[test]
fn attributes_are_asked_for_only_where_the_event_is_wanted() {
    let site = Site::open(Config::in_memory().replay());
    assert!(!site.engine.record_unwanted(&named("noise")), "nobody knows yet what is wanted");
    site.apply(vec![task("t", rule("a b", 10_000))]);
    site.record(&at(1_000, "a"));
    assert!(!site.engine.record_unwanted(&named("a")), "it is wanted");
    assert!(!site.engine.record_unwanted(&named("")), "it is no event");
    assert!(site.engine.record_unwanted(&named("noise")));
    // It moved its user's time: what comes behind it is late.
    site.record(&at(2_000, "b"));
    assert_eq!(site.lines(), [""; 0]);
    let Stats { events, rejected, demanded, late, .. } = site.engine.stats();
    assert_eq!((events, rejected, demanded, late), (3, 0, 2, 1));
}

#[test]
fn who_opted_out_leaves_no_trace_by_any_way_in() {
    let site = Site::of(vec![task("t", rule("a b", 10_000))]);
    site.engine.opt_out().unwrap();
    assert!(!site.engine.record_unwanted(&named("noise")));
    assert_eq!(site.engine.record(&named("noise")), Recorded::OptedOut);
    assert_eq!(site.engine.record_json(br#"{"actionType":"a"}"#), Ok(Recorded::OptedOut));
    assert_eq!(site.engine.stats().events, 0);
}

#[test]
fn json_is_recorded_or_counted_as_rejected() {
    let site = Site::of(vec![task("t", rule("a b", 10_000))]);
    for line in [r#"{"ts":1000,"actionType":"a"}"#, r#"{"ts":1001,"actionType":"b"}"#] {
        assert_eq!(site.engine.record_json(line.as_bytes()), Ok(Recorded::Queued));
    }
    let bad = site.engine.record_json(br#"{"ts":1,"#).unwrap_err();
    assert_eq!(bad.column, Some(8));
    site.engine.reject();
    assert_eq!(site.lines().len(), 1);
    assert_eq!(site.engine.stats().rejected, 2);
}

#[test]
fn counters_have_the_names_of_their_fields() {
    let stats = Stats { events: 1, runs: 19, ..Stats::default() };
    let named: Vec<_> = stats.by_name().collect();
    assert_eq!((named[0], named[named.len() - 1]), (("events", 1), ("runs", 19)));
}

#[test]
fn errors_have_a_word_for_programs() {
    let engine = Engine::open(Config::in_memory()).unwrap();
    engine.shutdown();
    assert_eq!(engine.flush().unwrap_err().code(), "closed");
    let nowhere = Engine::open(Config::at("/nowhere/at/all.db")).unwrap();
    assert_eq!(nowhere.ready().unwrap_err().code(), "unusable_path");
}

/// Takes its time before it says that it was told.
#[derive(Default)]
struct Slow {
    told: AtomicUsize,
}

impl Listener for Slow {
    fn on_decisions(&self, decisions: &[Decision]) {
        (0..1_000).for_each(|_| std::thread::yield_now());
        self.told.fetch_add(decisions.len(), Ordering::SeqCst);
    }
}

#[test]
fn closing_waits_until_the_listener_was_told_and_lets_go_of_it() {
    let config = Config::in_memory().clock(Arc::new(ManualClock::new(Timestamp(100_000))));
    let engine = Engine::open(config).unwrap();
    let slow = Arc::new(Slow::default());
    engine.set_listener(Some(slow.clone()));
    let task = Task { outputs: vec![touch("x")], ..task("t", rule("a", 10_000)) };
    engine.apply(vec![set(vec![task])]).unwrap();
    for n in 0..5 {
        at(50_000 + n, "a").record(&engine);
    }
    engine.shutdown();
    assert_eq!(slow.told.load(Ordering::SeqCst), 5);
    assert_eq!(Arc::strong_count(&slow), 1);
}

#[test]
fn a_whole_replay_gives_reports_outcomes_and_the_counters() {
    let sets = vec![set(vec![task("t", rule("a b", 10_000))])];
    let events = b"{\"ts\":1,\"actionType\":\"a\"}\n\n?\n{\"ts\":2,\"actionType\":\"b\"}";
    let items = run(Config::in_memory(), sets, Vec::new(), events, After { now: None, drain: true }).unwrap();
    let kinds: Vec<_> = items.iter().map(|i| serde_json::to_value(i).unwrap()["kind"].clone()).collect();
    assert_eq!(kinds, ["report", "rejected", "match", "summary"]);
    let nothing = run(Config::in_memory(), Vec::new(), Vec::new(), events, After::default()).unwrap();
    assert_eq!(nothing.len(), 1, "without tasks no event is looked at");
}
