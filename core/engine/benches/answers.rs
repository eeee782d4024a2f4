//! Answers over a day: `why_not` of one task over 5,000 retained events of a user under 100 tasks, and the report of counters.
//!
//! The time is that which the worker's thread had a processor, where the system says (Linux): so that a machine that others
//! use tells nearly the same. Elsewhere it is wall time.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench")]

use std::path::Path;
use std::time::{Duration as Time, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use ensue_engine::{Config, Engine, Question, Recorded, Retention, Whose};
use ensue_rule::{
    Attr, BinaryOp, Condition, Contiguity, Duration, Element, EventRef, Expr, Pattern, Quantifier, Rule, Span, Stage,
    Step, Task, TaskSet, Timestamp, Trigger, Value,
};

const EVENTS: usize = 5_000;

/// `v{3,} -> !s -> l` of one scene, or of all, where the price of l is that of v: seldom a match.
fn rule(scene: Option<usize>) -> Rule {
    let step = |element| Step { arrow: Contiguity::Relaxed, bound: None, element, span: Span::default() };
    let quantifier = Some(Quantifier::times(3, None));
    let first = Element::Stage(Stage { name: "v".into(), quantifier, span: Span::default() });
    let mut rule = Rule::new(Pattern { first, then: vec![step(Element::not("s")), step(Element::stage("l"))] });
    let is =
        |stage: &str, attr, value: String| Expr::binary(BinaryOp::Eq, Expr::attr(stage, attr), Expr::literal(value));
    let mut conjuncts = vec![
        is("v", Attr::ActionType, "pv".into()),
        is("s", Attr::ActionType, "save".into()),
        is("l", Attr::ActionType, "leave".into()),
        Expr::binary(BinaryOp::Gt, Expr::attr("l", Attr::arg("price")), Expr::attr("v", Attr::arg("price"))),
        Expr::binary(BinaryOp::Gt, Expr::attr("l", Attr::arg("price")), Expr::literal(99)),
    ];
    conjuncts.extend(scene.map(|n| is("v", Attr::Scene, format!("scene{n}"))));
    for expr in conjuncts {
        rule.conditions.push(Condition::place(expr, &rule.pattern).unwrap());
    }
    rule
}

fn task(id: String, rule: Rule) -> Task {
    Task::of(id, rule)
}

/// A day of one user under 100 tasks: one that every event concerns, one that is triggered, and 98 of a scene each.
fn day(path: &Path) -> Engine {
    let retention = Retention { at_least: Duration(i64::MAX), ..Retention::UNLIMITED };
    let engine = Engine::open(Config { retention, ..Config::at(path).replay() }).unwrap();
    let mut tasks: Vec<Task> = (0..98).map(|n| task(format!("scene{n}"), rule(Some(n)))).collect();
    tasks.push(task("every".into(), rule(None)));
    let trigger = Trigger { action_types: vec!["leave".into()], scenes: Vec::new() };
    tasks.push(Task { trigger: Some(trigger), ..task("triggered".into(), rule(None)) });
    engine.apply(vec![TaskSet::of("s", tasks)]).unwrap();
    for i in 0..EVENTS {
        let scene = format!("scene{}", i % 97);
        let (action_type, price) = match i % 50 {
            7 => ("save", 0),
            13 | 31 => ("leave", 50),
            _ => ("pv", i64::try_from(i * 7 % 90).unwrap()),
        };
        let event = EventRef {
            ts: Some(Timestamp(1_700_000_000_000 + i64::try_from(i).unwrap() * 17_000)),
            action_type,
            scene: Some(&scene),
            user_id: Some("u"),
            args: &[("item", Value::from(i64::try_from(i % 977).unwrap())), ("price", Value::Int(price))],
            ..EventRef::default()
        };
        assert_eq!(engine.record(&event), Recorded::Queued);
    }
    engine.flush().unwrap();
    engine
}

/// The worker's time on a processor so far.
fn on_processor() -> Option<Time> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?.flatten().map(|t| t.path());
    let is_worker = |t: &std::path::PathBuf| {
        std::fs::read_to_string(t.join("comm")).is_ok_and(|name| name.trim() == "ensue-worker")
    };
    let schedstat = std::fs::read_to_string(threads.into_iter().find(is_worker)?.join("schedstat")).ok()?;
    schedstat.split(' ').next()?.parse().ok().map(Time::from_nanos)
}

#[allow(clippy::disallowed_methods, reason = "a bench measures time")]
fn timed(n: u64, mut what: impl FnMut()) -> Time {
    let (start, before) = (Instant::now(), on_processor());
    (0..n).for_each(|_| what());
    let after = on_processor();
    after.zip(before).map_or_else(|| start.elapsed(), |(after, before)| after.saturating_sub(before))
}

fn answers(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let engine = day(&dir.path().join("day.db"));
    let ask = |task: &str| {
        let user = Whose::User(Some("u".into()));
        let question = Question { task: Some(task.into()), user, since: None, wording: |_| String::new() };
        engine.why_not(question).unwrap().remove(0)
    };
    let every = ask("every");
    assert_eq!((every.events, every.matches, every.furthest.unwrap().stage.as_deref()), (5_000, 0, Some("v")));
    assert_eq!(ask("triggered").triggers.unwrap().looked, 1);
    let mut group = c.benchmark_group("answers");
    group.sample_size(20);
    for of in ["every", "scene5", "triggered"] {
        let name = format!("why_not over {EVENTS} events, {of}");
        group.bench_function(name, |b| b.iter_custom(|n| timed(n, || drop(ask(of)))));
    }
    group.bench_function("stats_report, 100 tasks", |b| {
        b.iter_custom(|n| timed(n, || drop(engine.stats_report().unwrap())));
    });
    group.finish();
}

criterion_group!(benches, answers);
criterion_main!(benches);
