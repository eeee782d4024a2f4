//! The rule of a task: its text, or the compiled form.

use ensue_rule::{Dialect, Rule};
use serde_json::Value as Json;

use super::json::Node;
use crate::codes;
use crate::compiled;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;
use crate::{lower, text};

/// Reads `rule`: the rule, if nothing is wrong with it, and its name.
pub(super) fn read(node: &Node<'_>, dialect: Dialect, sink: &mut Sink) -> (Option<Rule>, Option<String>) {
    match node.json {
        Json::String(rule) => compile(rule, dialect, node, sink),
        Json::Object(_) => compiled(node, sink),
        _ => {
            sink.push(node.wrong("the text of a rule, or a compiled rule"));
            (None, None)
        }
    }
}

fn compile(rule: &str, dialect: Dialect, node: &Node<'_>, sink: &mut Sink) -> (Option<Rule>, Option<String>) {
    let read = text::read(rule, dialect);
    read.compiled.diagnostics.into_iter().for_each(|d| sink.push(d.path(node.path.as_str())));
    // The name serves as the id of the task also where something else is wrong with the rule.
    let name = read.tree.and_then(|t| t.name).map(|n| n.node.text);
    (read.compiled.rule, name)
}

fn compiled(node: &Node<'_>, sink: &mut Sink) -> (Option<Rule>, Option<String>) {
    let read = compiled::of(node.json);
    read.diagnostics.into_iter().for_each(|d| sink.push(d.path(node.path.as_str())));
    let name = read.rule.as_ref().and_then(|rule| rule.name.as_deref().map(str::to_owned));
    (read.rule, name)
}

/// Why a rule can't be run in a task without a trigger, if it can't: an absence at the end has no end without WITHIN.
/// [`crate::read_documents`] and [`crate::single_task`] refuse such tasks themselves.
pub fn refused_when_continuous(rule: &Rule) -> Option<Diagnostic> {
    let span = lower::trailing_absence(&rule.pattern).filter(|_| rule.within.is_none())?;
    let d = Diagnostic::error(codes::ABSENCE_WITHOUT_WITHIN, "an absence at the end needs WITHIN in a continuous task");
    Some(d.at(span).hint("say how long it must stay away, as in `WITHIN 5 MIN`"))
}

/// Why a rule can't be run by a trigger, if it can't: a look-back sees no time pass.
pub(super) fn refused_with_trigger(rule: &Rule) -> Option<Diagnostic> {
    rule.on_timeout.as_ref()?;
    let d = Diagnostic::error(codes::TIMEOUT_WITH_TRIGGER, "a task with a trigger has no timeouts");
    Some(d.hint("leave ON TIMEOUT out, or `actionTypeIn` and `sceneIn`"))
}
