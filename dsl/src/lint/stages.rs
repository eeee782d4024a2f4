//! Stages that no event can satisfy, that the filter shuts out, or of which nothing is said.

use std::collections::HashMap;
use std::sync::Arc;

use ensue_rule::{
    Attr, BinaryOp, Condition, Element, Expr, ExprKind, Filter, FilterEntry, Moment, Pattern, Rule, Scope, StageRef,
    Task, Trigger, Value, WithinKind,
};

use super::domain::{self, Domain, Test};
use super::index::Index;
use super::quoted;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::lower;
use crate::sink::Sink;

pub(super) fn add(index: &Index<'_>, filter: &Filter, sink: &mut Sink) {
    for stage in index.rule.pattern.stages() {
        if let Some(d) = never(index, &stage) {
            // Where types differ that is the reason, and said already.
            if !sink.has_inside(codes::TYPES_DIFFER, d.span) {
                sink.push(d);
            }
        } else if let Some(d) = shut_out(index, &stage, filter) {
            sink.push(d);
        }
        if let Some(d) = unsaid(index, &stage) {
            sink.push(d);
        }
    }
}

/// A term and the conditions that have narrowed it.
struct Narrowed<'r> {
    term: &'r Expr,
    domain: Domain,
    by: Vec<(&'r Condition, Test)>,
}

/// That the conditions at a stage never hold together, if so.
fn never(index: &Index<'_>, stage: &StageRef<'_>) -> Option<Diagnostic> {
    let mut terms: Vec<Narrowed<'_>> = Vec::new();
    let mut known: HashMap<&Expr, usize> = HashMap::new();
    for c in index.conditions(stage.name) {
        for (term, test) in domain::tests(&c.expr) {
            let at = *known.entry(term).or_insert(terms.len());
            if at == terms.len() {
                terms.push(Narrowed { term, domain: start(term, index.rule), by: Vec::new() });
            }
            let Some(narrowed) = terms.get_mut(at) else { continue };
            narrowed.domain.narrow(&test);
            narrowed.by.push((*c, test));
            if narrowed.domain.is_empty() {
                return Some(contradiction(narrowed, stage, index));
            }
        }
    }
    None
}

/// What a term may be before any condition.
fn start(term: &Expr, rule: &Rule) -> Domain {
    let (whole, tests) = domain::intrinsic(term);
    let mut domain = Domain::new(whole);
    tests.iter().chain(&bounds(term, rule)).for_each(|t| domain.narrow(t));
    domain
}

/// What the pattern and the window say of a term: how often a stage comes, how far apart two events are.
fn bounds(term: &Expr, rule: &Rule) -> Vec<Test> {
    match &term.kind {
        ExprKind::Aggregate { func: ensue_rule::AggFn::Count, scope: Scope::All | Scope::Running, stage, .. } => {
            let most = stage.as_ref().and_then(|s| most(&rule.pattern, s));
            most.map(|n| Test::High(i64::from(n).into(), true)).into_iter().collect()
        }
        ExprKind::Binary(BinaryOp::Sub, a, b) if is_ts(a) && is_ts(b) => {
            let Some(w) = rule.within.filter(|w| w.kind != WithinKind::Previous) else { return Vec::new() };
            let (low, high) = (w.duration.0.saturating_neg(), w.duration.0);
            vec![Test::Low(low.into(), false), Test::High(high.into(), false)]
        }
        _ => Vec::new(),
    }
}

fn is_ts(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Attr { stage: Some(_), attr: Attr::Ts })
}

/// The most events that a stage has, where its own quantifier says it: not inside a group that repeats.
fn most(pattern: &Pattern, stage: &str) -> Option<u32> {
    pattern.elements().find_map(|e| most_in(e, stage))
}

fn most_in(element: &Element, name: &str) -> Option<u32> {
    let of = |s: &ensue_rule::Stage| match &s.quantifier {
        _ if *s.name != *name => None,
        None => Some(1),
        Some(q) => q.max,
    };
    match element {
        Element::Stage(s) => of(s),
        Element::AllOf(members) => members.iter().find_map(of),
        Element::AnyOf(branches) => branches.iter().find_map(|b| most_in(b, name)),
        Element::Group(g) if g.quantifier.as_ref().is_none_or(|q| q.max == Some(1)) => most(&g.pattern, name),
        Element::Group(_) | Element::Not(_) => None,
    }
}

fn contradiction(n: &Narrowed<'_>, stage: &StageRef<'_>, index: &Index<'_>) -> Diagnostic {
    let Some(((last, test), before)) = n.by.split_last() else {
        return Diagnostic::warning(codes::STAGE_NEVER, "never").at(stage.span);
    };
    let clashes = |other: &&(&Condition, Test)| {
        let mut domain = start(n.term, index.rule);
        [&other.1, test].into_iter().for_each(|t| domain.narrow(t));
        domain.is_empty()
    };
    let mut alone = start(n.term, index.rule);
    alone.narrow(test);
    let consequence = match (last.moment, stage.forbidden) {
        (Moment::Take, true) => format!("`!{}` forbids nothing", stage.name),
        (Moment::Take, false) => format!("`{}` takes no event", stage.name),
        (Moment::Leave, _) => format!("no match gets past `{}`", stage.name),
    };
    let condition = quoted(&last.expr, index.text);
    let others: Vec<_> = before.iter().filter(|(c, _)| !std::ptr::eq(*c, *last)).collect();
    let partner = others.iter().copied().find(clashes).or(others.last().copied());
    let message = match partner {
        Some((c, _)) if !alone.is_empty() => {
            format!("{} and {condition} never hold together: {consequence}", quoted(&c.expr, index.text))
        }
        _ => format!("{condition} never holds: {consequence}"),
    };
    let d = Diagnostic::warning(codes::STAGE_NEVER, message).at(last.expr.span);
    match hint(n, test) {
        Some(hint) => d.hint(hint),
        None => d,
    }
}

fn hint(n: &Narrowed<'_>, test: &Test) -> Option<String> {
    match (&n.term.kind, test) {
        (ExprKind::Call { func: ensue_rule::Func::Hour, .. }, _) => Some("HOUR is 0 to 23".to_owned()),
        (ExprKind::Call { func: ensue_rule::Func::Weekday, .. }, _) => Some("WEEKDAY is 1 (Monday) to 7".to_owned()),
        (ExprKind::Aggregate { .. }, _) => Some("the quantifier of the stage says how often it comes".to_owned()),
        (ExprKind::Binary(BinaryOp::Sub, ..), _) => Some("WITHIN says how far apart two events can be".to_owned()),
        (_, Test::In(values)) if n.by.iter().any(|(_, t)| t != test && matches!(t, Test::In(_))) => {
            let mut all: Vec<Value> = Vec::new();
            let tests = n.by.iter().filter_map(|(_, t)| if let Test::In(v) = t { Some(v) } else { None });
            tests.flatten().chain(values).for_each(|v| {
                if !all.contains(v) {
                    all.push(v.clone());
                }
            });
            let one_of = ExprKind::In(Box::new(n.term.clone()), all.into_iter().map(Expr::literal).collect());
            Some(format!("for either write {}", quoted(&one_of.into(), None)))
        }
        _ => None,
    }
}

/// That no entry of the filter lets an event through that the stage could take, if so.
fn shut_out(index: &Index<'_>, stage: &StageRef<'_>, filter: &Filter) -> Option<Diagnostic> {
    if filter.entries.is_empty() || filter.entries.iter().any(|e| lets_through(e, index, stage.name)) {
        return None;
    }
    let consequence = if stage.forbidden { "it forbids nothing" } else { "it takes no event" };
    let message = format!("the filter keeps out every event that `{}` could take: {consequence}", stage.name);
    let d = Diagnostic::warning(codes::STAGE_FILTERED, message).at(stage.span);
    Some(d.hint("an event is in the stream only if an entry of `filter` lets it through: add one for this stage"))
}

fn lets_through(entry: &FilterEntry, index: &Index<'_>, stage: &str) -> bool {
    entry.tests.iter().all(|t| {
        let mut domain = index.of_attr(stage, &t.attr);
        domain.narrow(&Test::In(t.values.clone()));
        !domain.is_empty()
    })
}

/// That no condition says what a stage takes, if so.
fn unsaid(index: &Index<'_>, stage: &StageRef<'_>) -> Option<Diagnostic> {
    if index.is_mentioned(stage.name) {
        return None;
    }
    let n = stage.name;
    let (message, hint) = if stage.forbidden {
        (format!("no condition mentions `{n}`: `!{n}` forbids every event"), "say which, as in")
    } else {
        (format!("no condition mentions `{n}`: it takes any event"), "say what it takes, as in")
    };
    let d = Diagnostic::warning(codes::STAGE_UNSAID, message).at(stage.span);
    Some(d.hint(format!("{hint} `{}.actionType = 'pv'`", crate::format::name(n))))
}

/// That the event which triggers a look-back is one that the rule wants absent until then.
pub(super) fn absent_trigger(task: &Task, index: &Index<'_>, sink: &mut Sink) {
    let Some(trigger) = &task.trigger else { return };
    let mut absences = lower::trailing_absences(&task.rule.pattern);
    absences.retain(|(name, _)| is_every_trigger(index, name, trigger));
    if !task.filter.entries.is_empty() {
        let lets_through = |e: &FilterEntry| e.tests.iter().all(|t| may_be(trigger, &t.attr, &t.values));
        absences.retain(|_| task.filter.entries.iter().any(lets_through));
    }
    for (name, span) in absences {
        let message = format!("the event that triggers the task is itself a `{name}`: this absence is never true");
        let d = Diagnostic::warning(codes::ABSENCE_OF_TRIGGER, message).at(span);
        sink.push(d.hint("the look-back ends with the trigger, which is part of the stream: forbid something else"));
    }
}

/// Whether whatever triggers is surely an event of the forbidden stage.
fn is_every_trigger(index: &Index<'_>, stage: &Arc<str>, trigger: &Trigger) -> bool {
    index.conditions(stage).iter().filter(|c| c.moment == Moment::Take).all(|c| {
        match domain::tests(&c.expr).as_slice() {
            [(term, Test::In(values))] => match &term.kind {
                ExprKind::Attr { stage: Some(s), attr } if s == stage => {
                    let names = named(trigger, attr);
                    !names.is_empty() && names.iter().all(|n| values.iter().any(|v| v.as_str() == Some(n)))
                }
                _ => false,
            },
            _ => false,
        }
    })
}

fn named<'t>(trigger: &'t Trigger, attr: &Attr) -> &'t [Arc<str>] {
    match attr {
        Attr::ActionType => &trigger.action_types,
        Attr::Scene => &trigger.scenes,
        _ => &[],
    }
}

fn may_be(trigger: &Trigger, attr: &Attr, values: &[Value]) -> bool {
    let names = named(trigger, attr);
    names.is_empty() || names.iter().any(|n| values.iter().any(|v| v.as_str() == Some(n)))
}
