//! No rule and no stream passes its bounds: what random rules hold in memory under small limits, counted by the
//! allocator.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use ensue_matcher::{Arrival, Found, Limits, Observation, Position, ProgramSet, Runs};
use ensue_rule::{
    Attr, BinaryOp, Condition, Contiguity, Duration, Element, Event, Expr, Filter, Moment, Pattern, Return, Rule, Span,
    Step, Timestamp, Within, WithinKind,
};
use ensue_tests::generate::{self, Flavour};
use ensue_tests::random::Random;
use ensue_tests::translate;

const RULES: u64 = 120;
const EVENTS: i64 = 3_000;

/// What one key may hold, with what reading out the matches of one event takes.
const BYTES: u64 = 4_000_000;

fn small() -> Limits {
    Limits { classes: 64, nodes: 2_000, distinct: 50, matches: 50, ..Limits::default() }
}

/// A window in which all events of the stream lie, so that only the limits bound what is held.
fn long_window(mut rule: Rule) -> Rule {
    rule.within = rule.within.map(|w| Within { duration: Duration(EVENTS * 1_000), ..w });
    rule
}

/// Feeds a stream and returns how many bytes were held at most, and how much was said to be dropped or capped.
fn feed(rule: &Rule, stream: &[Event]) -> (u64, u64) {
    let mut set = ProgramSet::new(small());
    let Ok(id) = set.add(rule, &Filter::default()) else { return (0, 0) };
    let program = set.program(id).expect("it was just added").clone();
    let (mut runs, mut seen, mut out, mut capped) = (Runs::default(), Observation::default(), Vec::new(), 0);
    let held = allocation_counter::measure(|| {
        for i in 0..EVENTS {
            let event = &stream[usize::try_from(i).unwrap() % stream.len()];
            let position = Position { ts: Timestamp(i), seq: i.unsigned_abs() };
            let arrival = Arrival { position, ..Arrival::default() };
            if let Some(hit) = set.observe_for(id, event, arrival, &mut seen) {
                runs.step(&program, &seen, hit, &mut out);
            }
            capped += out.drain(..).map(|f| if let Found::Capped(n) = f { n } else { 0 }).fold(0, u64::saturating_add);
            let (classes, nodes, _) = runs.size();
            assert!(classes <= small().classes && nodes <= small().nodes, "{classes} classes, {nodes} nodes");
        }
    });
    (held.bytes_max, capped.saturating_add(runs.size().2))
}

#[test]
fn what_a_key_holds_is_bounded() {
    let (mut most, mut limited) = (0, 0);
    for seed in 0..RULES {
        let case = generate::case(&mut Random::new(0x00B0_07ED + seed), Flavour::Full);
        let rule = long_window(translate::rule(&case));
        let stream: Vec<Event> = case.events.iter().map(translate::event).collect();
        let (held, over) = feed(&rule, &stream);
        assert!(held <= BYTES, "rule {seed} held {held} bytes\n{}", serde_json::to_string(&case).unwrap());
        most = most.max(held);
        limited += u64::from(over > 0);
    }
    assert!(limited > RULES / 10, "the limits were met by {limited} rules only (at most {most} bytes held)");
}

#[test]
fn rules_that_come_and_go_leave_nothing_behind() {
    const ROUNDS: u64 = 40;
    const EACH: u64 = 30;
    let rules: Vec<Rule> = (0..ROUNDS * EACH)
        .map(|seed| translate::rule(&generate::case(&mut Random::new(0x0060_4E00 + seed % 97), Flavour::Full)))
        .collect();
    let mut set = ProgramSet::new(Limits::default());
    let mut kept = Vec::new();
    for round in rules.chunks(usize::try_from(EACH).unwrap()) {
        let net = allocation_counter::measure(|| {
            let ids: Vec<_> = round.iter().filter_map(|rule| set.add(rule, &Filter::default()).ok()).collect();
            ids.into_iter().rev().for_each(|id| set.remove(id));
        });
        assert_eq!((set.names(), set.automata()), ((0, 2), 0));
        kept.push(net.bytes_current);
    }
    // Tables keep their room, and use it again: but for the places in which small ones lie, there is no trace of 600 rules.
    let later: i64 = kept[20..].iter().sum();
    assert!(later < 1_000, "twenty rounds of {EACH} rules left {later} bytes: {kept:?}");
}

/// `a -> b` where a is an action type and b another, with this window, returning this name.
fn alike(window_ms: i64, name: &str) -> Rule {
    let step = Step { arrow: Contiguity::Relaxed, bound: None, element: Element::stage("b"), span: Span::default() };
    let mut rule = Rule::new(Pattern { first: Element::stage("a"), then: vec![step] });
    for stage in ["a", "b"] {
        let expr = Expr::binary(BinaryOp::Eq, Expr::attr(stage, Attr::ActionType), Expr::literal(stage));
        rule.conditions.push(Condition { stage: stage.into(), moment: Moment::Take, expr });
    }
    rule.within = Some(Within { duration: Duration(window_ms), kind: WithinKind::Match });
    rule.returns = vec![Return { name: name.into(), expr: Expr::attr("b", Attr::arg("x")) }];
    rule
}

#[test]
fn rules_that_differ_in_window_and_values_hold_one_automaton() {
    const RULES: i64 = 1_000;
    let rules: Vec<Rule> = (0..RULES).map(|i| alike(1_000 + i, &format!("n{i}"))).collect();
    let mut set = ProgramSet::new(Limits::default());
    let held = allocation_counter::measure(|| {
        for rule in &rules {
            set.add(rule, &Filter::default()).unwrap();
        }
    });
    assert_eq!(set.automata(), 1);
    assert!(held.bytes_current <= RULES * 2_000, "{} bytes a rule", held.bytes_current / RULES);
}
