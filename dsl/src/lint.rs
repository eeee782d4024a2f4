//! What works and is probably not meant: warnings that `ensue check` gives and loading a task does not.
//!
//! Looks at sound tasks only, one at a time, at their rule model alone: no text is parsed here, no automaton built, no
//! event read. What needs recorded events is asked by the command line.

mod asked;
pub(crate) mod domain;
mod greedy;
mod index;
mod names;
mod outputs;
mod skip;
mod stages;
mod types;

use ensue_rule::{Expr, Filter, Rule, Task};

pub use asked::{Asked, asked};

use crate::diagnostic::Diagnostic;
use crate::format;
use crate::schema::Schema;
use crate::sink::Sink;
use index::Index;

/// What is said of a rule alone, read from this text.
pub(crate) fn rule(rule: &Rule, text: &str, schema: Option<&Schema>) -> Vec<Diagnostic> {
    let mut sink = Sink::default();
    of_rule(&Index::of(rule, Some(text)), &Filter::default(), schema, &mut sink);
    sink.into_sorted()
}

/// What is said of a task, rule and all. What is about the rule has a span, what is about another key of the task a
/// path behind that of the task: `policy.caps[0]`.
pub(crate) fn task(task: &Task, text: Option<&str>, schema: Option<&Schema>) -> Vec<Diagnostic> {
    let mut sink = Sink::default();
    let index = Index::of(&task.rule, text);
    of_rule(&index, &task.filter, schema, &mut sink);
    stages::absent_trigger(task, &index, &mut sink);
    outputs::add(task, &mut sink);
    if let Some(schema) = schema {
        names::of_task(task, schema, &mut sink);
    }
    sink.into_sorted()
}

/// What a schema says against a task: also asked where tasks are loaded together with one.
pub(crate) fn against_schema(task: &Task, text: Option<&str>, schema: &Schema) -> Vec<Diagnostic> {
    let mut sink = Sink::default();
    let index = Index::of(&task.rule, text);
    types::add(&index, Some(schema), &mut sink);
    names::of_rule(&index, schema, &mut sink);
    names::of_task(task, schema, &mut sink);
    sink.into_sorted()
}

fn of_rule(index: &Index<'_>, filter: &Filter, schema: Option<&Schema>, sink: &mut Sink) {
    types::add(index, schema, sink);
    stages::add(index, filter, sink);
    greedy::add(index, sink);
    skip::add(index.rule, sink);
    if let Some(schema) = schema {
        names::of_rule(index, schema, sink);
    }
}

/// An expression as messages quote it: as its author wrote it, where there is the text.
fn quoted(e: &Expr, text: Option<&str>) -> String {
    const LONGEST: usize = 60;
    let written = text.and_then(|t| t.get(e.span.start as usize..e.span.end as usize)).filter(|t| !t.contains("--"));
    let text = match written.filter(|_| e.span.is_known()) {
        Some(written) => written.split_whitespace().collect::<Vec<_>>().join(" "),
        None => format::expression(e),
    };
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("`{}...`", text.get(..at).unwrap_or("")),
        None => format!("`{text}`"),
    }
}

/// Every expression of a rule: conditions, UNTILs, what is returned.
pub(crate) fn expressions(rule: &Rule) -> impl Iterator<Item = &Expr> {
    let conditions = rule.conditions.iter().map(|c| &c.expr);
    let untils = rule.pattern.quantifiers().into_iter().filter_map(|q| q.until.as_ref());
    let returned = rule.returns.iter().chain(rule.on_timeout.iter().flatten()).map(|r| &r.expr);
    conditions.chain(untils).chain(returned)
}
