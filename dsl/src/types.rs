//! What is known of the type of an expression without an event: constants, built-in attributes and functions say
//! theirs, what `args` holds only a schema knows.

use std::sync::Arc;

use ensue_rule::{AggFn, Attr, BinaryOp, Expr, ExprKind, Func, UnaryOp, Value};

/// A type, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Number,
    Text,
    List,
    Map,
    Null,
    Unknown,
}

impl Type {
    /// With its article, as messages name it.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Bool => "a bool",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Null => "null",
            Self::Unknown => "unknown",
        }
    }

    /// The type of a value.
    pub(crate) fn of_value(v: &Value) -> Self {
        match v {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) | Value::Float(_) => Self::Number,
            Value::Str(_) => Self::Text,
            Value::List(_) => Self::List,
            Value::Map(_) => Self::Map,
        }
    }
}

/// What a path into `args` holds, asked with the stage whose event it is.
pub(crate) type Args<'a> = dyn Fn(Option<&Arc<str>>, &[Arc<str>]) -> Type + 'a;

/// The type of an expression.
pub(crate) fn type_of(e: &Expr, args: &Args<'_>) -> Type {
    match &e.kind {
        ExprKind::Literal(v) => Type::of_value(v),
        ExprKind::Attr { stage, attr } => attr_type(stage.as_ref(), attr, args),
        ExprKind::Prev { stage, attr } => attr_type(Some(stage), attr, args),
        ExprKind::Aggregate { func: AggFn::Count | AggFn::Sum | AggFn::Avg, .. }
        | ExprKind::Call { func: Func::Length | Func::Abs | Func::Hour | Func::Weekday, .. }
        | ExprKind::Unary(UnaryOp::Neg, _) => Type::Number,
        ExprKind::Binary(op, ..) if is_arithmetic(*op) => Type::Number,
        ExprKind::Aggregate { stage, attr, .. } => {
            attr.as_ref().map_or(Type::Unknown, |attr| attr_type(stage.as_ref(), attr, args))
        }
        ExprKind::Call { func: Func::Coalesce, args: operands } => {
            let mut types = operands.iter().map(|x| type_of(x, args)).filter(|t| *t != Type::Null);
            let first = types.next().unwrap_or(Type::Unknown);
            if types.all(|t| t == first) { first } else { Type::Unknown }
        }
        ExprKind::Value(_) => Type::Unknown,
        ExprKind::Call { .. } => Type::Text,
        _ => Type::Bool,
    }
}

fn attr_type(stage: Option<&Arc<str>>, attr: &Attr, args: &Args<'_>) -> Type {
    match attr {
        Attr::Ts => Type::Number,
        Attr::Arg(path) => args(stage, path),
        Attr::ActionType | Attr::Scene | Attr::Source | Attr::UserId => Type::Text,
    }
}

pub(crate) fn is_arithmetic(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem)
}
