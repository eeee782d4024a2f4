//! Expressions compiled to run on an observed event and the registers of a run.
//!
//! Names are gone: an attribute of the event under test is a slot, anything of an earlier event a register. Evaluation
//! is two-valued and total: what cannot be computed is null, and a comparison with null is false.

mod compile;
mod functions;
mod like;
mod regex;

use std::borrow::Cow;
use std::cmp::Ordering;

use std::sync::Arc;

use ensue_rule::{BinaryOp, Expr, Func, UnaryOp, Value};

pub(crate) use compile::{Names, Resolve, TrendOf, compile};
pub(crate) use functions::arithmetic;
pub(crate) use like::Like;
pub(crate) use regex::Regex;

use crate::registers::{RegisterId, Registers};
use crate::set::SlotId;
use crate::table::Table;

/// A compiled expression.
#[derive(Clone, Debug, PartialEq, Hash)]
pub(crate) enum Code {
    Const(Value),
    /// An attribute of the event under test.
    Slot(SlotId),
    /// A register as it is before the event under test.
    Register(RegisterId),
    /// A register as it would be after the event under test.
    Running(RegisterId),
    /// How many different values a register has gathered, or their sum.
    DistinctCount(Box<Code>),
    DistinctSum(Box<Code>),
    Call(Func, Vec<Code>),
    Unary(UnaryOp, Box<Code>),
    Binary(BinaryOp, Box<Code>, Box<Code>),
    In(Box<Code>, Vec<Code>),
    Between(Box<Code>, Box<Code>, Box<Code>),
    Like(Box<Code>, Like),
    Matches(Box<Code>, Regex),
    IsNull(Box<Code>),
}

/// What an expression looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// The event under test, by slot.
    pub(crate) slots: &'a [Value],
    /// The registers of the run.
    pub(crate) registers: &'a Registers,
    /// How registers are computed.
    pub(crate) definitions: &'a Table<RegisterId, crate::registers::Register>,
}

const NULL: &Value = &Value::Null;

impl<'a> View<'a> {
    fn slot(&self, slot: SlotId) -> &'a Value {
        self.slots.get(slot.index()).unwrap_or(NULL)
    }
}

impl Code {
    /// Whether the condition holds: only `true` does.
    pub(crate) fn holds(&self, view: View<'_>) -> bool {
        matches!(*self.eval(view), Value::Bool(true))
    }

    /// The value. Recursion is bounded by the depth limit of the rule language.
    pub(crate) fn eval<'a>(&'a self, view: View<'a>) -> Cow<'a, Value> {
        match self {
            Self::Const(v) => Cow::Borrowed(v),
            Self::Slot(s) => Cow::Borrowed(view.slot(*s)),
            Self::Register(r) => view.registers.get(*r, view.definitions),
            Self::Running(r) => Cow::Owned(view.registers.after(*r, view.definitions, view.slots)),
            Self::DistinctCount(of) => Cow::Owned(functions::distinct_count(&of.eval(view))),
            Self::DistinctSum(of) => Cow::Owned(functions::distinct_sum(&of.eval(view))),
            Self::Call(func, args) => {
                let values: Vec<Value> = args.iter().map(|a| a.eval(view).into_owned()).collect();
                Cow::Owned(functions::call(*func, &values))
            }
            Self::Unary(UnaryOp::Not, x) => Cow::Owned(Value::Bool(!x.holds(view))),
            Self::Unary(UnaryOp::Neg, x) => Cow::Owned(functions::negate(&x.eval(view))),
            Self::Binary(op, a, b) => Cow::Owned(binary(*op, a, b, view)),
            Self::In(x, list) => {
                let value = x.eval(view);
                Cow::Owned(Value::Bool(list.iter().any(|e| value.equals(&e.eval(view)))))
            }
            Self::Between(x, low, high) => {
                let value = x.eval(view);
                let from = value.order(&low.eval(view)).is_some_and(Ordering::is_ge);
                Cow::Owned(Value::Bool(from && value.order(&high.eval(view)).is_some_and(Ordering::is_le)))
            }
            Self::Like(x, like) => Cow::Owned(Value::Bool(x.eval(view).as_str().is_some_and(|s| like.matches(s)))),
            Self::Matches(x, regex) => Cow::Owned(Value::Bool(x.eval(view).as_str().is_some_and(|s| regex.finds(s)))),
            Self::IsNull(x) => Cow::Owned(Value::Bool(x.eval(view).is_null())),
        }
    }

    /// Calls `visit` with every slot that the expression reads.
    pub(crate) fn slots(&self, visit: &mut impl FnMut(SlotId)) {
        match self {
            Self::Slot(s) => visit(*s),
            Self::Const(_) | Self::Register(_) | Self::Running(_) => {}
            Self::Unary(_, x)
            | Self::Like(x, _)
            | Self::Matches(x, _)
            | Self::IsNull(x)
            | Self::DistinctCount(x)
            | Self::DistinctSum(x) => x.slots(visit),
            Self::Binary(_, a, b) => [a, b].into_iter().for_each(|x| x.slots(visit)),
            Self::Between(x, a, b) => [x, a, b].into_iter().for_each(|x| x.slots(visit)),
            Self::Call(_, list) => list.iter().for_each(|x| x.slots(visit)),
            Self::In(x, list) => std::iter::once(&**x).chain(list).for_each(|x| x.slots(visit)),
        }
    }

    /// `slot = register`, if that is what the condition says.
    pub(crate) fn correlates(&self) -> Option<(SlotId, RegisterId)> {
        match self {
            Self::Binary(BinaryOp::Eq, a, b) => match (&**a, &**b) {
                (Self::Slot(s), Self::Register(r)) | (Self::Register(r), Self::Slot(s)) => Some((*s, *r)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Puts null in place of the registers that are `gone`.
    pub(crate) fn forget(&mut self, gone: &impl Fn(RegisterId) -> bool) {
        match self {
            Self::Register(r) if gone(*r) => *self = Self::Const(Value::Null),
            Self::Const(_) | Self::Slot(_) | Self::Register(_) | Self::Running(_) => {}
            Self::Unary(_, x)
            | Self::Like(x, _)
            | Self::Matches(x, _)
            | Self::IsNull(x)
            | Self::DistinctCount(x)
            | Self::DistinctSum(x) => x.forget(gone),
            Self::Binary(_, a, b) => [a, b].into_iter().for_each(|x| x.forget(gone)),
            Self::Between(x, a, b) => [x, a, b].into_iter().for_each(|x| x.forget(gone)),
            Self::Call(_, list) => list.iter_mut().for_each(|x| x.forget(gone)),
            Self::In(x, list) => std::iter::once(&mut **x).chain(list).for_each(|x| x.forget(gone)),
        }
    }

    /// Calls `visit` with every register that the expression reads.
    pub(crate) fn registers(&self, visit: &mut impl FnMut(RegisterId)) {
        match self {
            Self::Register(r) | Self::Running(r) => visit(*r),
            Self::Const(_) | Self::Slot(_) => {}
            Self::Unary(_, x)
            | Self::Like(x, _)
            | Self::Matches(x, _)
            | Self::IsNull(x)
            | Self::DistinctCount(x)
            | Self::DistinctSum(x) => x.registers(visit),
            Self::Binary(_, a, b) => [a, b].into_iter().for_each(|x| x.registers(visit)),
            Self::Between(x, a, b) => [x, a, b].into_iter().for_each(|x| x.registers(visit)),
            Self::Call(_, list) => list.iter().for_each(|x| x.registers(visit)),
            Self::In(x, list) => std::iter::once(&**x).chain(list).for_each(|x| x.registers(visit)),
        }
    }
}

fn binary(op: BinaryOp, a: &Code, b: &Code, view: View<'_>) -> Value {
    match op {
        BinaryOp::And => return Value::Bool(a.holds(view) && b.holds(view)),
        BinaryOp::Or => return Value::Bool(a.holds(view) || b.holds(view)),
        _ => {}
    }
    let (x, y) = (a.eval(view), b.eval(view));
    let ordered = |test: fn(Ordering) -> bool| Value::Bool(x.order(&y).is_some_and(test));
    match op {
        BinaryOp::Eq => Value::Bool(x.equals(&y)),
        BinaryOp::Ne => Value::Bool(!x.is_null() && !y.is_null() && !x.equals(&y)),
        BinaryOp::Lt => ordered(Ordering::is_lt),
        BinaryOp::Le => ordered(Ordering::is_le),
        BinaryOp::Gt => ordered(Ordering::is_gt),
        BinaryOp::Ge => ordered(Ordering::is_ge),
        _ => functions::arithmetic(op, &x, &y),
    }
}

/// An expression over named values; null for names that there are not, and where it is one that [`check_values`] refuses.
pub(crate) fn evaluate(expr: &Expr, values: &[(Arc<str>, Value)]) -> Value {
    let definitions = Table::default();
    let view = View { slots: &[], registers: Registers::EMPTY, definitions: &definitions };
    compile::over_values(expr, values).map_or(Value::Null, |code| code.eval(view).into_owned())
}

/// Whether an expression over named values can be computed at all.
pub(crate) fn check_values(expr: &Expr) -> Result<(), crate::Error> {
    compile::over_values(expr, &[]).map(drop)
}
