//! W1, W2 and W3 on the matcher alone, from records whose content has been observed before: what a step costs.
//!
//! The streams are those of the published generator (splitmix64 from state 1, four draws an event), so the counts are
//! known exactly; a wrong count ends the bench.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a bench"
)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ensue_matcher::{Arrival, Found, Limits, Observation, Position, ProgramSet, Runs};
use ensue_rule::{
    AfterMatch, AggFn, Attr, BinaryOp, Condition, Contiguity, Duration, Element, Event, Expr, ExprKind, Filter, Moment,
    Pattern, Quantifier, Return, Rule, Scope, Span, Stage, Step, Timestamp, Value, Within, WithinKind,
};

// The streams of the peers are defined in one place, that of `ensue bench`.
#[path = "../../../cli/src/bench/streams.rs"]
mod streams;

use streams::{KINDS, Record, kleene, uniform};

const EVENTS: usize = 1_000_000;

fn event(kind: u8, v: u32) -> Event {
    let action_type: Arc<str> = KINDS[usize::from(kind)].into();
    Event { action_type, args: [("v".into(), Value::Int(v.into()))].into(), ..Event::default() }
}

fn step(arrow: Contiguity, element: Element) -> Step {
    Step { arrow, bound: None, element, span: Span::default() }
}

fn is(stage: &str, attr: Attr, value: impl Into<Value>) -> Condition {
    let expr = Expr::binary(BinaryOp::Eq, Expr::attr(stage, attr), Expr::literal(value.into()));
    Condition { stage: stage.into(), moment: Moment::Take, expr }
}

fn within(ms: i64) -> Within {
    Within { duration: Duration(ms), kind: WithinKind::Match }
}

fn abc(arrow: Contiguity) -> Rule {
    let then = vec![step(arrow, Element::stage("b")), step(arrow, Element::stage("c"))];
    let mut rule = Rule::new(Pattern { first: Element::stage("a"), then });
    rule.conditions = ["a", "b", "c"].iter().map(|s| is(s, Attr::ActionType, s.to_uppercase())).collect();
    rule.within = Some(within(10_000));
    rule.after_match = AfterMatch::NoSkip { limit: None };
    rule
}

/// A ->> B+ ANY ->> C within 100.
fn w2(trends: bool) -> Rule {
    let any = Quantifier { inner: Contiguity::Any, ..Quantifier::times(1, None) };
    let b = Element::Stage(Stage { name: "b".into(), quantifier: Some(any), span: Span::default() });
    let mut rule = abc(Contiguity::Any);
    rule.pattern.then[0].element = b;
    rule.within = Some(within(100));
    rule.after_match = AfterMatch::NoSkip { limit: None };
    if trends {
        let (func, scope) = (AggFn::Count, Scope::Trends);
        let expr = ExprKind::Aggregate { func, scope, distinct: false, stage: None, attr: None }.into();
        rule.returns = vec![Return { name: "n".into(), expr }];
    }
    rule
}

fn w3(i: u32) -> Rule {
    let mut rule = abc(Contiguity::Relaxed);
    rule.pattern.then.truncate(1);
    rule.conditions.truncate(2);
    rule.conditions.extend([is("a", Attr::arg("v"), i64::from(i)), is("b", Attr::arg("v"), i64::from(i))]);
    rule
}

fn arrival(ts: i64, seq: usize) -> Arrival {
    Arrival { position: Position { ts: Timestamp(ts), seq: seq as u64 }, ..Arrival::default() }
}

/// One program, keyed by user (or one key); what was found as `count` reads it.
fn one(rule: &Rule, records: &[Record], keys: usize, count: fn(&Found) -> i64) -> i64 {
    // W2 walks one match for each completing event, and no event of W1 completes more than a few.
    let matches = if keys == 1 { 1 } else { Limits::default().matches };
    let mut set = ProgramSet::new(Limits { matches, ..Limits::default() });
    let id = set.add(rule, &Filter::default()).expect("the rule compiles");
    let program = set.program(id).expect("it was just added").clone();
    let mut seen: Vec<Observation> = (0..10)
        .map(|kind| {
            let mut o = Observation::default();
            set.observe(&event(kind, 0), Arrival::default(), &mut o);
            o
        })
        .collect();
    let mut runs: Vec<Runs> = (0..keys).map(|_| Runs::default()).collect();
    let (mut out, mut total) = (Vec::new(), 0);
    for (i, r) in records.iter().enumerate() {
        let o = &mut seen[usize::from(r.kind)];
        let Some(hit) = o.hits().first().copied() else { continue };
        o.set_arrival(arrival(r.ts, i));
        runs[r.user as usize % keys].step(&program, o, hit, &mut out);
        total += out.drain(..).map(|f| count(&f)).sum::<i64>();
    }
    total
}

/// Many programs, one key.
fn many(rules: u32, records: &[Record]) -> i64 {
    let mut set = ProgramSet::new(Limits::default());
    for i in 0..rules {
        set.add(&w3(i), &Filter::default()).expect("the rule compiles");
    }
    let mut runs: Vec<Runs> = (0..rules).map(|_| Runs::default()).collect();
    let (mut out, mut total, mut o) = (Vec::new(), 0, Observation::default());
    let mut row = event(0, 0);
    let names: Vec<Arc<str>> = (0..10).map(|k| event(k, 0).action_type).collect();
    for (i, r) in records.iter().enumerate() {
        row.action_type = names[usize::from(r.kind)].clone();
        if let Some(v) = row.args.values_mut().next() {
            *v = Value::Int(r.v.into());
        }
        set.observe(&row, arrival(r.ts, i), &mut o);
        for hit in o.hits() {
            let program = set.program(hit.program).expect("it was hit");
            runs[hit.program.0 as usize].step(program, &o, *hit, &mut out);
        }
        total += out.drain(..).map(|f| matched(&f)).sum::<i64>();
    }
    total
}

fn matched(f: &Found) -> i64 {
    i64::from(matches!(f, Found::Match(_)))
}

fn trend(f: &Found) -> i64 {
    match f {
        Found::Match(m) => match m.values.first() {
            Some((_, Value::Int(n))) => *n,
            _ => 0,
        },
        _ => 0,
    }
}

fn workloads(c: &mut Criterion) {
    let mut group = c.benchmark_group("streams");
    group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(10);
    let records = uniform(1000, EVENTS);
    assert_eq!(one(&abc(Contiguity::Relaxed), &records, 1000, matched), 26_338, "w1");
    assert_eq!(one(&abc(Contiguity::Any), &records, 1000, matched), 49_997, "w1any");
    group.bench_function("w1", |b| b.iter(|| one(&abc(Contiguity::Relaxed), black_box(&records), 1000, matched)));
    group.bench_function("w1any", |b| b.iter(|| one(&abc(Contiguity::Any), black_box(&records), 1000, matched)));
    for (k, count, ends) in
        [(5, 975_060, 15_537), (10, 44_917_047, 16_618), (15, 2_305_733_212, 16_878), (25, 3_029_586_120_039, 17_073)]
    {
        let records = kleene(k, EVENTS);
        assert_eq!(one(&w2(true), &records, 1, trend), count, "w2 trends k = {k}");
        assert_eq!(one(&w2(false), &records, 1, matched), ends, "w2 graph k = {k}");
        group.bench_with_input(BenchmarkId::new("w2_trends", k), &records, |b, r| {
            b.iter(|| one(&w2(true), r, 1, trend));
        });
        group.bench_with_input(BenchmarkId::new("w2_graph", k), &records, |b, r| {
            b.iter(|| one(&w2(false), r, 1, matched));
        });
    }
    for (rules, count) in [(1, 44), (100, 6_091), (1000, 62_942)] {
        assert_eq!(many(rules, &records), count, "w3 {rules} rules");
        group.bench_with_input(BenchmarkId::new("w3", rules), &rules, |b, n| b.iter(|| many(*n, black_box(&records))));
    }
    group.finish();
}

criterion_group!(benches, workloads);
criterion_main!(benches);
