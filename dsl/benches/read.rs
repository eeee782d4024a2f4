//! What reading rules costs: `cargo bench -p ensue-dsl`. The aim: a rule of 300 characters from text in 30 us, 1,000 rules in
//! 50 ms, nothing of 64 KB more than 50 ms.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ensue_dsl::{ReadOptions, check, compile, format, read_documents};
use ensue_rule::Dialect;

/// 300 characters.
const RULE: &str = "EVENT: v{3,} -> !s -> l
WHERE v.actionType = 'pv' AND v.scene = 'item_detail' AND s.actionType = 'favourite'
  AND l.actionType = 'leave' AND l.scene IN ('home', 'search') AND l.args.item = v.args.item
WITHIN 10 MIN
PARTITION BY args.city
RETURN COUNT(v) AS views, LAST(v.args.item) AS item, SUM(v.args.p) AS p";

/// A rule of its own for each number.
fn rule(n: usize) -> String {
    let mut text = RULE.replace("item_detail", &format!("scene{}", n % 97)).replace("3,", &format!("{},", 2 + n % 5));
    let _ = write!(text, ", FIRST(v.args.x{n}) AS x");
    text
}

fn texts(c: &mut Criterion) {
    assert!((290..=330).contains(&RULE.len()), "{}", RULE.len());
    c.bench_function("compile a rule of 300 characters", |b| b.iter(|| compile(black_box(RULE), Dialect::Ensue)));
    c.bench_function("check a rule of 300 characters, lint and all", |b| {
        b.iter(|| check(black_box(RULE), Dialect::Ensue, None));
    });
    let compiled = compile(RULE, Dialect::Ensue).rule;
    c.bench_function("format a rule of 300 characters", |b| b.iter(|| compiled.as_ref().map(|r| format(black_box(r)))));
    let rules: Vec<String> = (0..1_000).map(rule).collect();
    c.bench_function("compile 1,000 rules", |b| {
        b.iter(|| rules.iter().filter(|text| compile(black_box(text), Dialect::Ensue).rule.is_some()).count());
    });
    let tasks: Vec<_> =
        rules.iter().enumerate().map(|(n, r)| serde_json::json!({"id": n.to_string(), "rule": r})).collect();
    let document = serde_json::json!({"taskArray": tasks}).to_string();
    c.bench_function("read a document of 1,000 tasks", |b| {
        b.iter(|| read_documents(black_box(document.as_bytes()), &ReadOptions::default()).map(|sets| sets.len()));
    });
}

/// As long as a text may be, and unpleasant.
fn longest(c: &mut Criterion) {
    let full = |head: &str, unit: &str| format!("{head}{}", unit.repeat((64 * 1024 - head.len()) / unit.len()));
    let distinct: Vec<_> = (0..2_500).map(|n| format!("a.args.x{n} = {n}")).collect();
    let texts = [
        ("distinct conditions", format!("EVENT: a WHERE {}", distinct.join(" AND "))),
        ("a chain of stages", full("EVENT: a0", " -> a")),
        ("conditions on nothing", full("EVENT: a WHERE b.x", " AND b.x")),
        ("sound conditions", full("EVENT: a WHERE a.args.x = 1", " AND a.args.x = 1")),
        ("open parentheses", full("EVENT: a WHERE ", "(")),
        ("unknown functions", full("EVENT: a WHERE a.ts = 1", " + F(1)")),
        ("clauses", full("", "WHERE ")),
        ("bad characters", full("", "\u{202e}a")),
        ("texts without end", full("", "'")),
    ];
    let mut group = c.benchmark_group("64 KB");
    group.sample_size(20);
    for (name, text) in &texts {
        group.bench_function(*name, |b| b.iter(|| check(black_box(text), Dialect::Ensue, None).diagnostics.len()));
    }
    group.finish();
}

criterion_group!(benches, texts, longest);
criterion_main!(benches);
