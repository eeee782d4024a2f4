//! Outputs: what a match opens.

use std::sync::Arc;

use ensue_rule::{Expr, ExprKind, On, Output, OutputKind, Return, Rule, Value};
use serde::Deserialize;

use super::json::{self, Node, Object};
use crate::codes;
use crate::compile_expr;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;
use crate::suggest;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Touch,
    Event,
    Model,
}

/// Reads `output`: one or a list. `rule` is `None` where something is wrong with it, and then not asked.
pub(super) fn read(node: &Node<'_>, rule: Option<&Rule>, sink: &mut Sink) -> Vec<Output> {
    node.one_or_more().iter().filter_map(|n| output(n, rule, sink)).collect()
}

fn keep<T>(read: Result<T, Diagnostic>, sink: &mut Sink) -> Option<T> {
    read.map_err(|d| sink.push(d)).ok()
}

fn output(node: &Node<'_>, rule: Option<&Rule>, sink: &mut Sink) -> Option<Output> {
    let object = keep(node.object(), sink)?;
    let kinds = [("touch", Kind::Touch), ("event", Kind::Event), ("model", Kind::Model)];
    let kind = keep(object.require("type").and_then(|n| n.choice(&kinds)), sink)?;
    let own_keys: &[&str] = match kind {
        Kind::Model => {
            sink.push(json::not_built("model", object.path_of("type")));
            return None;
        }
        Kind::Touch => &["type", "on", "when", "touch", "payload"],
        Kind::Event => &["type", "on", "when", "actionType", "scene"],
    };
    object.refuse_unknown(own_keys, &[], sink);
    let on = on(&object, rule, sink);
    let when = object.get("when").map(|n| when(&n, on, rule, sink));
    let kind = if kind == Kind::Touch { touch(&object, sink) } else { event(&object, sink) };
    Some(Output { on, when: when.flatten(), kind: kind? })
}

fn touch(object: &Object<'_>, sink: &mut Sink) -> Option<OutputKind> {
    let touch = keep(object.require("touch").and_then(|n| n.name()), sink)?.into();
    let payload = object.get("payload").and_then(|n| Value::deserialize(n.json).ok()).unwrap_or_default();
    Some(OutputKind::Touch { touch, payload })
}

fn event(object: &Object<'_>, sink: &mut Sink) -> Option<OutputKind> {
    let action_type = keep(object.require("actionType").and_then(|n| n.name()), sink);
    let scene: Option<Arc<str>> = object.get("scene").and_then(|n| keep(n.text(), sink)).map(Into::into);
    Some(OutputKind::Event { action_type: action_type?.into(), scene })
}

fn on(object: &Object<'_>, rule: Option<&Rule>, sink: &mut Sink) -> On {
    let Some(node) = object.get("on") else { return On::Match };
    let on = keep(node.choice(&[("match", On::Match), ("timeout", On::Timeout)]), sink).unwrap_or_default();
    if on == On::Timeout && rule.is_some_and(|r| r.on_timeout.is_none()) {
        let d = node.error(codes::NO_ON_TIMEOUT, "the rule reports no timeouts");
        sink.push(d.hint("add ON TIMEOUT RETURN to it"));
    }
    on
}

/// The condition of an output; its names must be values that the rule returns.
fn when(node: &Node<'_>, on: On, rule: Option<&Rule>, sink: &mut Sink) -> Option<Expr> {
    let text = keep(node.text(), sink)?;
    let expr = match compile_expr(text) {
        Ok(expr) => expr,
        Err(diagnostics) => {
            diagnostics.into_iter().for_each(|d| sink.push(d.path(node.path.as_str())));
            return None;
        }
    };
    let Some(rule) = rule else { return Some(expr) };
    let returns: &[Return] = match on {
        On::Match => &rule.returns,
        On::Timeout => rule.on_timeout.as_deref().unwrap_or_default(),
    };
    expr.walk(|e| {
        let ExprKind::Value(name) = &e.kind else { return };
        if returns.iter().any(|r| r.name == *name) {
            return;
        }
        let known = returns.iter().map(|r| &*r.name);
        let hint = suggest::hint(name, known, "RETURN it AS this name in the rule");
        let message = format!("no returned value is called `{}`", crate::token::shorten(name));
        let d = Diagnostic::error(codes::UNKNOWN_VALUE, message).at(e.span).text(text.into());
        sink.push(d.path(node.path.as_str()).hint(hint));
    });
    Some(expr)
}
