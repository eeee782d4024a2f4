//! Names that the schema does not have, with the nearest that it has.

use std::sync::Arc;

use ensue_rule::{Attr, BinaryOp, EntryTest, Expr, ExprKind, Span, Task, Value};

use super::expressions;
use super::index::Index;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::schema::Schema;
use crate::sink::Sink;
use crate::suggest;
use crate::token::shorten;

pub(super) fn of_rule(index: &Index<'_>, schema: &Schema, sink: &mut Sink) {
    for e in expressions(index.rule) {
        compared_types(e, schema, sink);
        e.walk(|e| {
            let (stage, attr) = match &e.kind {
                ExprKind::Attr { stage, attr } | ExprKind::Aggregate { stage, attr: Some(attr), .. } => {
                    (stage.as_ref(), attr)
                }
                ExprKind::Prev { stage, attr } => (Some(stage), attr),
                _ => return,
            };
            if let Attr::Arg(path) = attr {
                attribute(index.action_types(stage), path, e.span, schema, sink);
            }
        });
    }
    for attr in &index.rule.partition_by {
        if let Attr::Arg(path) = attr {
            partition(path, schema, sink);
        }
    }
}

/// A partition attribute may be one of any action type; it has no span of its own.
fn partition(path: &[Arc<str>], schema: &Schema, sink: &mut Sink) {
    let mut found = Sink::default();
    attribute(&[], path, Span::default(), schema, &mut found);
    for d in found.into_vec() {
        sink.push(Diagnostic { message: format!("PARTITION BY: {}", d.message), ..d });
    }
}

/// The action types that an expression compares with, wherever it does.
fn compared_types(e: &Expr, schema: &Schema, sink: &mut Sink) {
    e.walk(|e| {
        let is_type = |x: &Expr| matches!(&x.kind, ExprKind::Attr { attr: Attr::ActionType, .. });
        let with: Vec<&Expr> = match &e.kind {
            ExprKind::Binary(BinaryOp::Eq | BinaryOp::Ne, a, b) if is_type(a) => vec![b],
            ExprKind::Binary(BinaryOp::Eq | BinaryOp::Ne, a, b) if is_type(b) => vec![a],
            ExprKind::In(x, list) if is_type(x) => list.iter().collect(),
            _ => return,
        };
        for constant in with {
            let ExprKind::Literal(Value::Str(name)) = &constant.kind else { continue };
            if let Some(d) = unknown_type(name, schema) {
                sink.push(d.at(constant.span));
            }
        }
    });
}

fn unknown_type(name: &str, schema: &Schema) -> Option<Diagnostic> {
    if schema.has(name) {
        return None;
    }
    let known: Vec<String> = schema.action_types().take(8).map(|n| format!("`{n}`")).collect();
    let otherwise = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
    let message = format!("the schema has no action type `{}`", shorten(name));
    let d = Diagnostic::warning(codes::SCHEMA_ACTION_TYPE, message);
    Some(d.hint(suggest::hint(name, schema.action_types(), &otherwise)))
}

fn attribute(types: &[Arc<str>], path: &[Arc<str>], span: Span, schema: &Schema, sink: &mut Sink) {
    let known: Vec<Arc<str>> = types.iter().filter(|t| schema.has(t)).cloned().collect();
    // Of an action type that the schema does not have nothing is known.
    if known.len() < types.len() || schema.has_attribute(&known, path) {
        return;
    }
    let name = Attr::Arg(path.to_vec());
    let of = match known.as_slice() {
        [] => "no action type".to_owned(),
        [one] => format!("`{one}`"),
        several => several.iter().map(|t| format!("`{t}`")).collect::<Vec<_>>().join(" or "),
    };
    let verb = if known.is_empty() { format!("in the schema {of} has") } else { format!("in the schema {of} has no") };
    let message = format!("{verb} `{name}`");
    let all = schema.attributes(&known);
    let word: String = path.iter().map(|n| &**n).collect::<Vec<_>>().join(".");
    let shown: Vec<String> = all.iter().take(8).map(|n| format!("`args.{n}`")).collect();
    let otherwise =
        if shown.is_empty() { "it has no attributes".to_owned() } else { format!("it has {}", shown.join(", ")) };
    let hint = suggest::nearest(&word, all.iter().map(String::as_str))
        .map_or(otherwise, |near| format!("did you mean `args.{near}`?"));
    sink.push(Diagnostic::warning(codes::SCHEMA_ATTRIBUTE, message).at(span).hint(hint));
}

/// The names in the keys around the rule.
pub(super) fn of_task(task: &Task, schema: &Schema, sink: &mut Sink) {
    let trigger = task.trigger.iter().flat_map(|t| &t.action_types);
    trigger.filter_map(|v| unknown_type(v, schema)).for_each(|d| sink.push(d.path("/actionTypeIn")));
    for (n, entry) in task.filter.entries.iter().enumerate() {
        for EntryTest { attr, values } in &entry.tests {
            let path = format!("filter[{n}].{attr}");
            match attr {
                Attr::ActionType => {
                    let names = values.iter().filter_map(Value::as_str);
                    names.filter_map(|v| unknown_type(v, schema)).for_each(|d| sink.push(d.path(path.as_str())));
                }
                Attr::Arg(name) => {
                    let mut found = Sink::default();
                    attribute(&[], name, Span::default(), schema, &mut found);
                    found.into_vec().into_iter().for_each(|d| sink.push(d.path(path.as_str())));
                }
                _ => {}
            }
        }
    }
}
