//! Values of different types side by side: unequal for ever, without order, not to be computed with.

use std::sync::Arc;

use ensue_rule::{AggFn, BinaryOp, Expr, ExprKind, Func};

use super::index::Index;
use super::{expressions, quoted};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::schema::Schema;
use crate::sink::Sink;
use crate::types::{Args, Type, is_arithmetic, type_of};

pub(super) fn add(index: &Index<'_>, schema: Option<&Schema>, sink: &mut Sink) {
    let args = |stage: Option<&Arc<str>>, path: &[Arc<str>]| {
        schema.map_or(Type::Unknown, |schema| schema.type_of(index.action_types(stage), path))
    };
    for e in expressions(index.rule) {
        e.walk(|e| {
            if let Some(d) = mismatch(e, &Types { args: &args, text: index.text }) {
                sink.push(d);
            }
        });
    }
}

/// What is known of the types, and the text to quote from.
struct Types<'a> {
    args: &'a Args<'a>,
    text: Option<&'a str>,
}

fn mismatch(e: &Expr, types: &Types<'_>) -> Option<Diagnostic> {
    match &e.kind {
        ExprKind::Binary(op, a, b) if op.is_comparison() => compared(e, *op, a, b, types),
        ExprKind::Binary(op, a, b) if is_arithmetic(*op) => {
            [a, b].into_iter().find_map(|x| not_a(Type::Number, x, types))
        }
        ExprKind::Unary(ensue_rule::UnaryOp::Neg, x) => not_a(Type::Number, x, types),
        ExprKind::In(x, list) => list.iter().find_map(|v| compared(v, BinaryOp::Eq, x, v, types)),
        ExprKind::Between(x, low, high) => [low, high].into_iter().find_map(|v| compared(v, BinaryOp::Le, x, v, types)),
        ExprKind::Like(x, _) | ExprKind::Matches(x, _) => not_a(Type::Text, x, types),
        ExprKind::Call { func: Func::Abs, args: operands } => not_a(Type::Number, operands.first()?, types),
        ExprKind::Call { func: Func::Hour | Func::Weekday | Func::Coalesce, .. } => None,
        ExprKind::Call { args: operands, .. } => not_a(Type::Text, operands.first()?, types),
        ExprKind::Aggregate { func: AggFn::Sum | AggFn::Avg, stage, attr: Some(attr), .. } => {
            let of = Expr::from(ExprKind::Attr { stage: stage.clone(), attr: attr.clone() });
            not_a(Type::Number, &of, types).map(|d| d.at(e.span))
        }
        _ => None,
    }
}

fn compared(at: &Expr, op: BinaryOp, a: &Expr, b: &Expr, types: &Types<'_>) -> Option<Diagnostic> {
    let (left, right) = (type_of(a, types.args), type_of(b, types.args));
    let open = |t| matches!(t, Type::Unknown | Type::Null);
    if left == right || open(left) || open(right) {
        return None;
    }
    let outcome = match op {
        BinaryOp::Eq => "they are never equal",
        BinaryOp::Ne => "they are always unequal",
        _ => "they have no order",
    };
    let message = format!(
        "{} is {} and {} {}: {outcome}",
        quoted(a, types.text),
        left.describe(),
        quoted(b, types.text),
        right.describe()
    );
    let d = Diagnostic::warning(codes::TYPES_DIFFER, message).at(at.span);
    Some(match (left, right, &b.kind) {
        (Type::Text, Type::Number, ExprKind::Literal(v)) => d.hint(format!("as a text it is '{v}'")),
        (Type::Number, Type::Text, ExprKind::Literal(v)) => match v.as_str().map(str::parse::<f64>) {
            Some(Ok(_)) => d.hint(format!("as a number it stands without quotes: {}", v.as_str().unwrap_or(""))),
            _ => d,
        },
        _ => d,
    })
}

fn not_a(wanted: Type, x: &Expr, types: &Types<'_>) -> Option<Diagnostic> {
    let found = type_of(x, types.args);
    if found == wanted || matches!(found, Type::Unknown | Type::Null) {
        return None;
    }
    let message =
        format!("{} is {}, not {}: nothing comes of it", quoted(x, types.text), found.describe(), wanted.describe());
    Some(Diagnostic::warning(codes::TYPES_DIFFER, message).at(x.span))
}
