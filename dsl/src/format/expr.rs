//! Expressions as text, with no more parentheses than their structure needs.

use ensue_rule::{Attr, BinaryOp, Expr, ExprKind, Func, Scope, UnaryOp, Value};

use super::name;
use crate::lower::{aggregate_name, function_name};

/// How tightly a construct binds; what binds weaker than its place allows stands in parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Minus,
    Atom,
}

/// An expression that stands alone.
pub(super) fn text(e: &Expr) -> String {
    at(e, Level::Or)
}

/// A conjunct among others.
pub(super) fn conjunct(e: &Expr) -> String {
    at(e, Level::Not)
}

fn at(e: &Expr, least: Level) -> String {
    let (level, text) = print(e);
    if level < least { format!("({text})") } else { text }
}

fn print(e: &Expr) -> (Level, String) {
    match &e.kind {
        ExprKind::Unary(UnaryOp::Not, x) => match test(x, "NOT ") {
            Some(text) => (Level::Comparison, text),
            None => (Level::Not, format!("NOT {}", at(x, Level::Not))),
        },
        ExprKind::Unary(UnaryOp::Neg, x) => (Level::Minus, minus(x)),
        ExprKind::Binary(op, a, b) => binary(e, *op, a, b),
        _ => match test(e, "") {
            Some(text) => (Level::Comparison, text),
            None => (Level::Atom, atom(e)),
        },
    }
}

/// IN, BETWEEN, LIKE, MATCHES and IS NULL, with NOT before the word.
fn test(e: &Expr, not: &str) -> Option<String> {
    let x = |x: &Expr| at(x, Level::Sum);
    Some(match &e.kind {
        ExprKind::In(a, list) => {
            let list: Vec<_> = list.iter().map(text).collect();
            format!("{} {not}IN ({})", x(a), list.join(", "))
        }
        ExprKind::Between(a, low, high) => format!("{} {not}BETWEEN {} AND {}", x(a), x(low), x(high)),
        ExprKind::Like(a, pattern) => format!("{} {not}LIKE {}", x(a), quoted(pattern)),
        ExprKind::Matches(a, pattern) => format!("{} {not}MATCHES {}", x(a), quoted(pattern)),
        ExprKind::IsNull(a) => format!("{} IS {not}NULL", x(a)),
        _ => return None,
    })
}

/// A minus before a number would be the number's, and one before a minus would begin a comment.
fn minus(x: &Expr) -> String {
    let operand = at(x, Level::Minus);
    if operand.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        format!("-({operand})")
    } else {
        format!("-{operand}")
    }
}

fn binary(e: &Expr, op: BinaryOp, a: &Expr, b: &Expr) -> (Level, String) {
    let (level, left, right) = match op {
        BinaryOp::Or => return (Level::Or, chain(e, op, Level::And).join(" OR ")),
        BinaryOp::And => return (Level::And, chain(e, op, Level::Not).join(" AND ")),
        BinaryOp::Add | BinaryOp::Sub => (Level::Sum, Level::Sum, Level::Product),
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => (Level::Product, Level::Product, Level::Minus),
        _ => (Level::Comparison, Level::Sum, Level::Sum),
    };
    (level, format!("{} {} {}", at(a, left), sign(op), at(b, right)))
}

/// The operands of a chain, if its tree has the shape in which such a chain is read; else its two halves.
fn chain(e: &Expr, op: BinaryOp, operand: Level) -> Vec<String> {
    let operands = match &e.kind {
        ExprKind::Binary(_, a, b) if size_if_balanced(e, op).is_none() => vec![&**a, &**b],
        _ => leaves(e, op),
    };
    operands.into_iter().map(|x| at(x, operand)).collect()
}

fn leaves(e: &Expr, op: BinaryOp) -> Vec<&Expr> {
    match &e.kind {
        ExprKind::Binary(o, a, b) if *o == op => leaves(a, op).into_iter().chain(leaves(b, op)).collect(),
        _ => vec![e],
    }
}

/// How many operands the chain has, if each of its halves is as large as reading it would make it.
fn size_if_balanced(e: &Expr, op: BinaryOp) -> Option<usize> {
    match &e.kind {
        ExprKind::Binary(o, a, b) if *o == op => {
            let (a, b) = (size_if_balanced(a, op)?, size_if_balanced(b, op)?);
            (a == b || a == b + 1).then_some(a + b)
        }
        _ => Some(1),
    }
}

fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::And => "AND",
        BinaryOp::Or => "OR",
        BinaryOp::Eq => "=",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
    }
}

fn atom(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Literal(v) => literal(v),
        ExprKind::Attr { stage, attr } => path(stage.as_deref(), Some(attr)),
        ExprKind::Value(value) => name(value),
        ExprKind::Aggregate { func, scope, distinct, stage, attr } => {
            let scope = match scope {
                Scope::All => "",
                Scope::Running => "RUNNING ",
                Scope::Prior => "PRIOR ",
                Scope::Trends => "TRENDS ",
            };
            let over = stage.as_ref().map_or_else(|| "*".to_owned(), |s| path(Some(s), attr.as_ref()));
            format!("{scope}{}({}{over})", aggregate_name(*func), if *distinct { "DISTINCT " } else { "" })
        }
        ExprKind::Prev { stage, attr } => format!("PREV({})", path(Some(stage), Some(attr))),
        ExprKind::Call { func, args } => format!("{}({})", function_name(*func), arguments(*func, args)),
        // The others are no atoms.
        _ => String::new(),
    }
}

fn path(stage: Option<&str>, attr: Option<&Attr>) -> String {
    match (stage, attr) {
        (Some(stage), Some(attr)) => format!("{}.{attr}", name(stage)),
        (Some(stage), None) => name(stage),
        (None, attr) => attr.map(Attr::to_string).unwrap_or_default(),
    }
}

fn arguments(func: Func, args: &[Expr]) -> String {
    match (func, args) {
        (Func::Hour | Func::Weekday, [Expr { kind: ExprKind::Attr { stage: Some(stage), attr: Attr::Ts }, .. }]) => {
            name(stage)
        }
        _ => args.iter().map(text).collect::<Vec<_>>().join(", "),
    }
}

fn literal(v: &Value) -> String {
    match v {
        Value::Bool(b) => if *b { "TRUE" } else { "FALSE" }.to_owned(),
        Value::Int(i) => i.to_string(),
        Value::Float(x) if x.is_finite() => {
            let digits = x.to_string();
            if digits.contains('.') { digits } else { digits + ".0" }
        }
        Value::Str(s) => quoted(s),
        Value::Null | Value::Float(_) | Value::List(_) | Value::Map(_) => "NULL".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
