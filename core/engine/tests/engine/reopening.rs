//! A store that is closed and opened again after every single event decides what an uninterrupted engine decides.

use ensue_engine::{Config, Engine, Outcome};
use ensue_rule::{
    AfterMatch, Attr, BinaryOp, Cap, Duration, Expr, On, Output, Per, Policy, Task, TaskScope, Timestamp,
};

use crate::support::{
    Made, Site, arg, at, count, derives, file, given, returning, rule, stream, task, touch, triggered,
};

/// Tasks that among them use every kind of state there is.
fn tasks() -> Vec<Task> {
    let mut joined = rule("a b{1,} c", 30_000);
    given(&mut joined, Expr::binary(BinaryOp::Eq, arg("c", "item"), arg("a", "item")));
    let mut parted = rule("a c", 60_000);
    parted.partition_by = vec![Attr::arg("item")];
    let mut all = rule("a{2,} c", 8_000);
    all.after_match = AfterMatch::NoSkip { limit: Some(5) };
    let mut timed = rule("a n b", 12_000);
    timed.on_timeout = Some(Vec::new());
    let capped = Policy {
        priority: 3,
        caps: vec![Cap::of(2, Per::Span(Duration(60_000))).shared("s")],
        cooldown: Some(Duration(5_000)),
        ttl: Some(Duration(90_000)),
        ..Policy::default()
    };
    let late = Output { on: On::Timeout, ..derives("gone") };
    vec![
        Task { outputs: vec![touch("joined"), derives("found")], ..task("joined", returning(joined, "n", count("b"))) },
        Task { outputs: vec![touch("absent")], policy: capped.clone(), ..task("absent", rule("a !n", 7_000)) },
        Task { outputs: vec![derives("found")], ..task("watched", rule("a b !n c", 40_000)) },
        Task { outputs: vec![touch("parted")], policy: capped, ..task("parted", parted) },
        task("all", all),
        Task { outputs: vec![late], ..task("timed", timed) },
        Task { outputs: vec![touch("chained")], ..task("chained", rule("found{2,} end", 90_000)) },
        triggered("end", Task { outputs: vec![touch("back")], ..task("back", rule("a b", 50_000)) }),
        triggered("found", task("back-absent", rule("a !x", 50_000))),
        triggered("gone", task("back-gone", rule("b", 20_000))),
        Task { scope: TaskScope::Device, ..task("device", rule("a b c", 5_000)) },
        Task { scope: TaskScope::Device, outputs: vec![derives("all-quiet")], ..task("quiet", rule("c !a", 3_000)) },
        task("after-quiet", rule("all-quiet a", 30_000)),
    ]
}

/// Steps of a run: `None` moves time on.
fn run(seed: u64, lateness: i64, reopen_every: Option<usize>) -> Vec<Outcome> {
    let dir = tempfile::tempdir().unwrap();
    let config = || Config { lateness: Duration(lateness), ..file(&dir) };
    let mut outcomes = Vec::new();
    let mut engine = Site::open(config());
    engine.apply(tasks());
    for (i, event) in stream(seed, 150).iter().enumerate() {
        engine.record(event);
        if i % 40 == 39 {
            engine.engine.advance_to(Timestamp(event.ts + 2_500)).unwrap();
        }
        if reopen_every.is_some_and(|n| i % n == 0) {
            engine.engine.shutdown();
            outcomes.extend(engine.take());
            engine = Site::open(config());
            let opened = engine.engine.ready().unwrap();
            assert_eq!((opened.set_aside, opened.tasks), (None, tasks().len()));
        }
    }
    engine.engine.flush().unwrap();
    while let Some(t) = engine.engine.next_wakeup() {
        engine.engine.advance_to(t).unwrap();
    }
    outcomes.extend(engine.take());
    outcomes
}

#[test]
fn reopened_after_every_event_it_decides_the_same() {
    let mut matching = std::collections::BTreeSet::new();
    for (seed, lateness) in [(1, 0), (2, 0), (3, 5_000), (4, 5_000), (5, 1_000)] {
        let whole = run(seed, lateness, None);
        let parts = run(seed, lateness, Some(1));
        for (i, (a, b)) in whole.iter().zip(&parts).enumerate() {
            assert_eq!(a, b, "seed {seed}, lateness {lateness}, outcome {i}");
        }
        assert_eq!(whole.len(), parts.len(), "seed {seed}, lateness {lateness}");
        assert!(whole.len() > 60, "seed {seed}, lateness {lateness}: only {} outcomes", whole.len());
        matching.extend(whole.iter().filter_map(matched));
    }
    let all: std::collections::BTreeSet<String> = tasks().iter().map(|t| t.id.to_string()).collect();
    assert_eq!(matching, all, "every task has matched somewhere");
}

fn matched(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Match(m) | Outcome::Timeout(m) => Some(m.task.to_string()),
        _ => None,
    }
}

#[test]
fn the_same_history_gives_the_same_outcomes_under_the_same_ids() {
    assert_eq!(run(9, 0, None), run(9, 0, None));
}

#[test]
fn a_half_finished_match_goes_on_and_decisions_wait_until_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let first = Site::open(file(&dir));
    first.apply(vec![Task { outputs: vec![touch("t")], ..task("t", rule("a b", 10_000)) }]);
    first.record(&crate::support::at(1_000, "a"));
    drop(first.engine);

    let second = Site::open(file(&dir));
    second.record(&crate::support::at(2_000, "b"));
    assert_eq!(second.lines(), ["match t u @2000 a=1000 b=2000", "decision t t"]);
    let made = second.engine.decisions(10).unwrap();
    assert_eq!(made.len(), 1);
    drop(second.engine);

    let third = Engine::open(file(&dir)).unwrap();
    let waiting = third.decisions(10).unwrap();
    assert_eq!(waiting, made);
    assert_eq!(third.ack(&[&waiting[0].id, "unknown"]).unwrap(), 1);
    assert_eq!(third.ack(&[&waiting[0].id]).unwrap(), 0);
    assert!(third.decisions(10).unwrap().is_empty());
}

#[test]
fn a_trigger_whose_time_has_not_come_is_waited_for_where_no_continuous_task_reads_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let config = || Config { lateness: Duration(1_000), ..file(&dir) };
    let first = Site::open(config());
    first.apply(vec![triggered("go", task("back", rule("a b", 10_000)))]);
    for (ts, action) in [(1_000, "a"), (2_000, "b"), (2_001, "go")] {
        first.record(&crate::support::at(ts, action));
    }
    assert!(first.lines().is_empty());
    drop(first.engine);

    let second = Site::open(config());
    second.engine.advance_to(Timestamp(3_000)).unwrap();
    assert_eq!(second.lines(), ["match back u @2001 a=1000 b=2000"]);
}

#[test]
fn the_outbox_has_what_is_not_acknowledged_in_whatever_order_that_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::open(file(&dir));
    site.apply(vec![Task { outputs: vec![touch("t")], ..task("t", rule("a", 10_000)) }]);
    for n in 1..=6 {
        site.record(&crate::support::at(n * 1_000, "a"));
    }
    site.engine.flush().unwrap();
    let made: Vec<String> = site.engine.decisions(10).unwrap().iter().map(|d| d.id.to_string()).collect();
    assert_eq!(made.len(), 6);
    let mut acknowledged = Vec::new();
    for next in [4, 0, 2, 1, 5, 3] {
        assert_eq!(site.engine.ack(&[&made[next]]).unwrap(), 1);
        acknowledged.push(next);
        assert!(site.engine.decisions(0).unwrap().is_empty());
        let waiting: Vec<&String> =
            made.iter().enumerate().filter(|(n, _)| !acknowledged.contains(n)).map(|(_, id)| id).collect();
        let ids = |site: &Site| site.engine.decisions(10).unwrap().iter().map(|d| d.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(&site).iter().collect::<Vec<_>>(), waiting);
        drop(site.engine);
        site = Site::open(file(&dir));
        assert_eq!(ids(&site).iter().collect::<Vec<_>>(), waiting);
    }
    site.record(&crate::support::at(7_000, "a"));
    site.engine.flush().unwrap();
    assert_eq!(site.engine.decisions(10).unwrap().len(), 1, "what comes after all are acknowledged waits again");
}

/// What is told of some events, with the store closed and opened again before those of these numbers.
fn told(tasks: &[Task], events: &[Made], reopened: &[usize]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::open(file(&dir));
    site.apply(tasks.to_vec());
    let mut told = Vec::new();
    for (n, event) in events.iter().enumerate() {
        if reopened.contains(&n) {
            told.extend(site.lines());
            site.engine.shutdown();
            site = Site::open(file(&dir));
        }
        site.record(event);
    }
    site.engine.flush().unwrap();
    site.engine.advance_to(Timestamp(1_000_000)).unwrap();
    told.extend(site.lines());
    told
}

/// Of a kind that one task wants for longer, rows stay that are no more to be shown to another: what would have ended their
/// runs is gone.
#[test]
fn what_was_over_for_a_task_does_not_come_back_because_another_keeps_it() {
    let long = || task("long", rule("a", 200_000));
    let absent = vec![long(), Task { outputs: vec![touch("t")], ..task("absent", rule("a !c", 60_000)) }];
    let events = [at(0, "a"), at(10_000, "c"), at(50_000, "a"), at(70_000, "a"), at(120_000, "c")];
    let all = told(&absent, &events, &[]);
    assert!(all.contains(&"match absent u @110000 a=50000".to_owned()), "{all:?}");
    let mut negated = task("negated", rule("a !s b{2,}", 60_000));
    negated.rule.after_match = AfterMatch::NoSkip { limit: None };
    let negated = vec![task("long-b", rule("b", 200_000)), long(), negated];
    let more: Vec<Made> = [(0, "a"), (5, "s"), (20, "b"), (25, "a"), (30, "b"), (66, "a"), (70, "b"), (75, "b")]
        .map(|(s, action)| at(s * 1_000, action))
        .into();
    for (tasks, events) in [(&absent, &events[..]), (&negated, &more[..])] {
        let all = told(tasks, events, &[]);
        for n in 0..events.len() {
            assert_eq!(told(tasks, events, &[n]), all, "closed before {n}");
        }
        let each: Vec<usize> = (0..events.len()).collect();
        assert_eq!(told(tasks, events, &each), all);
    }
}
