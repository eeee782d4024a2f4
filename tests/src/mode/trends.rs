//! RETURN TRENDS: one row over all matches that one moment completes, against the matches themselves.

use std::collections::BTreeMap;

use ensue_matcher::{Found, Observation, Runs};
use ensue_rule::{AfterMatch, AggFn, Attr, Expr, ExprKind, Return, Rule, Scope, Value};

use super::{Subject, whole};
use crate::answer::{Answer, Given, HalfStep};
use crate::case::{Case, Strategy};
use crate::translate;

/// The values of a row by name, at its step and time.
type Rows = BTreeMap<(HalfStep, i64), Vec<(String, Value)>>;

/// What is summed, and over which attribute; `None` counts events.
const ASKED: [(&str, AggFn, Option<&str>); 3] =
    [("events", AggFn::Count, None), ("prices", AggFn::Count, Some("price")), ("sum", AggFn::Sum, Some("price"))];

/// Whether the case can be asked with TRENDS, which imply NO SKIP.
pub(crate) fn takes(case: &Case) -> bool {
    case.skip.strategy == Strategy::NoSkip && case.skip.limit.is_none() && case.timeouts.is_none()
}

/// In what the rows of the case's rule under TRENDS differ from these matches; nothing if they do not.
pub(crate) fn check(case: &Case, answer: &Answer) -> Vec<String> {
    let mut rule = translate::rule(case);
    rule.after_match = AfterMatch::NoSkip { limit: Some(u32::MAX) };
    rule.returns = returns(&rule);
    let (expected, got) = match Subject::of(case, rule) {
        Ok(subject) => (rows_of(case, &subject.rule, &answer.matches), rows(&subject)),
        Err(error) => return vec![error],
    };
    if expected == got { Vec::new() } else { vec![format!("rows of TRENDS {got:?}, by the matches {expected:?}")] }
}

fn returns(rule: &Rule) -> Vec<Return> {
    let aggregate = |func, stage, attr: Option<&str>| {
        let (scope, attr) = (Scope::Trends, attr.map(Attr::arg));
        Expr::from(ExprKind::Aggregate { func, scope, distinct: false, stage, attr })
    };
    let mut out = vec![Return { name: "matches".into(), expr: aggregate(AggFn::Count, None, None) }];
    for stage in rule.pattern.stages().into_iter().filter(|s| !s.forbidden) {
        out.extend(ASKED.map(|(what, func, attr)| {
            let name = format!("{what} of {}", stage.name);
            Return { name: name.into(), expr: aggregate(func, Some(stage.name.clone()), attr) }
        }));
    }
    out
}

/// What the matcher says.
fn rows(subject: &Subject) -> Rows {
    let (mut runs, mut observed, mut out) = (Runs::new(None), Observation::default(), Rows::new());
    let mut keep = |found: &mut Vec<Found>, step| {
        for found in found.drain(..) {
            if let Found::Match(m) = found {
                let values = m.values.iter().map(|(name, value)| (name.to_string(), value.clone()));
                out.insert((step, m.at.0), values.collect());
            }
        }
    };
    let (program, mut found) = (&*subject.program, Vec::new());
    for k in 0..subject.events.len() {
        runs.advance_to(program, subject.ts(k), &mut found);
        keep(&mut found, whole(k) - 1);
        if let Some(hit) = subject.observe(k, &mut observed) {
            runs.step(program, &observed, hit, &mut found);
            keep(&mut found, whole(k));
        }
    }
    if let Some(t) = subject.advance_to {
        runs.advance_to(program, t, &mut found);
        keep(&mut found, subject.last_step());
    }
    out
}

/// What the matches come to, moment by moment.
fn rows_of(case: &Case, rule: &Rule, matches: &[Given]) -> Rows {
    let mut moments: BTreeMap<(HalfStep, i64), Vec<&Given>> = BTreeMap::new();
    matches.iter().for_each(|g| moments.entry((g.step, g.at)).or_default().push(g));
    let row = |list: Vec<&Given>| {
        let mut row = vec![("matches".to_owned(), int(list.len()))];
        for stage in rule.pattern.stages().into_iter().filter(|s| !s.forbidden) {
            let bound = list.iter().filter_map(|g| g.bindings.get(&**stage.name)).flatten();
            let events: Vec<_> = bound.filter_map(|id| case.events.iter().find(|e| e.id == *id)).collect();
            let prices: Vec<i64> = events
                .iter()
                .filter_map(|e| match e.fields.get("price") {
                    Some(Value::Int(price)) => Some(*price),
                    _ => None,
                })
                .collect();
            let all = [int(events.len()), int(prices.len()), Value::Int(prices.iter().sum())];
            row.extend(ASKED.iter().zip(all).map(|((what, ..), value)| (format!("{what} of {}", stage.name), value)));
        }
        row
    };
    moments.into_iter().map(|(moment, list)| (moment, row(list))).collect()
}

fn int(n: usize) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}
