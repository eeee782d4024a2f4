//! More users than are kept in memory: who is put away comes again as if they had never been.

use ensue_engine::{Config, Outcome, Recorded, Retention};
use ensue_rule::{AfterMatch, Cap, Duration, EventRef, Per, Policy, Task, Timestamp, Value, Within, WithinKind};

use crate::support::{Site, at, derives, file, rule, task, touch, triggered};

const MINUTE: i64 = 60_000;

/// Tasks that remember something of a user while nothing of theirs is under way.
fn tasks() -> Vec<Task> {
    let mut session = rule("a b", 50 * MINUTE);
    session.within = Some(Within { duration: Duration(50 * MINUTE), kind: WithinKind::Session });
    let capped = Policy { caps: vec![Cap::of(1, Per::Span(Duration(2_000 * MINUTE)))], ..Policy::default() };
    let mut every = rule("a go b", 100 * MINUTE);
    every.after_match = AfterMatch::NoSkip { limit: None };
    vec![
        task("every", every),
        task("without", rule("a !go b", 80 * MINUTE)),
        Task { outputs: vec![touch("x")], policy: capped, ..task("own", rule("a b", 30 * MINUTE)) },
        task("session", session),
        triggered("go", task("back", rule("a b", 600 * MINUTE))),
        task("absent", rule("b !a", 5 * MINUTE)),
        Task { outputs: vec![derives("made")], ..task("maker", rule("b go", 30 * MINUTE)) },
        task("onto", rule("made a", 90 * MINUTE)),
    ]
}

/// A number by a seed, below a bound.
fn chance(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

/// Users who come in no order, some late, some long after; what is told of them, and how often some were away.
fn run(config: Config, seed: u64, change: bool) -> (Vec<Outcome>, ensue_engine::Stats, u64) {
    let site = Site::open(config);
    site.apply(tasks());
    let (mut state, mut away) = (seed, 0);
    for n in 0..12_000_i64 {
        let user = format!("user{}", chance(&mut state, 400));
        let back = if chance(&mut state, 6) == 0 { i64::try_from(chance(&mut state, 40)).unwrap() * MINUTE } else { 0 };
        let action =
            ["a", "b", "go", "go", "go", "go", "noise", "noise"][usize::try_from(chance(&mut state, 8)).unwrap()];
        let id = Value::Int(n);
        let event = EventRef {
            ts: Some(Timestamp(1_000_000_000 + n * 5_000 - back)),
            id: Some(&id),
            action_type: action,
            user_id: Some(&user),
            ..EventRef::default()
        };
        assert!(matches!(site.engine.record(&event), Recorded::Queued | Recorded::Unwanted));
        if n % 500 == 0 {
            site.engine.flush().unwrap();
        }
        // Long after every one of them has come.
        away += u64::from(n > 8_000 && site.engine.stats().users < 400);
        if change && n == 8_000 {
            let mut tasks = tasks();
            tasks[3] = task("session", rule("a b go", 50 * MINUTE));
            tasks.push(task("new", rule("b a", 50 * MINUTE)));
            site.apply(tasks);
        }
    }
    site.engine.advance_to(Timestamp(1_000_000_000 + 12_000 * 5_000)).unwrap();
    site.engine.flush().unwrap();
    (site.take(), site.engine.stats(), away)
}

#[test]
fn with_few_users_in_memory_all_is_decided_as_with_all_of_them() {
    let mut away_at_all = 0;
    for (seed, lateness, change) in [(1, 0, false), (2, 10 * MINUTE, false), (3, 0, true)] {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let config = |dir: &tempfile::TempDir, users| Config { users, lateness: Duration(lateness), ..file(dir) };
        let (all, stats, never) = run(config(&dirs[0], 100_000), seed, change);
        let (few, of_few, away) = run(config(&dirs[1], 30), seed, change);
        assert!(all.len() > 1_000, "{}", all.len());
        for (i, (a, b)) in all.iter().zip(&few).enumerate() {
            assert_eq!(a, b, "seed {seed}, outcome {i}");
        }
        assert_eq!(all.len(), few.len());
        assert_eq!((stats.late, stats.matches, stats.before), (of_few.late, of_few.matches, of_few.before));
        assert!(stats.late > 0 || lateness > 0);
        assert_eq!((stats.users, never), (400, 0));
        away_at_all += away;
    }
    assert!(away_at_all > 0, "nobody was ever put away");
}

/// Users of whom each has a live run, come again in another order; what is told, and how many were in memory at most.
fn waiting(users: usize) -> (Vec<Outcome>, u64) {
    let site = Site::open(Config { users, ..Config::in_memory().replay() });
    site.apply(vec![task("t", rule("a b", 600 * MINUTE))]);
    let record = |user: i64, ts: i64, action_type| {
        let (name, id) = (format!("user{user}"), Value::Int(ts));
        let (ts, user_id) = (Some(Timestamp(ts)), Some(name.as_str()));
        site.engine.record(&EventRef { ts, action_type, user_id, id: Some(&id), ..EventRef::default() });
        if user % 50 == 0 {
            site.engine.flush().unwrap();
        }
    };
    (0..1_000).for_each(|n| record(n, n, "a"));
    site.engine.flush().unwrap();
    let most = site.engine.stats().users;
    (0..1_000).for_each(|n| record(n * 7 % 1_000, 2_000 + n, "b"));
    site.engine.flush().unwrap();
    (site.take(), most)
}

#[test]
fn users_with_live_runs_are_put_away_too_and_their_runs_go_on() {
    let (all, most) = waiting(10_000);
    assert_eq!((all.len(), most), (1_000, 1_000));
    let (few, most) = waiting(20);
    assert!(most < 500, "{most} in memory");
    assert_eq!(few, all);
}

#[test]
fn a_stream_of_ever_new_users_does_not_grow_memory() {
    let site = Site::open(Config { users: 100, retention: Retention::default(), ..Config::in_memory().replay() });
    site.apply(vec![task("t", rule("a b", 1_000))]);
    let mut most = 0;
    for n in 0..60_000_i64 {
        let user = format!("user{n}");
        let action_type = if n % 3 == 0 { "a" } else { "noise" };
        let ts = Some(Timestamp(n * 1_000));
        site.engine.record(&EventRef { ts, action_type, user_id: Some(&user), ..EventRef::default() });
        most = most.max(site.engine.stats().users);
    }
    site.engine.flush().unwrap();
    assert!(most <= 1_600, "{most} at once");
}

#[test]
fn who_comes_where_there_is_no_room_has_their_sessions() {
    let gap = 10;
    let site = Site::open(Config { users: 1, session_gap: Duration(gap), ..Config::in_memory().replay() });
    let mut session = rule("a b", 1_000);
    session.within = Some(Within { duration: Duration(1_000), kind: WithinKind::Session });
    site.apply(vec![task("t", session)]);
    // Nobody is put away yet, and `record` remembers sixteen.
    (0..20).for_each(|n| {
        let name = format!("user{n}");
        site.engine.record(&EventRef { action_type: "noise", user_id: Some(&name), ..EventRef::default() });
    });
    for (ts, action) in [(100, "a"), (100 + gap, "b"), (200, "a"), (201 + gap, "b"), (202 + gap, "a"), (203 + gap, "b")]
    {
        site.record(&at(ts, action));
        site.engine.flush().unwrap();
    }
    assert_eq!(site.lines(), ["match t u @110 a=100 b=110", "match t u @213 a=212 b=213"]);
    assert!(site.engine.stats().users <= 16);
}
