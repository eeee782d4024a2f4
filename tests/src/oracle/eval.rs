//! Expressions, evaluated as plainly as they read.

use std::cmp::Ordering;

use ensue_rule::{AggFn, Attr, BinaryOp, Expr, ExprKind, Func, Scope, UnaryOp, Value};

use super::Seen;
use super::place::Turn;

/// An event that a run took.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Taken<'a> {
    pub(super) stage: &'a str,
    /// Its index in the stream.
    pub(super) event: usize,
    /// The turns in which it was taken, outermost first.
    pub(super) turns: Vec<Turn>,
}

/// Of whom a condition is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'q> {
    pub(super) events: &'q [Seen],
    pub(super) taken: &'q [Taken<'q>],
    /// The stage and the event under test, if there is one.
    pub(super) test: Option<(&'q str, usize)>,
    /// The turns in which the question is asked: a stage of the same turn is looked up in that turn.
    pub(super) turns: &'q [Turn],
}

impl Question<'_> {
    /// Whether `expr` holds.
    pub(super) fn holds(&self, expr: &Expr) -> bool {
        matches!(self.value(expr), Value::Bool(true))
    }

    fn value(&self, expr: &Expr) -> Value {
        match &expr.kind {
            ExprKind::Literal(v) => v.clone(),
            ExprKind::Attr { stage: None, attr } => self.test.map_or(Value::Null, |(_, k)| self.read(k, attr)),
            ExprKind::Attr { stage: Some(stage), attr } => self.of_stage(stage, attr),
            ExprKind::Value(_) => panic!("only outputs name returned values"),
            ExprKind::Aggregate { func, scope, distinct, stage, attr } => {
                let over = self.over(*scope, stage.as_deref().expect("COUNT(*) is no condition"));
                let Some(attr) = attr else { return count(over.len()) };
                let values = over.into_iter().map(|k| self.read(k, attr)).filter(|v| !v.is_null()).collect();
                aggregate(*func, &if *distinct { different(values) } else { values })
            }
            ExprKind::Prev { stage, attr } => {
                self.bound(stage).last().map_or(Value::Null, |t| self.read(t.event, attr))
            }
            ExprKind::Call { func, args } => call(*func, &args.iter().map(|a| self.value(a)).collect::<Vec<_>>()),
            ExprKind::Unary(UnaryOp::Not, x) => Value::Bool(!self.holds(x)),
            ExprKind::Unary(UnaryOp::Neg, x) => arithmetic(BinaryOp::Sub, &Value::Int(0), &self.value(x)),
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b),
            ExprKind::In(x, list) => {
                let x = self.value(x);
                Value::Bool(list.iter().any(|y| x.equals(&self.value(y))))
            }
            ExprKind::Between(x, a, b) => {
                let (x, a, b) = (self.value(x), self.value(a), self.value(b));
                Value::Bool(compare(BinaryOp::Le, &a, &x) && compare(BinaryOp::Le, &x, &b))
            }
            ExprKind::Like(x, pattern) => {
                let x = self.value(x);
                let pattern: Vec<char> = pattern.chars().collect();
                Value::Bool(x.as_str().is_some_and(|s| like(&s.chars().collect::<Vec<_>>(), &pattern)))
            }
            ExprKind::Matches(..) => panic!("the oracle knows no regular expressions"),
            ExprKind::IsNull(x) => Value::Bool(self.value(x).is_null()),
        }
    }

    /// Whether a conjunct is asked at all: one with PREV is not asked of a stage's first event.
    pub(super) fn is_asked(&self, expr: &Expr) -> bool {
        let mut asked = true;
        expr.walk(|e| {
            if let ExprKind::Prev { stage, .. } = &e.kind {
                asked &= self.bound(stage).next().is_some();
            }
        });
        asked
    }

    fn bound<'s>(&'s self, stage: &'s str) -> impl DoubleEndedIterator<Item = &'s Taken<'s>> {
        self.taken.iter().filter(move |t| t.stage == stage)
    }

    /// `stage.attr`: the event under test, or the last one bound, in this turn of the groups around both.
    fn of_stage(&self, stage: &str, attr: &Attr) -> Value {
        if let Some((under, k)) = self.test
            && under == stage
        {
            return self.read(k, attr);
        }
        let here = |t: &&Taken<'_>| t.turns.iter().zip(self.turns).all(|(a, b)| a.0 != b.0 || a.1 == b.1);
        self.bound(stage).rev().find(here).map_or(Value::Null, |t| self.read(t.event, attr))
    }

    fn read(&self, k: usize, attr: &Attr) -> Value {
        let event = &self.events[k].event;
        let text = |s: &Option<std::sync::Arc<str>>| s.clone().map_or(Value::Null, Value::Str);
        match attr {
            Attr::ActionType => Value::Str(event.action_type.clone()),
            Attr::Scene => text(&event.scene),
            Attr::UserId => text(&event.user_id),
            Attr::Source => event.source.as_str().into(),
            Attr::Ts => Value::Int(self.events[k].ts.0),
            Attr::Arg(path) => Attr::lookup(&event.args, path),
        }
    }

    /// The events that an aggregate is over.
    fn over(&self, scope: Scope, stage: &str) -> Vec<usize> {
        let under_test = self.test.filter(|(under, _)| scope == Scope::Running && *under == stage);
        self.bound(stage).map(|t| t.event).chain(under_test.map(|(_, k)| k)).collect()
    }

    fn binary(&self, op: BinaryOp, a: &Expr, b: &Expr) -> Value {
        match op {
            BinaryOp::And => Value::Bool(self.holds(a) && self.holds(b)),
            BinaryOp::Or => Value::Bool(self.holds(a) || self.holds(b)),
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
                arithmetic(op, &self.value(a), &self.value(b))
            }
            _ => Value::Bool(compare(op, &self.value(a), &self.value(b))),
        }
    }
}

fn count(n: usize) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

fn different(values: Vec<Value>) -> Vec<Value> {
    let mut different: Vec<Value> = Vec::new();
    for v in values {
        if !different.iter().any(|d| d.same(&v)) {
            different.push(v);
        }
    }
    different
}

/// An aggregate of values that are not null.
fn aggregate(func: AggFn, values: &[Value]) -> Value {
    let best = |want| {
        let better = |a: Value, b: &Value| if b.order(&a) == Some(want) { b.clone() } else { a };
        values.iter().fold(values.first().cloned().unwrap_or_default(), better)
    };
    let sum = || values.iter().fold(Value::Int(0), |a, b| arithmetic(BinaryOp::Add, &a, b));
    match func {
        AggFn::Count => count(values.len()),
        AggFn::Sum => sum(),
        AggFn::Avg if values.is_empty() => Value::Null,
        AggFn::Avg => arithmetic(BinaryOp::Div, &sum(), &count(values.len())),
        AggFn::Min => best(Ordering::Less),
        AggFn::Max => best(Ordering::Greater),
        AggFn::First => values.first().cloned().unwrap_or_default(),
        AggFn::Last => values.last().cloned().unwrap_or_default(),
    }
}

/// Two-valued: false wherever null or an order that does not exist comes in.
fn compare(op: BinaryOp, a: &Value, b: &Value) -> bool {
    if a.is_null() || b.is_null() {
        return false;
    }
    let order = a.order(b);
    match op {
        BinaryOp::Eq => a.equals(b),
        BinaryOp::Ne => !a.equals(b),
        BinaryOp::Lt => order == Some(Ordering::Less),
        BinaryOp::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        BinaryOp::Gt => order == Some(Ordering::Greater),
        _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

fn arithmetic(op: BinaryOp, a: &Value, b: &Value) -> Value {
    if let (Value::Int(a), Value::Int(b), true) = (a, b, op != BinaryOp::Div) {
        let exact = match op {
            BinaryOp::Add => a.checked_add(*b),
            BinaryOp::Sub => a.checked_sub(*b),
            BinaryOp::Mul => a.checked_mul(*b),
            _ => a.checked_rem(*b),
        };
        return exact.map_or(Value::Null, Value::Int);
    }
    let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) else { return Value::Null };
    let result = match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => a / b,
        _ => a % b,
    };
    if result.is_finite() { Value::Float(result) } else { Value::Null }
}

fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|n| like(&text[n..], rest)),
        ['_', rest @ ..] => !text.is_empty() && like(&text[1..], rest),
        ['\\', c, rest @ ..] | [c, rest @ ..] => text.first() == Some(c) && like(&text[1..], rest),
    }
}

fn call(func: Func, args: &[Value]) -> Value {
    let first = args.first().cloned().unwrap_or_default();
    match (func, &first) {
        (Func::Coalesce, _) => args.iter().find(|v| !v.is_null()).cloned().unwrap_or_default(),
        (Func::Lower, Value::Str(s)) => Value::from(s.to_lowercase()),
        (Func::Length, Value::Str(s)) => Value::Int(i64::try_from(s.chars().count()).unwrap_or(i64::MAX)),
        (Func::Abs, Value::Int(i)) => i.checked_abs().map_or(Value::Null, Value::Int),
        (Func::Abs, Value::Float(f)) => Value::Float(f.abs()),
        (Func::Lower | Func::Length | Func::Abs, _) => Value::Null,
        _ => panic!("the oracle does not know this function"),
    }
}
