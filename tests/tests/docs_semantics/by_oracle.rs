//! What the brute-force oracle says.

use std::collections::BTreeMap;

use ensue_rule::{AfterMatch, AggFn, Duration, ExprKind, Func, Return, Rule, Timestamp, Value, Within, WithinKind};
use ensue_tests::answer::Given;
use ensue_tests::case::Bindings;
use ensue_tests::oracle::{self, Seen};

use crate::example::{Example, Subject};
use crate::show::{Shown, are_trends, without_values};

/// Whether the oracle knows all functions of the conditions.
pub(crate) fn covers(subject: &Subject<'_>) -> bool {
    let quantifiers = subject.rule.pattern.quantifiers();
    let untils = quantifiers.iter().filter_map(|q| q.until.as_ref());
    let mut known = true;
    for expr in subject.rule.conditions.iter().map(|c| &c.expr).chain(untils) {
        expr.walk(|e| {
            known &= match &e.kind {
                ExprKind::Call { func, .. } => {
                    matches!(func, Func::Lower | Func::Length | Func::Abs | Func::Coalesce)
                }
                ExprKind::Matches(..) => false,
                _ => true,
            };
        });
    }
    known
}

/// The answer, if the oracle covers the example.
pub(crate) fn answer(subject: &Subject<'_>) -> Option<Vec<String>> {
    if !covers(subject) {
        return None;
    }
    let seen = |(id, e): (u64, &crate::example::Happened)| Seen {
        id,
        ts: Timestamp(e.ts),
        session: e.session,
        event: e.event.clone(),
    };
    let events: Vec<Seen> = (0..).zip(&subject.events).map(seen).collect();
    let mut rule = subject.rule.clone();
    rule.within.get_or_insert(Within { duration: Duration::DAY, kind: WithinKind::Match });
    if let AfterMatch::NoSkip { limit } = &mut rule.after_match {
        // What is capped is counted here, so the oracle gives all.
        *limit = None;
    }
    let answer = oracle::answer(&rule, &events, subject.advance_to(), oracle::MANY).expect("a short stream");
    if answer.error.is_some() {
        return Some(vec!["error".into()]);
    }
    let mut out: Vec<String> = answer.timeouts.iter().map(|g| shown(subject, "timeout", g, Vec::new())).collect();
    out.extend(matches(subject, &answer.matches));
    Some(out)
}

/// What the page says, without the values that the oracle does not compute.
pub(crate) fn expected(example: &Example) -> Vec<String> {
    let trends =
        ensue_dsl::compile(&example.rule, ensue_rule::Dialect::Ensue).rule.is_some_and(|r| are_trends(&r.returns));
    let line = |line: &String| if trends { line.clone() } else { without_values(line) };
    example.expected.iter().map(line).collect()
}

fn matches(subject: &Subject<'_>, all: &[Given]) -> Vec<String> {
    let mut by_step: BTreeMap<(i64, i64), Vec<&Given>> = BTreeMap::new();
    all.iter().for_each(|g| by_step.entry((g.step, g.at)).or_default().push(g));
    if are_trends(&subject.rule.returns) {
        return by_step.values().map(|list| row(subject, list)).collect();
    }
    let (mut out, limit) = (Vec::new(), limit(&subject.rule));
    for list in by_step.values() {
        out.extend(list.iter().take(limit).map(|g| shown(subject, "match", g, Vec::new())));
        if list.len() > limit {
            out.push(format!("capped: {}", list.len() - limit));
        }
    }
    out
}

fn limit(rule: &Rule) -> usize {
    match rule.after_match {
        AfterMatch::NoSkip { limit: Some(n) } => usize::try_from(n).expect("a small limit"),
        _ => usize::MAX,
    }
}

/// What TRENDS say of the matches of one step.
fn row(subject: &Subject<'_>, list: &[&Given]) -> String {
    let values = subject.rule.returns.iter().map(|r| (&*r.name, trend(subject, r, list))).collect();
    let (at, by_time) = (Timestamp(list[0].at), list[0].step % 2 != 0);
    Shown { what: "match", bindings: Vec::new(), at, by_time, step: Some(list[0].step), values }.line(subject)
}

fn trend(subject: &Subject<'_>, r: &Return, list: &[&Given]) -> Value {
    let ExprKind::Aggregate { func, stage, attr, .. } = &r.expr.kind else {
        panic!("an example too deep for this test")
    };
    let Some(stage) = stage else { return count(list.len()) };
    let bound = list.iter().filter_map(|g| g.bindings.get(&**stage)).flatten();
    let events: Vec<_> = bound.map(|id| &subject.events[usize::try_from(*id).expect("few events")].event).collect();
    let Some(ensue_rule::Attr::Arg(path)) = attr else { return count(events.len()) };
    let values = events.iter().filter_map(|e| e.args.get(&path[0]));
    if *func == AggFn::Count {
        return count(values.count());
    }
    // A sum over text is null; the examples have no other numbers.
    let whole = values.map(|v| if let Value::Int(i) = v { Some(*i) } else { None });
    whole.sum::<Option<i64>>().map_or(Value::Null, Value::Int)
}

fn count(n: usize) -> Value {
    Value::Int(i64::try_from(n).expect("few events"))
}

fn shown(subject: &Subject<'_>, what: &'static str, given: &Given, values: Vec<(&str, Value)>) -> String {
    let (bindings, at, by_time) = (in_order(subject, &given.bindings), Timestamp(given.at), by_time(subject, given));
    Shown { what, bindings, at, by_time, step: Some(given.step), values }.line(subject)
}

/// Stages in pattern order, with the names of their events.
pub(crate) fn in_order(subject: &Subject<'_>, bindings: &Bindings) -> Vec<(String, Vec<String>)> {
    let name = |id: &u64| subject.events[usize::try_from(*id).expect("few events")].name.clone();
    let stages = subject.rule.pattern.stages();
    let bound = stages.iter().filter_map(|s| Some((s.name.to_string(), bindings.get(&**s.name)?)));
    bound.map(|(stage, ids)| (stage, ids.iter().map(name).collect())).collect()
}

/// Whether time completed it: then nothing happened when it was due, or it came out while time moved.
fn by_time(subject: &Subject<'_>, given: &Given) -> bool {
    let last = given.bindings.values().flatten().max().expect("a match binds events");
    let last = subject.events[usize::try_from(*last).expect("few events")].ts;
    given.at > last && (given.step % 2 != 0 || subject.events.iter().all(|e| e.ts != given.at))
}
