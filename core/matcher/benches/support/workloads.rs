//! The rules and hosts of the benches: W1 to W3 on the matcher alone, from interned records.

use std::sync::Arc;

use ensue_matcher::{
    Armed, Arrival, Found, Hit, Interned, Limits, Observation, Position, Program, ProgramId, ProgramSet, Runs,
};
use ensue_rule::{
    AfterMatch, AggFn, Attr, BinaryOp, Condition, Contiguity, Duration, Element, Event, Expr, ExprKind, Filter, Moment,
    Pattern, Quantifier, Return, Rule, Scope, Span, Stage, Step, Timestamp, Value, Within, WithinKind,
};

// The streams of the peers are defined in one place, that of `ensue bench`.
#[path = "../../../../cli/src/bench/streams.rs"]
pub(crate) mod streams;

use streams::{KINDS, Record};

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

pub(crate) fn abc(arrow: Contiguity) -> Rule {
    let then = vec![step(arrow, Element::stage("b")), step(arrow, Element::stage("c"))];
    let mut rule = Rule::new(Pattern { first: Element::stage("a"), then });
    rule.conditions = ["a", "b", "c"].iter().map(|s| is(s, Attr::ActionType, s.to_uppercase())).collect();
    rule.within = Some(within(10_000));
    rule.after_match = AfterMatch::NoSkip { limit: None };
    rule
}

/// A ->> B+ ANY ->> C within 100.
pub(crate) fn w2(trends: bool) -> Rule {
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

pub(crate) fn w3(i: u32) -> Rule {
    let mut rule = abc(Contiguity::Relaxed);
    rule.pattern.then.truncate(1);
    rule.conditions.truncate(2);
    rule.conditions.extend([is("a", Attr::arg("v"), i64::from(i)), is("b", Attr::arg("v"), i64::from(i))]);
    rule
}

/// Programs of these rules.
pub(crate) fn programs(rules: impl IntoIterator<Item = Rule>, limits: Limits) -> ProgramSet {
    let mut set = ProgramSet::new(limits);
    for rule in rules {
        set.add(&rule, &Filter::default()).expect("the rule compiles");
    }
    set
}

/// Limits under which one match is let out for each event that completes any.
pub(crate) fn one_match() -> Limits {
    Limits { matches: 1, ..Limits::default() }
}

/// One stream: the runs of all programs.
#[derive(Default)]
struct Key {
    runs: Vec<Runs>,
    armed: Armed,
}

impl Key {
    fn new(programs: usize) -> Self {
        Self { runs: (0..programs).map(|_| Runs::default()).collect(), armed: Armed::default() }
    }

    fn step(&mut self, program: &Program, seen: &Observation, hit: Hit, out: &mut Vec<Found>) {
        let runs = &mut self.runs[hit.program.0 as usize];
        let before = runs.is_idle();
        runs.step(program, seen, hit, out);
        match (before, runs.is_idle()) {
            (true, false) => self.armed.add(hit.program),
            (false, true) => self.armed.remove(hit.program),
            _ => {}
        }
    }
}

/// Feeds interned records; `users`: how many streams there are, by user. What was found, as `count` reads it.
pub(crate) fn feed(set: &ProgramSet, records: &[Record], users: usize, count: fn(&Found) -> i64) -> i64 {
    let names = KINDS.map(|kind| (set.symbol(kind), Value::from(kind)));
    let kinds = names.each_ref().map(|(symbol, text)| symbol.map_or(Interned::Unnamed(text), Interned::Symbol));
    let attributes = [set.attribute(&Attr::ActionType), set.attribute(&Attr::arg("v"))];
    let mut row: Vec<_> = attributes.into_iter().flatten().map(|a| (a, Interned::Int(0))).collect();
    let programs: Vec<Arc<Program>> = (0..).map_while(|id| set.program(ProgramId(id))).cloned().collect();
    let mut keys: Vec<Key> = (0..users).map(|_| Key::new(programs.len())).collect();
    let (mut seen, mut out, mut found) = (Observation::default(), Vec::new(), 0);
    for (i, r) in records.iter().enumerate() {
        // Every rule reads the action type, and those of W3 `v`.
        row[0].1 = kinds[usize::from(r.kind)];
        if let Some((_, v)) = row.get_mut(1) {
            *v = Interned::Int(r.v.into());
        }
        if !set.read_interned(&row, &mut seen) {
            continue;
        }
        let key = &mut keys[r.user as usize % users];
        set.look_up(arrival(r.ts, i), Some(&key.armed), &mut seen);
        if seen.hits().is_empty() {
            continue;
        }
        for hit in seen.hits() {
            key.step(&programs[hit.program.0 as usize], &seen, *hit, &mut out);
        }
        if !out.is_empty() {
            found += out.drain(..).map(|f| count(&f)).sum::<i64>();
        }
    }
    found
}

/// Reads and looks up the first `n` of these as owned events, and steps nothing.
#[allow(dead_code, reason = "of one of the benches")]
pub(crate) fn observe(set: &ProgramSet, records: &[Record], n: usize) -> usize {
    let event = |r: &Record| Event {
        action_type: KINDS[usize::from(r.kind)].into(),
        args: [("v".into(), Value::Int(r.v.into())), ("p".into(), Value::Int(r.p.into()))].into(),
        ..Event::default()
    };
    let events: Vec<Event> = records.iter().map(event).collect();
    let mut seen = Observation::default();
    let hits = |(i, e): (usize, &Event)| {
        set.observe(e, arrival(0, i), &mut seen);
        seen.hits().len()
    };
    events.iter().enumerate().take(n).map(hits).sum()
}

fn arrival(ts: i64, seq: usize) -> Arrival {
    Arrival { position: Position { ts: Timestamp(ts), seq: seq as u64 }, ..Arrival::default() }
}

pub(crate) fn matched(f: &Found) -> i64 {
    i64::from(matches!(f, Found::Match(_)))
}

pub(crate) fn trend(f: &Found) -> i64 {
    match f {
        Found::Match(m) => match m.values.first() {
            Some((_, Value::Int(n))) => *n,
            _ => 0,
        },
        _ => 0,
    }
}
