//! What the language faces need of the engine beyond what a Rust host needs.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ensue_engine::replay::{After, run};
use ensue_engine::{Config, Decision, Engine, Listener, ManualClock, Recorded, Rejected, Stats};
use ensue_rule::{Attr, BinaryOp, Condition, EventRef, Expr, Task, Timestamp, Value};

use crate::support::{Site, at, rule, set, task, touch};

fn named(action_type: &str) -> EventRef<'_> {
    EventRef { ts: Some(Timestamp(5_000)), action_type, user_id: Some("u"), ..EventRef::default() }
}

/// Records an event with an attribute `x`, read by whoever asks; says what became of it and which attributes were wanted.
fn reading(site: &Site, event: &EventRef<'_>, names: &[&str]) -> (Option<Recorded>, Vec<String>) {
    let wanted = RefCell::new(Vec::new());
    let recorded = site.engine.record_reading(event, |attributes| {
        for name in names {
            if attributes.wants(name) {
                wanted.borrow_mut().push((*name).to_owned());
                attributes.take(name, Value::Int(1));
            } else {
                attributes.pass(name.len() + 8);
            }
        }
        if names.contains(&"broken") { Err(()) } else { Ok(()) }
    });
    (recorded.ok(), wanted.into_inner())
}

#[test]
fn attributes_are_read_only_where_a_task_does() {
    let site = Site::open(Config { event_bytes: 100, ..Config::in_memory().replay() });
    let all = || vec!["x".to_owned(), "y".to_owned()];
    assert_eq!(reading(&site, &named("b"), &["x", "y"]), (Some(Recorded::Queued), all()), "nobody knows yet");
    let mut x_is_1 = rule("a b", 10_000);
    let one = Expr::binary(BinaryOp::Eq, Expr::attr("b", Attr::arg("x")), Expr::literal(1));
    x_is_1.conditions.push(Condition::place(one, &x_is_1.pattern).unwrap());
    site.apply(vec![task("t", x_is_1)]);
    site.record(&at(6_000, "a"));
    let later = |ts, action_type| EventRef { ts: Some(Timestamp(ts)), ..named(action_type) };
    assert_eq!(reading(&site, &later(6_500, "noise"), &["x"]), (Some(Recorded::Unwanted), vec![]));
    assert_eq!(reading(&site, &later(7_000, "b"), &["x", "y"]), (Some(Recorded::Queued), vec!["x".to_owned()]));
    assert_eq!(site.lines().len(), 1, "x is 1");

    let too_large = Some(Recorded::Rejected(Rejected::TooLarge));
    assert_eq!(reading(&site, &later(8_000, "b"), &["y"; 20]), (too_large, vec![]), "what is passed over counts too");
    assert_eq!(reading(&site, &later(8_000, "b"), &["x"; 20]).0, too_large);
    assert_eq!(reading(&site, &later(8_000, "b"), &["broken"]).0, None);
    assert_eq!(reading(&site, &later(8_000, ""), &[]).0, Some(Recorded::Rejected(Rejected::NoActionType)));
    // What is rejected moves nobody's time; what nobody wants does: what comes behind it is late.
    site.record(&at(7_500, "a"));
    assert_eq!(reading(&site, &later(9_000, "noise"), &[]).0, Some(Recorded::Unwanted));
    site.record(&at(8_500, "a"));
    site.engine.flush().unwrap();
    let Stats { events, rejected, demanded, late, .. } = site.engine.stats();
    assert_eq!((events, rejected, demanded, late), (7, 4, 5, 1));
}

#[test]
fn who_opted_out_leaves_no_trace_by_any_way_in() {
    let site = Site::of(vec![task("t", rule("a b", 10_000))]);
    site.engine.opt_out().unwrap();
    assert_eq!(reading(&site, &named("noise"), &["x"]), (Some(Recorded::OptedOut), vec![]));
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
