//! What a match costs from its event to its decision, without any control, and through a hundred of them: 62 caps of the
//! task and 30 over all touches, by spans, calendar units, session and showing, and one of each other kind. All let it pass,
//! so that all are asked, and the user has a thousand past decisions (33 minutes apart, caps of 1,000).
//!
//! A store in memory; the difference of the two is what the controls cost.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "a bench")]

use std::time::{Duration as Span, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use ensue_engine::{Config, Engine};
use ensue_rule::{
    Attr, Backoff, BinaryOp, Cap, Condition, Counted, Duration, Element, EventRef, Expr, On, Output, OutputKind,
    Pattern, Per, Policy, QuietHours, Rollout, Rule, Share, Task, TaskSet, Timestamp, TouchPolicy, Value,
};

/// A Monday noon.
const BEGIN: i64 = 1_709_553_600_000;

/// Decisions before the first that is measured: as many as are remembered.
const PAST: i64 = 1_024;

/// Caps that are never full, of every kind.
fn caps(n: u32) -> Vec<Cap> {
    let units = [Per::Minute, Per::Hour, Per::Day, Per::Week, Per::Session];
    let cap = |i: u32| {
        let span = Per::Span(Duration(i64::from(i + 1) * Duration::MINUTE.0));
        let per = if i.is_multiple_of(2) { span } else { units[i as usize / 2 % units.len()] };
        let count = if i % 10 == 9 { Counted::Shown } else { Counted::Decided };
        Cap { count, ..Cap::of(1_000, per) }
    };
    (0..n).map(cap).collect()
}

fn hundred() -> (Policy, Vec<TouchPolicy>) {
    let never = Duration(1);
    let night = vec![QuietHours { from: 0, to: 1 }];
    let policy = Policy {
        caps: caps(62),
        cooldown: Some(never),
        ttl: Some(Duration::HOUR),
        exclusive: Some("group".into()),
        quiet: night.clone(),
        holdout: Share(1),
        backoff: vec![
            Backoff::Dismissed { times: 3, wait: never },
            Backoff::ClickRate { floor: Share(1), trials: 20, wait: never },
        ],
        rollout: Rollout { share: Some(Share::ALL), ..Rollout::default() },
        ..Policy::default()
    };
    (policy, vec![TouchPolicy { caps: caps(30), min_gap: Some(never), quiet: night, one_per_moment: true }])
}

fn engine((policy, policies): (Policy, Vec<TouchPolicy>)) -> Engine {
    let mut rule = Rule::new(Pattern { first: Element::stage("a"), then: Vec::new() });
    let is_go = Expr::binary(BinaryOp::Eq, Expr::attr("a", Attr::ActionType), Expr::literal("go"));
    rule.conditions.push(Condition::place(is_go, &rule.pattern).unwrap());
    let touch = OutputKind::Touch { touch: "popup".into(), payload: Value::Null };
    let task =
        Task { outputs: vec![Output { on: On::Match, when: None, kind: touch }], policy, ..Task::of("task", rule) };
    let set = TaskSet { policies, ..TaskSet::of("s", [task]) };
    let engine = Engine::open(Config::in_memory().replay()).unwrap();
    engine.apply(vec![set]).unwrap();
    engine
}

/// Records `n` events, each a match and in a session of its own, and waits until they are decided.
fn decide(engine: &Engine, at: &mut i64, n: u64) -> Span {
    let begin = Instant::now();
    for _ in 0..n {
        *at += 2_000_000;
        let ts = Some(Timestamp(*at));
        engine.record(&EventRef { ts, action_type: "go", user_id: Some("user"), ..EventRef::default() });
    }
    engine.flush().unwrap();
    begin.elapsed()
}

fn bench(c: &mut Criterion) {
    for (name, policies) in [("none", Default::default()), ("hundred", hundred())] {
        let (engine, mut at) = (engine(policies), BEGIN);
        decide(&engine, &mut at, PAST.unsigned_abs());
        let before = engine.stats().decisions;
        c.bench_function(&format!("controls/{name}"), |b| b.iter_custom(|n| decide(&engine, &mut at, n)));
        let stats = engine.stats();
        // At midnight a quiet minute passes by; all else goes out. Of 216 times one is midnight.
        assert!(stats.decisions > before && stats.refusals * 100 < stats.decisions, "{stats:?}");
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
