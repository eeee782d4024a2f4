//! What `record` costs on the thread that calls it: an event that no task wants under 1,000 tasks, one that is wanted
//! while the worker is busy, and one that wakes the worker.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ensue_engine::{Config, Engine, Recorded};
use ensue_rule::{Attr, BinaryOp, Condition, Element, EventRef, Expr, Pattern, Rule, Task, TaskSet, Timestamp, Value};

/// A task that wants events of one action type and scene, and reads two arguments.
fn task(n: usize) -> Task {
    let mut rule = Rule::new(Pattern { first: Element::stage("a"), then: Vec::new() });
    let equal = |attr, value: String| Expr::binary(BinaryOp::Eq, Expr::attr("a", attr), Expr::literal(value));
    for expr in [
        equal(Attr::ActionType, format!("type{}", n % 50)),
        equal(Attr::Scene, format!("scene{n}")),
        equal(Attr::arg("item"), "nothing".to_owned()),
        equal(Attr::arg("page"), "nothing".to_owned()),
    ] {
        rule.conditions.push(Condition::place(expr, &rule.pattern).unwrap());
    }
    Task::of(format!("task{n}"), rule)
}

fn engine(dir: &tempfile::TempDir, queue: usize) -> Engine {
    let engine = Engine::open(Config { queue, ..Config::at(dir.path().join("ensue.db")) }).unwrap();
    let tasks = (0..1_000).map(task);
    engine.apply(vec![TaskSet::of("s", tasks)]).unwrap();
    engine
}

fn args() -> [(&'static str, Value); 5] {
    let text = |s: &str| Value::from(s);
    [("item", text("42")), ("price", 3.5.into()), ("page", text("home")), ("n", 7.into()), ("ref", text("search"))]
}

fn now(engine: &Engine) -> Timestamp {
    let _ = engine;
    ensue_engine::Clock::now(&ensue_engine::SystemClock::new())
}

#[allow(clippy::disallowed_methods, reason = "a bench measures time")]
fn instant() -> Instant {
    Instant::now()
}

fn record(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(&dir, 2_000_000);
    let args = args();
    let ts = now(&engine);
    let event = EventRef { action_type: "type1", user_id: Some("user-1234"), args: &args, ..EventRef::default() };
    let unwanted = EventRef { scene: Some("scene2"), ts: Some(ts), ..event };
    assert_eq!(engine.record(&unwanted), Recorded::Unwanted);
    c.bench_function("record/unwanted, 1000 tasks, with ts", |b| b.iter(|| engine.record(black_box(&unwanted))));
    let stamped = EventRef { ts: None, ..unwanted };
    c.bench_function("record/unwanted, 1000 tasks, stamped", |b| b.iter(|| engine.record(black_box(&stamped))));
    let wanted = EventRef { scene: Some("scene1"), ts: Some(ts), ..event };
    assert_eq!(engine.record(&wanted), Recorded::Queued);
    c.bench_function("record/wanted, worker busy", |b| b.iter_custom(|n| busy(&engine, &wanted, n)));
    c.bench_function("record/wanted, waking", |b| {
        let rest = || engine.flush().unwrap();
        b.iter_batched(rest, |()| engine.record(black_box(&wanted)), BatchSize::PerIteration);
    });
}

/// Bursts of 10,000, between which the worker catches up; at the head of each it has enough to be busy with.
fn busy(engine: &Engine, wanted: &EventRef<'_>, n: u64) -> Duration {
    let (mut left, mut spent) = (n, Duration::ZERO);
    while left > 0 {
        let burst = left.min(10_000);
        for _ in 0..100 {
            engine.record(wanted);
        }
        let start = instant();
        for _ in 0..burst {
            black_box(engine.record(black_box(wanted)));
        }
        spent += start.elapsed();
        engine.flush().unwrap();
        left -= burst;
    }
    spent
}

criterion_group!(benches, record);
criterion_main!(benches);
