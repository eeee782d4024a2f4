//! Opening: a store with 100,000 retained events of 3 users under 100 tasks, a small one with 100 tasks, and a fresh one.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench")]

use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use ensue_engine::{Config, Engine, Recorded};
use ensue_rule::{
    Attr, BinaryOp, Condition, Contiguity, Element, EventRef, Expr, Pattern, Rule, Span, Step, Task, TaskSet,
    Timestamp, Value,
};

/// `a -> b` of one scene, and b reads an argument.
fn task(n: usize) -> Task {
    let step = Step { arrow: Contiguity::Relaxed, bound: None, element: Element::stage("b"), span: Span::default() };
    let mut rule = Rule::new(Pattern { first: Element::stage("a"), then: vec![step] });
    let equal = |stage, attr, value: String| Expr::binary(BinaryOp::Eq, Expr::attr(stage, attr), Expr::literal(value));
    for expr in [
        equal("a", Attr::ActionType, "pv".into()),
        equal("a", Attr::Scene, format!("scene{n}")),
        equal("b", Attr::ActionType, "leave".into()),
        equal("b", Attr::Scene, format!("scene{n}")),
        equal("b", Attr::arg("left"), "home".into()),
    ] {
        rule.conditions.push(Condition::place(expr, &rule.pattern).unwrap());
    }
    Task::of(format!("task{n}"), rule)
}

#[allow(clippy::disallowed_methods, reason = "a bench measures time")]
fn instant() -> Instant {
    Instant::now()
}

/// A store with 100 tasks and so many events within their window.
fn fill(path: &Path, events: usize) {
    let engine = Engine::open(Config::at(path).replay()).unwrap();
    let tasks = (0..100).map(task);
    engine.apply(vec![TaskSet::of("s", tasks)]).unwrap();
    let users = ["u1", "u2", "u3"];
    for i in 0..events {
        let (scene, item) = (format!("scene{}", i % 100), Value::from(format!("item{}", i % 977)));
        let event = EventRef {
            ts: Some(Timestamp(1_700_000_000_000 + i64::try_from(i).unwrap() * 500)),
            action_type: if i % 3 == 0 { "leave" } else { "pv" },
            scene: Some(&scene),
            user_id: Some(users[i / 7 % 3]),
            args: &[("item", item), ("left", "home".into())],
            ..EventRef::default()
        };
        assert_eq!(engine.record(&event), Recorded::Queued);
    }
    engine.close();
}

/// Opens so often; closing is not counted.
fn opening(path: &Path, n: u64, events: u64) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..n {
        let start = instant();
        let engine = Engine::open(Config::at(path).replay()).unwrap();
        let report = engine.ready().unwrap();
        spent += start.elapsed();
        assert_eq!((report.events, report.set_aside), (events, None));
        engine.close();
    }
    spent
}

fn restart(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fill(&path("full.db"), 100_000);
    fill(&path("small.db"), 10);
    let mut group = c.benchmark_group("restart");
    group.sample_size(10);
    let full = path("full.db");
    group.bench_function("100,000 events, 100 tasks, 3 users", |b| b.iter_custom(|n| opening(&full, n, 100_000)));
    group.bench_function("10 events, 100 tasks", |b| b.iter_custom(|n| opening(&path("small.db"), n, 10)));
    group.bench_function("a fresh file", |b| {
        b.iter_custom(|n| {
            let fresh = |i| {
                let path = path("fresh.db");
                let _ = std::fs::remove_file(&path);
                let _: u64 = i;
                opening(&path, 1, 0)
            };
            (0..n).map(fresh).sum()
        });
    });
    group.finish();
}

criterion_group!(benches, restart);
criterion_main!(benches);
