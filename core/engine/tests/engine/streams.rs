//! What one engine makes of a stream: order, lateness, timers, triggers, chains, competition.

use std::sync::Arc;

use ensue_engine::{Config, ManualClock, Recorded};
use ensue_rule::{Attr, Cap, Duration, EventRef, Per, Policy, Task, Timestamp, Value, Within, WithinKind};

use crate::support::{Made, Site, at, derives, rule, set, task, touch, triggered};

fn touched(id: &str, pattern: &str, window_ms: i64) -> Task {
    Task { outputs: vec![touch(id)], ..task(id, rule(pattern, window_ms)) }
}

/// Records and gives what was told.
fn lines(site: &Site, events: &[Made]) -> Vec<String> {
    for e in events {
        site.record(e);
    }
    site.lines()
}

#[test]
fn a_late_event_is_stored_as_late_and_matches_nothing() {
    let site = Site::of(vec![task("t", rule("a b", 10_000))]);
    assert!(lines(&site, &[at(5_000, "noise"), at(4_000, "a"), at(6_000, "b")]).is_empty());
    let stats = site.engine.stats();
    assert_eq!((stats.events, stats.demanded, stats.stored, stats.late), (3, 2, 2, 1));
}

#[test]
fn within_the_lateness_events_are_put_in_order() {
    let config = Config { lateness: Duration(1_000), ..Config::in_memory().replay() };
    let site = Site::open(config);
    site.apply(vec![task("t", rule("a b", 10_000))]);
    assert!(lines(&site, &[at(5_000, "b"), at(4_500, "a")]).is_empty());
    assert_eq!(site.engine.next_wakeup(), Some(Timestamp(4_500)));
    assert_eq!(lines(&site, &[at(7_000, "a")]), ["match t u @5000 a=4500 b=5000"]);
    assert_eq!(site.engine.stats().late, 0);
}

#[test]
fn an_absence_completes_when_its_users_time_passes() {
    let site = Site::of(vec![touched("t", "a !n", 1_000)]);
    let other = Made { user: Some("other"), ..at(9_000, "a") };
    assert!(lines(&site, &[at(1_000, "a"), other]).is_empty());
    assert_eq!(site.engine.next_wakeup(), Some(Timestamp(2_000)));
    site.engine.advance_to(Timestamp(1_999)).unwrap();
    assert!(site.lines().is_empty());
    site.engine.advance_to(Timestamp(2_000)).unwrap();
    assert_eq!(site.lines(), ["match t u @2000 a=1000", "decision t t"]);
    assert_eq!(site.engine.next_wakeup(), Some(Timestamp(10_000)));
}

#[test]
fn a_timer_fires_before_an_event_of_its_time_and_unwanted_events_move_time() {
    let site = Site::of(vec![task("t", rule("a !n", 1_000))]);
    assert_eq!(lines(&site, &[at(1_000, "a"), at(2_000, "n")]), ["match t u @2000 a=1000"]);
    // Nobody wants it, but the next wanted event carries the frontier that it moved.
    assert!(lines(&site, &[at(3_000, "a"), at(6_000, "noise")]).is_empty());
    assert_eq!(lines(&site, &[at(6_000, "n")]), ["match t u @4000 a=3000"]);
}

#[test]
fn an_event_a_little_behind_a_move_of_time_is_raised() {
    let site = Site::of(vec![task("t", rule("a b", 100_000))]);
    site.engine.advance_to(Timestamp(70_000)).unwrap();
    assert_eq!(lines(&site, &[at(69_000, "a"), at(10_001, "b")]), ["match t u @70000 a=69000 b=10001"]);
    assert!(lines(&site, &[at(10_000, "a"), at(70_000, "b")]).is_empty());
    assert_eq!(site.engine.stats().late, 1);
}

#[test]
fn a_trigger_looks_back_after_what_the_last_match_consumed() {
    let site = Site::of(vec![triggered("go", touched("t", "a b", 10_000))]);
    assert!(lines(&site, &[at(1_000, "a"), at(2_000, "b"), at(2_500, "b")]).is_empty());
    assert_eq!(lines(&site, &[at(3_000, "go")]), ["match t u @3000 a=1000 b=2000", "decision t t"]);
    assert!(lines(&site, &[at(3_500, "go"), at(4_000, "a"), at(14_000, "b"), at(14_001, "go")]).is_empty());
}

#[test]
fn a_trigger_judges_an_absence_and_consumes_up_to_itself() {
    let site = Site::of(vec![triggered("go", task("t", rule("a !n", 10_000)))]);
    assert_eq!(lines(&site, &[at(1_000, "a"), at(3_000, "go")]), ["match t u @3000 a=1000"]);
    assert!(lines(&site, &[at(3_500, "go"), at(4_000, "a"), at(4_500, "n"), at(5_000, "go")]).is_empty());
}

#[test]
fn every_partition_is_looked_back() {
    let mut parted = rule("a b", 10_000);
    parted.partition_by = vec![Attr::arg("item")];
    let site = Site::of(vec![triggered("go", task("t", parted))]);
    let of = |item, e: Made| Made { item, ..e };
    let events = [of("q", at(1_000, "a")), of("p", at(2_000, "a")), of("q", at(3_000, "b")), of("p", at(4_000, "b"))];
    assert!(lines(&site, &events).is_empty());
    let found = ["match t u @5000 a=2000 b=4000", "match t u @5000 a=1000 b=3000"];
    assert_eq!(lines(&site, &[at(5_000, "go")]), found);
}

#[test]
fn a_null_partition_key_is_skipped_and_counted() {
    let mut parted = rule("a b", 10_000);
    parted.partition_by = vec![Attr::arg("nothing")];
    let site = Site::of(vec![task("t", parted)]);
    assert!(lines(&site, &[at(1_000, "a"), at(2_000, "b")]).is_empty());
    assert_eq!(site.engine.stats().null_key, 2);
}

#[test]
fn of_too_many_partitions_those_untouched_for_longest_go() {
    let mut parted = rule("a b", 100_000);
    parted.partition_by = vec![Attr::arg("item")];
    let mut config = Config::in_memory().replay();
    config.limits.keys = 8;
    let site = Site::open(config);
    site.apply(vec![task("t", parted)]);
    let items = ["0", "1", "2", "3", "4", "5", "6", "7", "8"];
    let times = || (1_000..).step_by(1_000);
    let of = |(ts, item): (i64, &'static str), action| Made { item, ..at(ts, action) };
    let begun: Vec<Made> = times().zip(items).map(|e| of(e, "a")).collect();
    assert!(lines(&site, &begun).is_empty());
    assert_eq!(site.engine.stats().capped, 2, "one too many, and an eighth besides");
    let ended: Vec<Made> = times().zip(items).map(|(ts, item)| of((ts + 20_000, item), "b")).collect();
    let found = lines(&site, &ended);
    assert_eq!((found.len(), &*found[0]), (7, "match t u @23000 a=3000 b=23000"));
}

#[test]
fn derived_events_chain_before_the_next_input() {
    let first = Task { outputs: vec![derives("x")], ..task("first", rule("a", 10_000)) };
    let second = Task { outputs: vec![derives("y")], ..task("second", rule("x{2,2}", 10_000)) };
    let site = Site::of(vec![first, second, touched("third", "y", 10_000)]);
    let ids = |e: &str| e.split(' ').take(4).collect::<Vec<_>>().join(" ");
    let told: Vec<String> = lines(&site, &[at(1_000, "a"), at(1_000, "a")]).iter().map(|l| ids(l)).collect();
    let expected = [
        "match first u @1000",
        "event x u @1000",
        "match first u @1000",
        "event x u @1000",
        "match second u @1000",
        "event y u @1000",
        "match third u @1000",
        "decision third third",
    ];
    assert_eq!(told, expected);
    assert_eq!(site.engine.stats().stored, 5);
}

#[test]
fn of_matches_that_compete_the_first_by_priority_takes_what_is_limited() {
    let policy = |priority| Policy { priority, caps: vec![Cap::of(1, Per::Day).shared("all")], ..Policy::default() };
    let low = Task { policy: policy(1), ..touched("low", "a b", 10_000) };
    let high = Task { policy: policy(2), ..touched("high", "b", 10_000) };
    let site = Site::of(vec![low, high]);
    let told = lines(&site, &[at(1_000, "a"), at(2_000, "b")]);
    let expected =
        ["match low u @2000 a=1000 b=2000", "refusal low cap", "match high u @2000 b=2000", "decision high high"];
    assert_eq!(told, expected);
}

#[test]
fn a_match_that_opens_no_output_is_refused_once() {
    use ensue_rule::{BinaryOp, Expr, ExprKind, Output};
    let when = Expr::binary(BinaryOp::Gt, ExprKind::Value("n".into()).into(), Expr::literal(1));
    let closed = |name| Output { when: Some(when.clone()), ..touch(name) };
    let counted = crate::support::returning(rule("a{1,2}", 10_000), "n", crate::support::count("a"));
    let site = Site::of(vec![Task { outputs: vec![closed("x"), closed("y")], ..task("t", counted) }]);
    assert_eq!(lines(&site, &[at(1_000, "a")]), ["match t u @1000 a=1000", "refusal t when"]);
}

#[test]
fn sessions_are_cut_at_record_by_all_events() {
    let mut sessions = rule("a b", 7_200_000);
    sessions.within = Some(Within { duration: Duration(7_200_000), kind: WithinKind::Session });
    let site = Site::of(vec![task("t", sessions)]);
    let minute = 60_000;
    assert!(lines(&site, &[at(0, "a"), at(31 * minute, "b")]).is_empty());
    let kept_alive = [at(40 * minute, "a"), at(65 * minute, "noise"), at(90 * minute, "b")];
    assert_eq!(lines(&site, &kept_alive), ["match t u @5400000 a=2400000 b=5400000"]);
}

#[test]
fn a_device_task_takes_all_users_as_one_stream() {
    let site = Site::of(vec![Task { scope: ensue_rule::TaskScope::Device, ..task("t", rule("a b", 10_000)) }]);
    let other = Made { user: None, ..at(2_000, "b") };
    assert_eq!(lines(&site, &[at(1_000, "a"), other]), ["match t - @2000 a=1000 b=2000"]);
}

#[test]
fn an_event_without_time_is_stamped_and_one_from_the_future_set_back() {
    let clock = Arc::new(ManualClock::new(Timestamp(100_000)));
    let site = Site::open(Config::in_memory().clock(clock.clone()));
    site.apply(vec![task("t", rule("a b", 1_000_000))]);
    let record = |action: &str, ts: Option<i64>| {
        let (id, ts) = (Value::from(action), ts.map(Timestamp));
        let event = EventRef { id: Some(&id), action_type: action, ts, user_id: Some("u"), ..EventRef::default() };
        assert_eq!(site.engine.record(&event), Recorded::Queued);
    };
    record("a", None);
    clock.set(Timestamp(120_000));
    record("b", Some(500_000));
    site.engine.flush().unwrap();
    assert_eq!(site.engine.stats().clamped, 1);
    // In live mode they are told on a thread of their own.
    assert_eq!(site.wait_for(1), ["match t u @120000 a=\"a\" b=\"b\""]);
    clock.set(Timestamp(130_000));
    record("a", Some(185_000));
    record("b", None);
    site.engine.flush().unwrap();
    assert_eq!(site.wait_for(1), ["match t u @185000 a=\"a\" b=\"b\""]);
}

#[test]
fn in_live_mode_a_timer_fires_by_itself() {
    let site = Site::open(Config::in_memory());
    site.apply(vec![task("t", rule("a !n", 50))]);
    site.engine.record(&EventRef { action_type: "a", ..EventRef::default() });
    assert_eq!(site.wait_for(1).len(), 1);
    assert_eq!(site.engine.next_wakeup(), None);
}

#[test]
fn what_fell_due_while_nobody_ran_happens_at_opening() {
    let dir = tempfile::tempdir().unwrap();
    let live = |now| {
        let clock = Arc::new(ManualClock::new(Timestamp(now)));
        Site::open(Config::at(dir.path().join("ensue.db")).clock(clock))
    };
    let short = Policy { ttl: Some(Duration(5_000)), ..Policy::default() };
    let first = live(10_000);
    first.apply(vec![touched("t", "a !n", 1_000), Task { policy: short, ..touched("short", "a !n", 1_000) }]);
    first.record(&at(10_000, "a"));
    first.engine.flush().unwrap();
    assert_eq!(first.engine.next_wakeup(), Some(Timestamp(11_000)));
    first.engine.shutdown();
    let second = live(60_000);
    let decided: Vec<String> = second.engine.decisions(9).unwrap().iter().map(|d| d.task.to_string()).collect();
    assert_eq!(decided, ["t"], "the other came too late to be good");
    assert_eq!(second.engine.next_wakeup(), None);
}

#[test]
fn bad_events_are_rejected_and_stop_nothing() {
    use ensue_engine::Rejected;
    use ensue_rule::Source;
    let site = Site::of(vec![task("t", rule("a", 1_000))]);
    let record = |event: &EventRef<'_>| site.engine.record(event);
    let big = [("x", Value::from("y".repeat(70_000)))];
    let mut deep = Value::Null;
    for _ in 0..100 {
        deep = Value::List([deep].into());
    }
    let deep = [("x", deep)];
    let event = EventRef { action_type: "a", ..EventRef::default() };
    assert_eq!(record(&EventRef::default()), Recorded::Rejected(Rejected::NoActionType));
    assert_eq!(record(&EventRef { source: Source::Derived, ..event }), Recorded::Rejected(Rejected::Derived));
    assert_eq!(record(&EventRef { args: &big, ..event }), Recorded::Rejected(Rejected::TooLarge));
    assert_eq!(record(&EventRef { args: &deep, ..event }), Recorded::Rejected(Rejected::TooLarge));
    for (action_type, minutes) in [("a", 1_441), ("z", -1_441), ("a", i32::MAX), ("a", i32::MIN)] {
        let beyond = EventRef { action_type, utc_offset_min: Some(minutes), ..event };
        assert_eq!(record(&beyond), Recorded::Rejected(Rejected::UtcOffset), "{minutes}");
    }
    assert_eq!(record(&event), Recorded::Queued);
    assert_eq!(record(&EventRef { action_type: "z", ..event }), Recorded::Unwanted);
    for minutes in [-1_440, 1_440] {
        assert_eq!(record(&EventRef { utc_offset_min: Some(minutes), ..event }), Recorded::Queued, "{minutes}");
    }
    let stats = site.engine.stats();
    assert_eq!((stats.rejected, stats.events), (8, 4));
    assert_eq!(site.lines().len(), 3);
    let _ = set(Vec::new());
}
