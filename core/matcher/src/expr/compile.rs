//! Expressions of a rule to code: stages and attributes become slots and registers.

use std::sync::Arc;

use ensue_rule::{AggFn, Attr, BinaryOp, Expr, ExprKind, Func, Scope, Span, UnaryOp, Value};

use super::{Code, Like, Regex};
use crate::Error;
use crate::registers::{Fold, RegisterId};
use crate::set::{SlotId, SlotKey};

/// What a name stands for, where the expression stands.
pub(crate) enum Resolve {
    /// The event under test.
    Event,
    /// An event bound earlier, or all of a stage's events: a register.
    Bound,
}

/// What the place of an expression knows of names.
pub(crate) trait Names {
    /// What a stage (`None`: a bare attribute) stands for here.
    fn resolve(&self, stage: Option<&Arc<str>>, span: Span) -> Result<Resolve, Error>;
    /// The slot of an attribute of the event under test.
    fn slot(&mut self, key: SlotKey) -> SlotId;
    /// The register that folds an attribute (`None`: the events themselves) of a stage's events.
    fn register(&mut self, stage: &Arc<str>, fold: Fold, key: Option<SlotKey>, span: Span)
    -> Result<RegisterId, Error>;
    /// The register of a TRENDS aggregate, where there can be one.
    fn trend(&mut self, of: TrendOf<'_>, span: Span) -> Result<RegisterId, Error> {
        let _ = of;
        Err(Error::refused("TRENDS adds up whole matches", "use it in RETURN only", span))
    }
}

/// What a TRENDS aggregate adds up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TrendOf<'a> {
    /// Matches.
    Matches,
    /// Events of a stage, or those with a value.
    Count(&'a Arc<str>, Option<&'a Attr>),
    /// Values of a stage's events.
    Sum(&'a Arc<str>, &'a Attr),
}

/// Compiles an expression at its place.
pub(crate) fn compile(e: &Expr, names: &mut dyn Names) -> Result<Code, Error> {
    let boxed = |x: &Expr, names: &mut dyn Names| compile(x, names).map(Box::new);
    let all = |list: &[Expr], names: &mut dyn Names| -> Result<Vec<Code>, Error> {
        list.iter().map(|x| compile(x, names)).collect()
    };
    Ok(match &e.kind {
        ExprKind::Literal(v) => Code::Const(v.clone()),
        ExprKind::Attr { stage, attr } => attribute(stage.as_ref(), SlotKey::Attr(attr.clone()), e.span, names)?,
        ExprKind::Value(name) => {
            return Err(Error::refused(
                format!("`{name}` is no attribute of a stage"),
                "write STAGE.args.NAME",
                e.span,
            ));
        }
        ExprKind::Aggregate { .. } => aggregate(e, names)?,
        ExprKind::Prev { stage, attr } => {
            Code::Register(names.register(stage, Fold::LastEvent, Some(SlotKey::Attr(attr.clone())), e.span)?)
        }
        ExprKind::Call { func: func @ (Func::Hour | Func::Weekday), args } => local_time(*func, args, e.span, names)?,
        ExprKind::Call { func, args } => Code::Call(*func, all(args, names)?),
        ExprKind::Unary(op, x) => Code::Unary(*op, boxed(x, names)?),
        ExprKind::Binary(op, a, b) => Code::Binary(*op, boxed(a, names)?, boxed(b, names)?),
        ExprKind::In(x, list) => Code::In(boxed(x, names)?, all(list, names)?),
        ExprKind::Between(x, a, b) => Code::Between(boxed(x, names)?, boxed(a, names)?, boxed(b, names)?),
        ExprKind::Like(x, pattern) => Code::Like(boxed(x, names)?, Like::new(pattern)),
        ExprKind::Matches(x, text) => Code::Matches(boxed(x, names)?, Regex::new(text, e.span)?),
        ExprKind::IsNull(x) => Code::IsNull(boxed(x, names)?),
    })
}

fn attribute(stage: Option<&Arc<str>>, key: SlotKey, span: Span, names: &mut dyn Names) -> Result<Code, Error> {
    Ok(match (names.resolve(stage, span)?, stage) {
        (Resolve::Bound, Some(stage)) => Code::Register(names.register(stage, Fold::LastEvent, Some(key), span)?),
        (Resolve::Event | Resolve::Bound, _) => Code::Slot(names.slot(key)),
    })
}

/// HOUR(v), WEEKDAY(v): of the local time of the stage's event.
fn local_time(func: Func, args: &[Expr], span: Span, names: &mut dyn Names) -> Result<Code, Error> {
    let [Expr { kind: ExprKind::Attr { stage, .. }, .. }] = args else {
        return Err(Error::refused("HOUR and WEEKDAY take a stage", "write HOUR(v)", span));
    };
    Ok(Code::Call(func, vec![attribute(stage.as_ref(), SlotKey::LocalTime, span, names)?]))
}

/// TRENDS COUNT(*), COUNT(v), COUNT(v.x), SUM(v.x).
fn trend(e: &Expr, names: &mut dyn Names) -> Result<Code, Error> {
    let of = match &e.kind {
        ExprKind::Aggregate { func: AggFn::Count, distinct: false, stage: None, .. } => TrendOf::Matches,
        ExprKind::Aggregate { func: AggFn::Count, distinct: false, stage: Some(s), attr, .. } => {
            TrendOf::Count(s, attr.as_ref())
        }
        ExprKind::Aggregate { func: AggFn::Sum, distinct: false, stage: Some(s), attr: Some(attr), .. } => {
            TrendOf::Sum(s, attr)
        }
        _ => {
            let hint = "TRENDS has COUNT(*), COUNT(v), COUNT(v.x) and SUM(v.x)";
            return Err(Error::refused("this aggregate cannot be added up over matches", hint, e.span));
        }
    };
    Ok(Code::Register(names.trend(of, e.span)?))
}

fn aggregate(e: &Expr, names: &mut dyn Names) -> Result<Code, Error> {
    if let ExprKind::Aggregate { scope: Scope::Trends, .. } = &e.kind {
        return trend(e, names);
    }
    let ExprKind::Aggregate { func, scope, distinct, stage: Some(stage), attr } = &e.kind else {
        return Err(Error::refused("COUNT(*) counts matches", "write RETURN TRENDS COUNT(*), or COUNT(stage)", e.span));
    };
    let key = attr.clone().map(SlotKey::Attr);
    let mut read = |fold| {
        let register = names.register(stage, fold, key.clone(), e.span)?;
        Ok::<_, Error>(if *scope == Scope::Running { Code::Running(register) } else { Code::Register(register) })
    };
    Ok(match (func, distinct) {
        (AggFn::Count, true) => Code::DistinctCount(Box::new(read(Fold::Distinct)?)),
        (AggFn::Sum, true) => Code::DistinctSum(Box::new(read(Fold::Distinct)?)),
        (AggFn::Count, false) => read(Fold::Count)?,
        (AggFn::Sum, false) => read(Fold::Sum)?,
        (AggFn::Avg, _) => average(read(Fold::Sum)?, read(Fold::Count)?),
        (AggFn::Min, _) => read(Fold::Min)?,
        (AggFn::Max, _) => read(Fold::Max)?,
        (AggFn::First, _) => read(Fold::First)?,
        (AggFn::Last, _) => read(Fold::Last)?,
    })
}

/// Null of nothing, because division by zero is.
fn average(sum: Code, count: Code) -> Code {
    Code::Binary(BinaryOp::Div, Box::new(sum), Box::new(count))
}

/// `expr` over named values.
pub(crate) fn over_values(expr: &Expr, values: &[(Arc<str>, Value)]) -> Result<Code, Error> {
    let value = |name: &str| values.iter().find(|(n, _)| &**n == name).map(|(_, v)| v.clone()).unwrap_or_default();
    let boxed = |x: &Expr| over_values(x, values).map(Box::new);
    let all = |list: &[Expr]| list.iter().map(|x| over_values(x, values)).collect::<Result<_, Error>>();
    Ok(match &expr.kind {
        ExprKind::Literal(v) => Code::Const(v.clone()),
        ExprKind::Value(name) => Code::Const(value(name)),
        ExprKind::Attr { .. } | ExprKind::Aggregate { .. } | ExprKind::Prev { .. } => Code::Const(Value::Null),
        ExprKind::Call { func, args } => Code::Call(*func, all(args)?),
        ExprKind::Unary(UnaryOp::Not, x) => Code::Unary(UnaryOp::Not, boxed(x)?),
        ExprKind::Unary(UnaryOp::Neg, x) => Code::Unary(UnaryOp::Neg, boxed(x)?),
        ExprKind::Binary(op, a, b) => Code::Binary(*op, boxed(a)?, boxed(b)?),
        ExprKind::In(x, list) => Code::In(boxed(x)?, all(list)?),
        ExprKind::Between(x, a, b) => Code::Between(boxed(x)?, boxed(a)?, boxed(b)?),
        ExprKind::Like(x, pattern) => Code::Like(boxed(x)?, Like::new(pattern)),
        ExprKind::Matches(x, text) => Code::Matches(boxed(x)?, Regex::new(text, expr.span)?),
        ExprKind::IsNull(x) => Code::IsNull(boxed(x)?),
    })
}
