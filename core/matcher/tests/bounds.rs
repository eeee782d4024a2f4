//! No rule and no stream passes its bounds: what would grow is refused by name, dropped, or counted.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test")]

use ensue_matcher::{Arrival, Found, Limits, Observation, Position, Program, ProgramSet, Runs};
use ensue_rule::{
    AfterMatch, Attr, BinaryOp, Condition, Contiguity, Element, Event, Expr, Filter, Group, Pattern, Quantifier, Rule,
    Span, Stage, Step, Timestamp,
};

fn any_loop(name: &str) -> Element {
    let quantifier = Some(Quantifier { inner: Contiguity::Any, ..Quantifier::times(1, None) });
    Element::Stage(Stage { name: name.into(), quantifier, span: Span::default() })
}

fn optional(name: &str) -> Element {
    let quantifier = Some(Quantifier { optional: true, ..Quantifier::times(1, Some(1)) });
    Element::Stage(Stage { name: name.into(), quantifier, span: Span::default() })
}

fn step(element: Element) -> Step {
    Step { arrow: Contiguity::Any, bound: None, element, span: Span::default() }
}

fn no_skip(pattern: Pattern) -> Rule {
    Rule { after_match: AfterMatch::NoSkip { limit: None }, ..Rule::new(pattern) }
}

/// Feeds `n` events, a second apart, and returns what came out, the largest number of nodes, and what was dropped.
fn feed(rule: &Rule, limits: Limits, n: i64) -> (Vec<Found>, usize, u64) {
    let mut set = ProgramSet::new(limits);
    let id = set.add(rule, &Filter::default()).unwrap();
    let program = set.program(id).unwrap().clone();
    let (mut runs, mut seen, mut out, mut nodes) = (Runs::default(), Observation::default(), Vec::new(), 0);
    for i in 0..n {
        let position = Position { ts: Timestamp(i * 1_000), seq: i.unsigned_abs() };
        let event = Event { action_type: "x".into(), ..Event::default() };
        set.observe(&event, Arrival { position, ..Arrival::default() }, &mut seen);
        for hit in seen.hits() {
            runs.step(&program, &seen, *hit, &mut out);
        }
        nodes = nodes.max(runs.size().1);
    }
    (out, nodes, runs.size().2)
}

#[test]
fn an_exponential_set_of_matches_is_capped_and_counted() {
    let rule = no_skip(Pattern { first: any_loop("a"), then: Vec::new() });
    let limits = Limits { matches: 50, ..Limits::default() };
    let (out, _, _) = feed(&rule, limits, 100);
    let matches = out.iter().filter(|f| matches!(f, Found::Match(_))).count();
    assert!(matches <= 100 * 50);
    assert!(out.iter().any(|f| matches!(f, Found::Capped(n) if *n > 1 << 60)), "2^99 ways, saturating");
}

#[test]
fn under_skip_the_first_of_more_candidates_than_the_limit_comes_out() {
    let mut rule = Rule::new(Pattern { first: any_loop("a"), then: vec![step(Element::stage("b"))] });
    let late = Expr::binary(BinaryOp::Eq, Expr::attr("b", Attr::Ts), Expr::literal(12_000));
    rule.conditions = vec![Condition::place(late, &rule.pattern).unwrap()];
    let from = |start: u64| (start..12).collect::<Vec<_>>();
    let each = (0..12).map(from).collect::<Vec<_>>();
    for (after, expected) in [(AfterMatch::SkipPastLastEvent, vec![from(0)]), (AfterMatch::SkipToNextEvent, each)] {
        rule.after_match = after;
        let (out, _, _) = feed(&rule, Limits { matches: 50, ..Limits::default() }, 13);
        let found = out.iter().map(|f| if let Found::Match(m) = f { m.bindings[0].1.to_vec() } else { Vec::new() });
        assert_eq!(found.collect::<Vec<_>>(), expected, "4095 candidates, {:?}", rule.after_match);
    }
}

#[test]
fn the_buffer_drops_the_oldest_starts_above_its_limit() {
    let rule = no_skip(Pattern { first: any_loop("a"), then: vec![step(Element::stage("never"))] });
    let mut rule = rule;
    rule.conditions = Vec::new();
    let limits = Limits { nodes: 100, matches: 10, ..Limits::default() };
    let (_, nodes, dropped) = feed(&rule, limits, 400);
    assert!(dropped > 0);
    assert!(nodes <= 100, "{nodes}");
}

#[test]
fn ways_that_multiply_are_refused() {
    let pair = |i: usize| Element::AnyOf(vec![optional(&format!("a{i}")), optional(&format!("b{i}"))]);
    let then = (1..16).map(|i| step(pair(i))).collect();
    let error = Program::compile(&no_skip(Pattern { first: pair(0), then }), &Limits::default()).unwrap_err();
    assert!(error.is_limit(), "{error}");
}

#[test]
fn turns_that_multiply_are_refused() {
    let mut pattern = Pattern { first: Element::stage("a"), then: Vec::new() };
    for _ in 0..4 {
        let quantifier = Some(Quantifier::times(10, Some(10)));
        let group = Group { pattern, quantifier, span: Span::default() };
        pattern = Pattern { first: Element::Group(Box::new(group)), then: Vec::new() };
    }
    let error = Program::compile(&no_skip(pattern), &Limits::default()).unwrap_err();
    assert!(error.is_limit(), "{error}");
    assert!(error.to_string().contains("512 states"), "{error}");
}

#[test]
fn many_ways_to_one_match_end() {
    let inner = Group {
        pattern: Pattern { first: any_loop("a"), then: Vec::new() },
        quantifier: Some(Quantifier { inner: Contiguity::Any, ..Quantifier::times(1, None) }),
        span: Span::default(),
    };
    let rule = no_skip(Pattern { first: Element::Group(Box::new(inner)), then: Vec::new() });
    let (out, _, _) = feed(&rule, Limits { matches: 20, ..Limits::default() }, 60);
    assert!(out.iter().filter(|f| matches!(f, Found::Match(_))).count() <= 60 * 20);
}
