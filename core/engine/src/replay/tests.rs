//! Lines in, items out: what stands where.

use super::*;
use ensue_rule::{
    Attr, BinaryOp, Condition, Contiguity, Duration, Element, Expr, Moment, On, Output, OutputKind, Pattern, Rule,
    Span, Step, Task, Value, Within, WithinKind,
};

/// `a -> !b WITHIN 10 S` or `a -> b WITHIN 10 S`, with a touch.
fn task(second: Element) -> Task {
    let is = |stage: &str| Condition {
        stage: stage.into(),
        moment: Moment::Take,
        expr: Expr::binary(BinaryOp::Eq, Expr::attr(stage, Attr::ActionType), Expr::literal(stage)),
    };
    let then = Step { arrow: Contiguity::Relaxed, bound: None, element: second, span: Span::default() };
    let mut rule = Rule::new(Pattern { first: Element::stage("a"), then: vec![then] });
    rule.conditions = vec![is("a"), is("b")];
    rule.within = Some(Within { duration: Duration(10_000), kind: WithinKind::Match });
    let kind = OutputKind::Touch { touch: "popup".into(), payload: Value::Null };
    Task { outputs: vec![Output { on: On::Match, when: None, kind }], ..Task::of("t", rule) }
}

fn set(version: Option<i64>, task: Task) -> TaskSet {
    TaskSet { version, ..TaskSet::of("s", [task]) }
}

fn replay(second: Element) -> Replay {
    let (mut replay, _) = Replay::open(Config::in_memory()).unwrap();
    let reports = replay.apply(vec![set(Some(2), task(second))]).unwrap();
    assert_eq!(reports.len(), 1);
    replay
}

/// `rejected 1`, `match 3 {"a":[2],"b":[3]}` and so on.
fn shown(items: &[Item]) -> Vec<String> {
    let show = |item: &Item| match item {
        Item::Rejected(r) => format!("rejected {}", r.line),
        Item::Outcome(Outcome::Match(m)) => {
            format!("match {:?} {}", m.line, serde_json::to_string(&m.bindings).unwrap())
        }
        Item::Outcome(o) => format!("{} {:?}", serde_json::to_value(o).unwrap()["kind"].as_str().unwrap(), line_of(o)),
        Item::Report(_) | Item::Summary(_) => "?".to_owned(),
    };
    items.iter().map(show).collect()
}

#[test]
fn items_come_by_line() {
    let mut replay = replay(Element::stage("b"));
    let lines = ["{", r#"{"ts":1,"actionType":"a"}"#, " \t", r#"{"ts":2,"actionType":"b","id":"x"}"#, "[]"];
    lines.iter().for_each(|line| replay.line(line.as_bytes()));
    let items = replay.settle().unwrap();
    let expected = ["rejected 1", r#"match Some(4) {"a":[2],"b":["x"]}"#, "decision Some(4)", "rejected 5"];
    assert_eq!(shown(&items), expected);
    assert_eq!(replay.settle().unwrap(), [], "each once");
    let summary = replay.finish().unwrap();
    assert_eq!((summary.events, summary.rejected, summary.matches, summary.decisions), (2, 2, 1, 1));
    assert_eq!(summary.bytes_in, lines.iter().map(|line| line.len() as u64).sum::<u64>());
}

#[test]
fn time_moves_only_where_it_is_told() {
    let mut replay = replay(Element::not("b"));
    replay.line(br#"{"ts":1000,"actionType":"a"}"#);
    assert_eq!(replay.advance_to(Timestamp(10_999)).unwrap(), []);
    let items = replay.drain().unwrap();
    assert_eq!(shown(&items), [r#"match None {"a":[1]}"#, "decision None"]);
    assert_eq!(replay.drain().unwrap(), [], "no timer is left");
}

#[test]
fn what_is_not_acknowledged_is_left_over() {
    let mut replay = replay(Element::stage("b"));
    replay.line(br#"{"ts":1,"actionType":"a"}"#);
    replay.line(br#"{"ts":2,"actionType":"b"}"#);
    let items = replay.settle().unwrap();
    assert_eq!(shown(&replay.left_over().unwrap()), ["decision None"]);
    replay.acknowledge(&items).unwrap();
    assert_eq!(replay.left_over().unwrap(), []);
}

#[test]
fn a_set_that_goes_back_is_one_report() {
    let mut replay = replay(Element::stage("b"));
    let reports = replay.apply(vec![set(Some(1), task(Element::stage("b")))]).unwrap();
    assert_eq!((reports.len(), reports[0].is_refusal(), reports[0].task.as_deref()), (1, true, None));
    let json = serde_json::to_value(Item::Report(reports[0].clone())).unwrap();
    assert_eq!((&json["kind"], &json["status"], &json["source"]), (&"report".into(), &"refused".into(), &"s".into()));
    assert!(json["message"].is_string() && json["code"].is_string(), "{json}");
}
