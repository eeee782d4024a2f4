//! The tree of the text to a rule: names resolved, defaults spelled out, and every check that needs no task.
//!
//! A stage of lowering reports what is wrong and goes on with the nearest sensible thing, so that later stages can
//! report too; the rule is given only where nothing was wrong.

mod call;
mod conditions;
mod expr;
mod names;
mod path;
mod pattern;
mod warnings;

use std::sync::Arc;

use ensue_rule::{AfterMatch, Attr, Dialect, ExprKind, Pattern, Return, Rule, Scope, Span, Within};

pub(crate) use call::{aggregate_name, function_name};
pub(crate) use expr::{Lowering, Place};
pub(crate) use names::Names;

use crate::ast;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;
use crate::suggest;

/// The rule that `text` says; `None` where something is wrong with it.
pub(crate) fn rule(text: &ast::RuleText, dialect: Dialect, sink: &mut Sink) -> Option<Rule> {
    let Some(sequence) = &text.pattern else { return None };
    let names = Names::of(&sequence.node, sink)?;
    let (pattern, strict) = pattern::lower(&sequence.node, &names, sink);
    let mut rule = Rule::new(pattern);
    rule.name = text.name.as_ref().map(|n| Arc::from(n.node.text.as_str()));
    rule.conditions = conditions::lower(&text.conjuncts, &rule.pattern, &names, sink);
    rule.within = text.within.as_ref().map(|w| Within { duration: w.node.duration, kind: w.node.kind });
    rule.partition_by = text.partition_by.as_ref().map_or_else(Vec::new, |p| partition_by(&p.node, &names, sink));
    rule.returns = text.returns.as_ref().map_or_else(Vec::new, |r| returns(&r.node, Place::Return, &names, sink));
    let timeout = text.on_timeout.as_ref();
    rule.on_timeout = timeout.map(|r| returns(&r.node, Place::OnTimeout, &names, sink));
    timeout_apart(text, &rule.returns, sink);
    rule.after_match = after_match(text, dialect, &rule.returns, &names, sink);
    if sink.has_errors() {
        return None;
    }
    warnings::add(text, &rule, strict, sink);
    Some(rule)
}

fn partition_by(attributes: &[ast::Expr], names: &Names<'_>, sink: &mut Sink) -> Vec<Attr> {
    let mut out: Vec<Attr> = Vec::new();
    for written in attributes {
        let Some(lowered) = Lowering::new(Place::Partition, names, sink).lower(written) else { continue };
        match lowered.kind {
            ExprKind::Attr { attr, .. } if out.contains(&attr) => {
                let message = format!("`{attr}` comes twice");
                sink.push(Diagnostic::error(codes::PARTITION_TWICE, message).at(written.span).hint("leave one out"));
            }
            ExprKind::Attr { attr, .. } => out.push(attr),
            _ => {
                let d = Diagnostic::error(codes::UNKNOWN_ATTRIBUTE, "PARTITION BY takes attributes").at(written.span);
                sink.push(d.hint("as in `PARTITION BY args.item`"));
            }
        }
    }
    out
}

fn returns(values: &[ast::Return], place: Place, names: &Names<'_>, sink: &mut Sink) -> Vec<Return> {
    let mut out: Vec<Return> = Vec::new();
    for value in values {
        if out.iter().any(|r| *r.name == *value.name.text) {
            let message = format!("two values are called `{}`", value.name.text);
            sink.push(
                Diagnostic::error(codes::DUPLICATE_RETURN, message).at(value.name.span).hint("rename one of them"),
            );
        }
        if let Some(expr) = Lowering::new(place, names, sink).lower(&value.expr) {
            out.push(Return { name: value.name.text.as_str().into(), expr });
        }
    }
    trends_apart(&out, sink);
    out
}

/// TRENDS values stand for all matches, others for one: a row has either.
fn trends_apart(returns: &[Return], sink: &mut Sink) {
    if !returns.iter().any(|r| has_trends(&r.expr)) {
        return;
    }
    for r in returns {
        let mut single = (!has_trends(&r.expr)).then_some(r.expr.span);
        r.expr.walk(|e| {
            let of_one_match =
                !matches!(e.kind, ExprKind::Aggregate { scope: Scope::Trends, .. }) && e.stage().is_some();
            single = single.or(of_one_match.then_some(e.span));
        });
        if let Some(span) = single {
            let d = Diagnostic::error(codes::TRENDS_MIXED, "beside TRENDS all values are over all matches").at(span);
            sink.push(d.hint("write TRENDS before it too, or make it a rule of its own"));
        }
    }
}

/// Under TRENDS no partial match is kept that could be reported.
fn timeout_apart(text: &ast::RuleText, returns: &[Return], sink: &mut Sink) {
    if let Some(clause) = text.on_timeout.as_ref().filter(|_| returns.iter().any(|r| has_trends(&r.expr))) {
        let d = Diagnostic::error(codes::TRENDS_ON_TIMEOUT, "TRENDS keeps no partial matches that could time out");
        sink.push(d.at(clause.span).hint("leave ON TIMEOUT out, or make it a rule of its own"));
    }
}

/// Whether an expression is over all matches that one event completes.
pub(crate) fn has_trends(expr: &ensue_rule::Expr) -> bool {
    let mut found = false;
    expr.walk(|e| found |= matches!(e.kind, ExprKind::Aggregate { scope: Scope::Trends, .. }));
    found
}

fn after_match(
    text: &ast::RuleText,
    dialect: Dialect,
    returns: &[Return],
    names: &Names<'_>,
    sink: &mut Sink,
) -> AfterMatch {
    let trends = returns.iter().any(|r| has_trends(&r.expr));
    let Some(clause) = &text.after_match else {
        return match dialect {
            Dialect::Ensue if !trends => AfterMatch::Consume,
            _ => AfterMatch::NoSkip { limit: None },
        };
    };
    match &clause.node {
        ast::AfterMatch::NoSkip(ast::Limit::Default | ast::Limit::None) if trends => AfterMatch::NoSkip { limit: None },
        _ if trends => {
            let d = Diagnostic::error(codes::TRENDS_AFTER_MATCH, "TRENDS is over all matches, none discarded");
            sink.push(d.at(clause.span).hint("leave AFTER MATCH out: TRENDS implies NO SKIP without LIMIT"));
            AfterMatch::NoSkip { limit: None }
        }
        ast::AfterMatch::Consume => AfterMatch::Consume,
        ast::AfterMatch::NoSkip(limit) => AfterMatch::NoSkip { limit: limit.resolve(dialect) },
        ast::AfterMatch::SkipPastLastEvent => AfterMatch::SkipPastLastEvent,
        ast::AfterMatch::SkipToNextEvent => AfterMatch::SkipToNextEvent,
        ast::AfterMatch::SkipTo { last, stage, or_error } => {
            skip_target(stage, names, sink);
            let (stage, or_error) = (stage.text.as_str().into(), *or_error);
            if *last { AfterMatch::SkipToLast { stage, or_error } } else { AfterMatch::SkipToFirst { stage, or_error } }
        }
    }
}

fn skip_target(stage: &ast::Name, names: &Names<'_>, sink: &mut Sink) {
    match names.find(&stage.text) {
        None => sink.add(|| names.unknown(stage)),
        Some(at) if names.is_forbidden(at) => {
            let message = format!("`{}` is forbidden: it has no event to skip to", stage.text);
            let d = Diagnostic::error(codes::SKIP_TARGET, message).at(stage.span);
            sink.push(d.hint("name a stage that takes events"));
        }
        Some(_) => {}
    }
}

/// The first place of a pattern at which an absence may complete a match, if there is one.
pub(crate) fn trailing_absence(pattern: &Pattern) -> Option<Span> {
    pattern::shape::trailing_absence(pattern)
}

/// The names of the forbidden stages that must be absent to the end, with their places.
pub(crate) fn trailing_absences(pattern: &Pattern) -> Vec<(Arc<str>, Span)> {
    pattern::shape::trailing_absences(pattern)
}

/// A hint for a name that is none of `known`.
fn meant<'n>(word: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    const SHOWN: usize = 8;
    let list: Vec<String> = known.clone().take(SHOWN).map(|n| format!("`{n}`")).collect();
    suggest::hint(word, known, &format!("the stages are {}", list.join(", ")))
}
