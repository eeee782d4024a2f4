//! Turns a [`Case`] into what the product takes: a [`Rule`] and [`Event`]s.

use std::sync::Arc;

use ensue_rule::{
    AfterMatch, AggFn, Attr, BinaryOp, Bound, Condition, Contiguity, Duration, Element, Event, Expr, ExprKind, Group,
    Moment, Pattern, Quantifier, Rule, Scope, Span, Stage, Step, Timestamp, Value, Within, WithinKind,
};

use crate::case::{Agg, Case, Cmp, Comparison, Cond, Contiguity as Arrow, Fed, Inner, Strategy, Term, WithinType};
use crate::case::{Element as Spelled, Quant, Skip};

/// The action type of every event of a case.
pub const ACTION: &str = "e";

/// The rule of a case.
pub fn rule(case: &Case) -> Rule {
    let mut rule = Rule::new(pattern(&case.pattern));
    conditions(&case.pattern, &mut rule.conditions);
    rule.within = case.within_ms.map(|ms| Within {
        duration: Duration(ms),
        kind: match case.within_type {
            WithinType::FirstAndLast => WithinKind::Match,
            WithinType::PreviousAndCurrent => WithinKind::Previous,
            WithinType::Session => WithinKind::Session,
        },
    });
    rule.after_match = after_match(&case.skip);
    rule.on_timeout = case.timeouts.is_some().then(Vec::new);
    rule
}

/// An event of a case.
pub fn event(fed: &Fed) -> Event {
    Event {
        ts: Some(Timestamp(fed.ts)),
        action_type: ACTION.into(),
        args: fed.fields.iter().map(|(k, v)| (Arc::from(k.as_str()), v.clone())).collect(),
        ..Event::default()
    }
}

fn after_match(skip: &Skip) -> AfterMatch {
    let to = || Arc::from(skip.to.as_deref().unwrap_or_default());
    let or_error = skip.throw_on_miss;
    match skip.strategy {
        Strategy::Consume => AfterMatch::Consume,
        Strategy::NoSkip => AfterMatch::NoSkip { limit: skip.limit.or(Some(u32::MAX)) },
        Strategy::SkipToNext => AfterMatch::SkipToNextEvent,
        Strategy::SkipPastLastEvent => AfterMatch::SkipPastLastEvent,
        Strategy::SkipToFirst => AfterMatch::SkipToFirst { stage: to(), or_error },
        Strategy::SkipToLast => AfterMatch::SkipToLast { stage: to(), or_error },
    }
}

fn pattern(list: &[Spelled]) -> Pattern {
    let (first, rest) = list.split_first().expect("a pattern has an element");
    Pattern { first: element(first), then: rest.iter().map(step).collect() }
}

fn step(spelled: &Spelled) -> Step {
    let arrow = match spelled.contiguity {
        Arrow::Next | Arrow::NotNext => Contiguity::Strict,
        Arrow::FollowedByAny => Contiguity::Any,
        Arrow::Begin | Arrow::FollowedBy | Arrow::NotFollowedBy => Contiguity::Relaxed,
    };
    let bound = spelled.bound_ms.map(|ms| Bound { limit: Duration(ms), inclusive: spelled.bound_inclusive });
    Step { arrow, bound, element: element(spelled), span: Span::default() }
}

fn element(spelled: &Spelled) -> Element {
    if matches!(spelled.contiguity, Arrow::NotNext | Arrow::NotFollowedBy) {
        return Element::not(&spelled.name);
    }
    if let Some(branches) = &spelled.any_of {
        return Element::AnyOf(branches.iter().map(element).collect());
    }
    if let Some(members) = &spelled.all_of {
        return Element::AllOf(members.iter().map(stage).collect());
    }
    if let Some(inside) = &spelled.group {
        let quantifier = quantifier(spelled);
        return Element::Group(Box::new(Group { pattern: pattern(inside), quantifier, span: Span::default() }));
    }
    Element::Stage(stage(spelled))
}

fn stage(spelled: &Spelled) -> Stage {
    Stage { name: spelled.name.as_str().into(), quantifier: quantifier(spelled), span: Span::default() }
}

fn quantifier(spelled: &Spelled) -> Option<Quantifier> {
    let Quant { min, max, optional, greedy, inner } = spelled.quant;
    let inner = match inner {
        Inner::Relaxed => Contiguity::Relaxed,
        Inner::Strict => Contiguity::Strict,
        Inner::RelaxedAny => Contiguity::Any,
    };
    let gap = spelled.window_ms.map(|ms| Bound { limit: Duration(ms), inclusive: spelled.window_inclusive });
    let until = spelled.until.as_ref().map(|c| condition(c, Under { stage: &spelled.name, asked: Asked::Until }));
    let plain = spelled.quant == Quant::default() && gap.is_none() && until.is_none();
    (!plain).then(|| Quantifier { min, max, optional, inner, greedy, gap, until, span: Span::default() })
}

fn conditions(list: &[Spelled], into: &mut Vec<Condition>) {
    for spelled in list {
        let mut add = |c: &Option<Cond>, asked, moment| {
            let Some(c) = c else { return };
            for expr in condition(c, Under { stage: &spelled.name, asked }).conjuncts() {
                if expr != Expr::literal(true) {
                    into.push(Condition { stage: spelled.name.as_str().into(), moment, expr });
                }
            }
        };
        add(&spelled.condition, Asked::Take, Moment::Take);
        add(&spelled.leave, Asked::Leave, Moment::Leave);
        for inside in [&spelled.group, &spelled.any_of, &spelled.all_of].into_iter().flatten() {
            conditions(inside, into);
        }
    }
}

/// The stage whose condition is being translated, and which of its conditions.
#[derive(Clone, Copy)]
struct Under<'a> {
    stage: &'a str,
    asked: Asked,
}

#[derive(Clone, Copy, PartialEq)]
enum Asked {
    Take,
    Leave,
    Until,
}

fn condition(cond: &Cond, under: Under<'_>) -> Expr {
    let compare = |op, field: &str, value: &Value| Expr::binary(op, this(field, under), Expr::literal(value.clone()));
    let like = |field: &str, text: String| ExprKind::Like(Box::new(this(field, under)), text.into()).into();
    let all = |args: &[Cond], op, empty| {
        let each = args.iter().map(|c| condition(c, under));
        each.reduce(|a, b| Expr::binary(op, a, b)).unwrap_or_else(|| Expr::literal(empty))
    };
    match cond {
        Cond::Eq { field, value } => compare(BinaryOp::Eq, field, value),
        Cond::Ne { field, value } => compare(BinaryOp::Ne, field, value),
        Cond::Lt { field, value } => compare(BinaryOp::Lt, field, value),
        Cond::Le { field, value } => compare(BinaryOp::Le, field, value),
        Cond::Gt { field, value } => compare(BinaryOp::Gt, field, value),
        Cond::Ge { field, value } => compare(BinaryOp::Ge, field, value),
        Cond::Contains { field, value } => like(field, format!("%{}%", escaped(value))),
        Cond::StartsWith { field, value } => like(field, format!("{}%", escaped(value))),
        Cond::And { args } => all(args, BinaryOp::And, true),
        Cond::Or { args } => all(args, BinaryOp::Or, false),
        Cond::Not { args } => all(args, BinaryOp::And, true).negate(),
        Cond::True => Expr::literal(true),
        Cond::Subtype => compare(BinaryOp::Eq, "sub", &Value::Bool(true)),
        Cond::Iter { spec } => comparison(spec, under),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn this(field: &str, under: Under<'_>) -> Expr {
    let attr = Attr::arg(field);
    if under.asked == Asked::Until {
        ExprKind::Attr { stage: None, attr }.into()
    } else {
        Expr::attr(under.stage, attr)
    }
}

fn comparison(spec: &Comparison, under: Under<'_>) -> Expr {
    let op = match spec.cmp {
        Cmp::Eq => BinaryOp::Eq,
        Cmp::Ne => BinaryOp::Ne,
        Cmp::Lt => BinaryOp::Lt,
        Cmp::Le => BinaryOp::Le,
        Cmp::Gt => BinaryOp::Gt,
        Cmp::Ge => BinaryOp::Ge,
    };
    Expr::binary(op, term(&spec.left, under), term(&spec.right, under))
}

fn term(term: &Term, under: Under<'_>) -> Expr {
    match term {
        Term::Const { value } => Expr::literal(value.clone()),
        Term::This { this: field } => this(field, under),
        Term::Prev { prev } => ExprKind::Prev { stage: under.stage.into(), attr: Attr::arg(prev) }.into(),
        Term::Of { of, field } => Expr::attr(of, Attr::arg(field)),
        Term::Add { add } => {
            let each = add.iter().map(|t| self::term(t, under));
            each.reduce(|a, b| Expr::binary(BinaryOp::Add, a, b)).unwrap_or_else(|| Expr::literal(0))
        }
        Term::Agg { agg, var, field, running, distinct } => {
            let scope = match under.asked {
                _ if *running => Scope::Running,
                Asked::Take if var == under.stage => Scope::Prior,
                _ => Scope::All,
            };
            let (func, attr) = (function(*agg), field.as_deref().map(Attr::arg));
            ExprKind::Aggregate { func, scope, distinct: *distinct, stage: Some(var.as_str().into()), attr }.into()
        }
    }
}

fn function(agg: Agg) -> AggFn {
    match agg {
        Agg::Sum => AggFn::Sum,
        Agg::Count => AggFn::Count,
        Agg::Avg => AggFn::Avg,
        Agg::Min => AggFn::Min,
        Agg::Max => AggFn::Max,
        Agg::First => AggFn::First,
        Agg::Last => AggFn::Last,
    }
}
