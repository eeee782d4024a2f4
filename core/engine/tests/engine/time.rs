//! Clocks that jump, events out of order, local time that changes: what a stream means does not depend on when and in
//! which steps the engine hears of it.

use std::convert::Infallible;
use std::sync::Arc;

use ensue_engine::{Config, ManualClock, Recorded};
use ensue_rule::{Cap, Duration, EventRef, Per, Policy, Task, Timestamp, Value};

use crate::support::{Made, Site, at, file, rule, stream, task, touch};

const HOUR: i64 = 60 * 60 * 1_000;

fn live(dir: &tempfile::TempDir, now: i64) -> (Site, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp(now)));
    let site = Site::open(Config::at(dir.path().join("ensue.db")).clock(clock.clone()));
    site.engine.ready().unwrap();
    (site, clock)
}

/// An event that the engine stamps, under an id.
fn now(site: &Site, action: &str, id: i64) {
    let id = Value::Int(id);
    let event = EventRef { id: Some(&id), action_type: action, user_id: Some("u"), ..EventRef::default() };
    site.engine.record(&event);
    site.engine.flush().unwrap();
}

#[test]
fn a_clock_that_was_set_back_puts_no_event_before_what_was() {
    let dir = tempfile::tempdir().unwrap();
    let (site, _) = live(&dir, 100 * HOUR);
    site.apply(vec![task("t", rule("a b", HOUR)), task("absent", rule("a !b", HOUR))]);
    now(&site, "a", 1);
    site.engine.shutdown();
    // A day back: events stand where time stood, in their order, and nothing fires again.
    let (site, clock) = live(&dir, 76 * HOUR);
    now(&site, "b", 2);
    assert_eq!(site.wait_for(1), [format!("match t u @{} a=1 b=2", 100 * HOUR)]);
    assert_eq!(site.engine.stats().late, 0);
    now(&site, "a", 3);
    clock.set(Timestamp(102 * HOUR));
    site.engine.advance_to(Timestamp(102 * HOUR)).unwrap();
    assert_eq!(site.wait_for(1), [format!("match absent u @{} a=3", 101 * HOUR)]);
    now(&site, "a", 4);
    now(&site, "b", 5);
    assert_eq!(site.wait_for(1), [format!("match t u @{} a=4 b=5", 102 * HOUR)]);
}

/// An event that the host took at a time, and kept until there was an engine.
fn kept(site: &Site, action: &str, id: i64, taken: i64) -> Recorded {
    let id = Value::Int(id);
    let event = EventRef { id: Some(&id), action_type: action, user_id: Some("u"), ..EventRef::default() };
    let Ok(recorded) = site.engine.record_kept(&event, Timestamp(taken), |_| Ok::<_, Infallible>(()));
    recorded
}

#[test]
fn what_the_host_kept_has_the_time_it_was_taken_and_is_never_late() {
    let dir = tempfile::tempdir().unwrap();
    let (site, _) = live(&dir, 100 * HOUR);
    site.apply(vec![task("t", rule("a b", HOUR))]);
    kept(&site, "a", 1, 99 * HOUR);
    kept(&site, "b", 2, 99 * HOUR + 7);
    assert_eq!(site.wait_for(1), [format!("match t u @{} a=1 b=2", 99 * HOUR + 7)]);
    // A clock that was ahead meanwhile says nothing.
    kept(&site, "a", 3, 500 * HOUR);
    kept(&site, "b", 4, 100 * HOUR);
    assert_eq!(site.wait_for(1), [format!("match t u @{} a=3 b=4", 100 * HOUR)]);
    site.engine.shutdown();
    // Set back between two processes: as what is stamped, they stand where time stood.
    let (site, _) = live(&dir, 76 * HOUR);
    kept(&site, "a", 5, 76 * HOUR - 1);
    now(&site, "b", 6);
    assert_eq!(site.wait_for(1), [format!("match t u @{} a=5 b=6", 100 * HOUR)]);
    assert_eq!((site.engine.stats().late, site.engine.stats().clamped), (0, 0));
}

#[test]
fn in_replay_the_device_s_clock_says_nothing_of_what_was_kept() {
    let site = Site::of(vec![task("t", rule("a b", HOUR))]);
    site.record(&at(1_000, "a"));
    assert_eq!(kept(&site, "b", 2, 100 * HOUR), Recorded::Queued);
    assert_eq!(site.lines(), ["match t u @1000 a=1000 b=2"]);
}

#[test]
fn a_clock_that_jumped_ahead_or_slept_lets_time_pass_once() {
    let dir = tempfile::tempdir().unwrap();
    let (site, clock) = live(&dir, 100 * HOUR);
    site.apply(vec![task("t", rule("a b", HOUR)), task("absent", rule("a !b", HOUR))]);
    now(&site, "a", 1);
    clock.set(Timestamp(150 * HOUR));
    now(&site, "b", 2);
    // The absence is judged at its deadline, before what came when the device woke; the window of `t` is long over.
    assert_eq!(site.wait_for(1), [format!("match absent u @{} a=1", 101 * HOUR)]);
    assert!(site.take().is_empty());
}

#[test]
fn events_of_one_time_are_matched_in_the_order_of_their_arrival() {
    let site = Site::of(vec![task("t", rule("a b c", 1_000)), task("other", rule("c a", 1_000))]);
    for (id, action) in [(1, "a"), (2, "b"), (3, "c"), (4, "a")] {
        site.record(&Made { id, ..at(5_000, action) });
    }
    assert_eq!(site.lines(), ["match t u @5000 a=1 b=2 c=3", "match other u @5000 c=3 a=4"]);
}

/// What comes of a stream, told at the end.
fn outcomes(events: &[Made], lateness: i64, reopen: bool) -> (Vec<String>, u64) {
    let dir = tempfile::tempdir().unwrap();
    let config = || Config { lateness: Duration(lateness), ..file(&dir) };
    let mut site = Site::open(config());
    site.apply(vec![
        task("seq", rule("a b c", 20_000)),
        task("absent", rule("a !n", 5_000)),
        task("any", rule("n x", 9_000)),
    ]);
    let (mut told, mut late) = (Vec::new(), 0);
    for (i, e) in events.iter().enumerate() {
        site.record(e);
        if reopen && i % 7 == 3 {
            site.engine.shutdown();
            told.extend(site.take());
            late += site.engine.stats().late;
            site = Site::open(config());
        }
    }
    site.engine.flush().unwrap();
    while let Some(t) = site.engine.next_wakeup() {
        site.engine.advance_to(t).unwrap();
    }
    told.extend(site.take());
    let mut told: Vec<String> = told.iter().map(crate::support::line).collect();
    told.sort();
    (told, late + site.engine.stats().late)
}

#[test]
fn within_the_lateness_any_order_of_arrival_gives_the_answers_of_the_right_one() {
    const LATENESS: i64 = 9_000;
    for seed in [11, 12, 13] {
        let mut shuffled = stream(seed, 200);
        // Where times are equal arrival decides, so that no two may be.
        for (i, e) in shuffled.iter_mut().enumerate() {
            e.ts = e.ts * 1_000 + i64::try_from(i).unwrap();
        }
        let mut sorted = shuffled.clone();
        sorted.sort_by_key(|e| e.ts);
        assert!(shuffled.iter().zip(&sorted).any(|(a, b)| a.ts != b.ts), "out of order at all");
        let (right, none) = outcomes(&sorted, 0, false);
        assert_eq!(none, 0);
        assert!(right.len() > 10);
        for reopen in [false, true] {
            let (told, late) = outcomes(&shuffled, LATENESS * 1_000, reopen);
            assert_eq!((told, late), (right.clone(), 0), "seed {seed}, reopen {reopen}");
        }
    }
}

#[test]
fn a_calendar_day_is_that_of_the_users_clock_whatever_the_offset_does() {
    let daily = Policy { caps: vec![Cap::of(1, Per::Day)], ..Policy::default() };
    let site = Site::of(vec![Task { outputs: vec![touch("x")], policy: daily, ..task("t", rule("a", 1_000)) }]);
    let mut decided = Vec::new();
    // (UTC hour since 2023-03-25T00:00Z, offset in minutes): Berlin before and after its clocks went ahead, then a flight
    // to New York (the 26th again) and on to Tokyo.
    let day = 1_679_702_400_000;
    for (hour, offset) in
        [(22, 60), (23, 60), (24, 60), (26, 120), (46, 120), (46, -240), (51, -240), (51, 540), (63, 540)]
    {
        let id = Value::Int(hour);
        site.engine.record(&EventRef {
            ts: Some(Timestamp(day + hour * HOUR)),
            id: Some(&id),
            action_type: "a",
            utc_offset_min: Some(offset),
            ..EventRef::default()
        });
        let touched = site.lines().iter().any(|l| l.starts_with("decision"));
        decided.push((hour, offset, touched));
    }
    let expected = [
        (22, 60, true),   // the 25th, 23:00
        (23, 60, true),   // the 26th, 00:00
        (24, 60, false),  // the 26th, 01:00
        (26, 120, false), // the 26th, 04:00: an hour was left out
        (46, 120, true),  // the 27th, 00:00
        (46, -240, false),
        (51, -240, false), // the 26th, 23:00
        (51, 540, false),  // the 27th, 12:00
        (63, 540, true),   // the 28th, 00:00
    ];
    assert_eq!(decided, expected);
}

#[test]
fn what_comes_due_while_nobody_runs_is_judged_by_the_policy_of_the_day_it_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let absent = |ttl: i64| {
        let policy = Policy { ttl: Some(Duration(ttl)), ..Policy::default() };
        Task { outputs: vec![touch("x")], policy, ..task("t", rule("a !n", HOUR)) }
    };
    let (site, clock) = live(&dir, 100 * HOUR);
    site.apply(vec![absent(HOUR)]);
    now(&site, "a", 1);
    // A new policy before the deadline: the half-finished match goes on under it.
    clock.set(Timestamp(100 * HOUR + 1_000));
    site.apply(vec![absent(48 * HOUR)]);
    site.engine.shutdown();
    let (site, _) = live(&dir, 120 * HOUR);
    let decided = site.engine.decisions(9).unwrap();
    assert_eq!(decided.len(), 1);
    assert_eq!((decided[0].at, decided[0].expires_at), (Timestamp(101 * HOUR), Some(Timestamp(149 * HOUR))));
}
