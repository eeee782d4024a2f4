//! What a rule asks of its events: the attributes that it reads and the constants that it compares them with. For those
//! who have recorded events at hand and can say which of it never occurs.

use std::collections::HashSet;
use std::sync::Arc;

use ensue_rule::{Attr, BinaryOp, Expr, ExprKind, Rule, Span, Value};

use super::expressions;
use super::index::Index;

/// An attribute that a rule reads, or compares with a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Of the events of which action types; empty: of any.
    pub action_types: Vec<Arc<str>>,
    /// Which attribute.
    pub attr: Attr,
    /// The constant that it is to equal; `None` where it is only read.
    pub value: Option<Value>,
    /// Where the rule says so.
    pub span: Span,
}

/// All that a rule asks of its events, in its order.
pub fn asked(rule: &Rule) -> Vec<Asked> {
    let index = Index::of(rule, None);
    let (mut out, mut known) = (Vec::new(), HashSet::new());
    let mut add = |asked: Asked| {
        if known.insert((asked.action_types.clone(), asked.attr.clone(), asked.value.clone())) {
            out.push(asked);
        }
    };
    for e in expressions(rule) {
        e.walk(|e| {
            let (stage, attr) = match &e.kind {
                ExprKind::Attr { stage, attr } | ExprKind::Aggregate { stage, attr: Some(attr), .. } => {
                    (stage.as_ref(), attr)
                }
                ExprKind::Prev { stage, attr } => (Some(stage), attr),
                _ => {
                    return equalities(e).into_iter().for_each(|(term, constant)| {
                        let ExprKind::Attr { stage, attr } = &term.kind else { return };
                        let ExprKind::Literal(value) = &constant.kind else { return };
                        add(asked_of(&index, stage.as_ref(), attr, Some(value), constant.span));
                    });
                }
            };
            add(asked_of(&index, stage, attr, None, e.span));
        });
    }
    out
}

fn asked_of(index: &Index<'_>, stage: Option<&Arc<str>>, attr: &Attr, value: Option<&Value>, span: Span) -> Asked {
    let action_types = if *attr == Attr::ActionType { Vec::new() } else { index.action_types(stage).to_vec() };
    Asked { action_types, attr: attr.clone(), value: value.cloned(), span }
}

/// The pairs of which an expression asks that they are equal.
fn equalities(e: &Expr) -> Vec<(&Expr, &Expr)> {
    match &e.kind {
        ExprKind::Binary(BinaryOp::Eq, a, b) => vec![(a, b), (b, a)],
        ExprKind::In(x, list) => list.iter().map(|v| (&**x, v)).collect(),
        _ => Vec::new(),
    }
}
