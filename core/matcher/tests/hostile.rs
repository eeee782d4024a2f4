//! Rules that would be dear to an engine that asks each: what they say is found, what is over a limit is refused by name,
//! and nothing of them is left behind.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use ensue_matcher::{Arrival, Limits, Observation, ProgramId, ProgramSet};
use ensue_rule::{
    Attr, BinaryOp, Condition, Element, EntryTest, Event, Expr, ExprKind, Filter, FilterEntry, Moment, Pattern, Rule,
    Value,
};

fn attr(name: &str) -> Expr {
    Expr::attr("a", Attr::arg(name))
}

fn compare(op: BinaryOp, name: &str, value: impl Into<Value>) -> Expr {
    Expr::binary(op, attr(name), Expr::literal(value.into()))
}

fn is_pv() -> Expr {
    Expr::binary(BinaryOp::Eq, Expr::attr("a", Attr::ActionType), Expr::literal("pv"))
}

/// One stage with these conjuncts.
fn rule(conjuncts: impl IntoIterator<Item = Expr>) -> Rule {
    let mut rule = Rule::new(Pattern { first: Element::stage("a"), then: Vec::new() });
    let condition = |expr| Condition { stage: "a".into(), moment: Moment::Take, expr };
    rule.conditions = conjuncts.into_iter().map(condition).collect();
    rule
}

fn set(rules: impl IntoIterator<Item = Rule>) -> ProgramSet {
    let mut set = ProgramSet::new(Limits::default());
    for rule in rules {
        set.add(&rule, &Filter::default()).unwrap();
    }
    set
}

fn pv(args: impl IntoIterator<Item = (String, Value)>) -> Event {
    let args = args.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Event { action_type: "pv".into(), args, ..Event::default() }
}

fn hits(set: &ProgramSet, event: &Event) -> Vec<u32> {
    let mut seen = Observation::default();
    set.observe(event, Arrival::default(), &mut seen);
    seen.hits().iter().map(|h| h.program.0).collect()
}

/// Takes all programs out: nothing is left.
fn clear(mut set: ProgramSet, programs: u32) {
    (0..programs).for_each(|id| set.remove(ProgramId(id)));
    assert_eq!(set.names(), (0, 2));
    assert!(hits(&set, &pv([])).is_empty());
}

#[test]
fn ten_thousand_rules_that_all_hit() {
    let set = set((0..10_000).map(|_| rule([is_pv()])));
    assert_eq!(set.names(), (1, 2), "all say the same");
    assert_eq!(hits(&set, &pv([])), (0..10_000).collect::<Vec<_>>());
    clear(set, 10_000);
}

#[test]
fn conditions_on_ten_thousand_attributes() {
    let name = |i: u32| format!("x{i}");
    let condition = |i: u32| match i % 4 {
        0 => compare(BinaryOp::Eq, &name(i), 1),
        1 => compare(BinaryOp::Gt, &name(i), 0),
        2 => compare(BinaryOp::Ne, &name(i), 2),
        _ => ExprKind::Like(Box::new(attr(&name(i))), "on%".into()).into(),
    };
    let set = set((0..10_000).map(|i| rule([is_pv(), condition(i)])));
    for i in [0, 1, 2, 3, 9_998] {
        let value = if i % 4 == 3 { Value::from("one") } else { 1.into() };
        assert_eq!(hits(&set, &pv([(name(i), value)])), [i]);
        assert!(hits(&set, &pv([(name(i), Value::Null)])).is_empty());
    }
    clear(set, 10_000);
}

#[test]
fn ten_thousand_thresholds_of_one_attribute() {
    let set = set((0..10_000).map(|i| rule([is_pv(), compare(BinaryOp::Gt, "price", i)])));
    assert_eq!(set.automata(), 1, "they differ in what the index knows only");
    assert_eq!(hits(&set, &pv([("price".into(), Value::Float(2.5))])), [0, 1, 2]);
    for not_a_number in [Value::from("9"), true.into(), f64::NAN.into()] {
        assert!(hits(&set, &pv([("price".into(), not_a_number)])).is_empty());
    }
    clear(set, 10_000);
}

#[test]
fn a_rule_of_a_thousand_conjuncts() {
    let set = set([rule((0..1_000).map(|i| compare(BinaryOp::Ge, &format!("x{i}"), i)))]);
    let all = |n: i32| pv((0..n).map(|i| (format!("x{i}"), Value::Int(i.into()))));
    assert_eq!(hits(&set, &all(1_000)), [0]);
    assert!(hits(&set, &all(999)).is_empty());
    clear(set, 1);
}

#[test]
fn lists_of_a_hundred_thousand_values() {
    let list: Vec<Expr> = (0..100_000).map(|i| Expr::literal(format!("item{i}"))).collect();
    let is_in = || ExprKind::In(Box::new(attr("item")), list.clone()).into();
    let set = set((0..3).map(|_| rule([is_pv(), is_in()])));
    assert_eq!(set.names(), (100_001, 3), "the list is there once");
    for (item, found) in [("item99999", 3), ("item100000", 0)] {
        assert_eq!(hits(&set, &pv([("item".into(), item.into())])).len(), found);
    }
    clear(set, 3);
}

#[test]
fn filters_that_multiply_are_refused_and_leave_nothing() {
    let mut set = ProgramSet::new(Limits::default());
    let entry = |i: i32| FilterEntry {
        alias: None,
        tests: vec![EntryTest { attr: Attr::arg("shop"), values: vec![i.into()] }],
    };
    let filter = |n| Filter { entries: (0..n).map(entry).collect() };
    let error = set.add(&rule([is_pv()]), &filter(5_000)).unwrap_err();
    assert!(error.is_limit() && error.to_string().contains("4096 combinations"), "{error}");
    assert_eq!(set.names(), (0, 2));
    set.add(&rule([is_pv()]), &filter(2_000)).unwrap();
    assert_eq!(hits(&set, &pv([("shop".into(), 1_999.0.into())])), [0]);
    clear(set, 1);
}

#[test]
fn like_does_not_backtrack_and_is_asked_once() {
    let like = || ExprKind::Like(Box::new(attr("text")), "%a".repeat(200).into()).into();
    let set = set((0..1_000).map(|_| rule([like()])));
    let text = "a".repeat(50_000) + "b";
    assert!(hits(&set, &pv([("text".into(), text.into())])).is_empty());
    clear(set, 1_000);
}

#[test]
fn an_attribute_that_changes_its_type_is_found_by_each() {
    let values = [Value::Int(1), true.into(), "1".into(), 1.5.into()];
    let set = set(values.clone().map(|v| rule([compare(BinaryOp::Eq, "x", v)])));
    for (i, value) in (0..).zip(values) {
        assert_eq!(hits(&set, &pv([("x".into(), value)])), [i]);
    }
    assert_eq!(hits(&set, &pv([("x".into(), 1.0.into())])), [0]);
    let list = Value::List([1.into()].into());
    assert!(hits(&set, &pv([("x".into(), list)])).is_empty());
    clear(set, 4);
}
