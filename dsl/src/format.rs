//! Rules to canonical text.
//!
//! A rule is printed in lines, each with the span it was read from; [`format_text`] puts the comments of the text back
//! between them.

mod comments;
mod expr;
mod pattern;

use std::borrow::Cow;

use ensue_rule::{
    AfterMatch, AggFn, Attr, BinaryOp, Condition, Dialect, Duration, Expr, ExprKind, Moment, Pattern, Return, Rule,
    Scope, Span, Within, WithinKind,
};

use crate::ast::{self, RuleText};
use crate::diagnostic::Diagnostic;
use crate::lower::has_trends;
use crate::text;
use crate::token::Keyword;

/// A line of canonical text and what it was read from.
struct Line {
    text: String,
    span: Span,
}

/// The canonical text of a rule. Read in any dialect it gives the rule again: AFTER MATCH is always spelled out, unless
/// TRENDS implies it.
///
/// Only rules that a text can say have a text: lists, maps and numbers that are not finite print as NULL.
pub fn format(rule: &Rule) -> String {
    let unlimited = rule.after_match == AfterMatch::NoSkip { limit: None };
    let implied = unlimited && rule.returns.iter().any(|r| has_trends(&r.expr));
    let after_match = (!implied).then(|| after_match(&rule.after_match));
    let lines = lines(rule, after_match, None);
    let texts: Vec<_> = lines.into_iter().map(|l| l.text).collect();
    texts.join("\n") + "\n"
}

/// The canonical text of an expression as it stands in WHERE.
pub fn format_expr(e: &Expr) -> String {
    expr::conjunct(e)
}

/// The canonical text of a rule text. Comments are kept, and AFTER MATCH is left as it is: without the clause the
/// dialect of the task decides.
///
/// # Errors
/// What is wrong with the text.
pub fn format_text(text: &str) -> Result<String, Vec<Diagnostic>> {
    let read = text::read(text, Dialect::Ensue);
    let (Some(rule), Some(tree)) = (&read.compiled.rule, &read.tree) else {
        return Err(read.compiled.diagnostics);
    };
    let after_match = tree.after_match.as_ref().map(|clause| match &clause.node {
        ast::AfterMatch::NoSkip(ast::Limit::Default) => "NO SKIP".to_owned(),
        _ => after_match(&rule.after_match),
    });
    Ok(comments::weave(lines(rule, after_match, Some(tree)), text, &read.comments))
}

fn lines(rule: &Rule, after_match: Option<String>, tree: Option<&RuleText>) -> Vec<Line> {
    let mut out = Vec::new();
    let mut line = |text: String, span: Option<Span>| out.push(Line { text, span: span.unwrap_or_default() });
    if let Some(name) = &rule.name {
        line(format!("RULE {}", self::name(name)), tree.and_then(|t| Some(t.name.as_ref()?.span)));
    }
    line(format!("EVENT: {}", pattern::text(&rule.pattern)), tree.and_then(|t| Some(t.pattern.as_ref()?.span)));
    for (n, condition) in rule.conditions.iter().enumerate() {
        let word = if n == 0 { "WHERE" } else { "  AND" };
        let said = placed(condition, &rule.pattern);
        let text = if rule.conditions.len() == 1 { expr::text(&said) } else { expr::conjunct(&said) };
        line(format!("{word} {text}"), Some(condition.expr.span));
    }
    if let Some(w) = rule.within {
        line(format!("WITHIN {}", within(w)), tree.and_then(|t| Some(t.within.as_ref()?.span)));
    }
    if !rule.partition_by.is_empty() {
        let attrs: Vec<_> = rule.partition_by.iter().map(Attr::to_string).collect();
        let span = tree.and_then(|t| Some(t.partition_by.as_ref()?.span));
        line(format!("PARTITION BY {}", attrs.join(", ")), span);
    }
    if let Some(clause) = after_match {
        line(format!("AFTER MATCH {clause}"), tree.and_then(|t| Some(t.after_match.as_ref()?.span)));
    }
    if !rule.returns.is_empty() {
        line(format!("RETURN {}", returns(&rule.returns)), tree.and_then(|t| Some(t.returns.as_ref()?.span)));
    }
    if let Some(values) = &rule.on_timeout {
        let span = tree.and_then(|t| Some(t.on_timeout.as_ref()?.span));
        let returns = if values.is_empty() { String::new() } else { format!(" RETURN {}", returns(values)) };
        line(format!("ON TIMEOUT{returns}"), span);
    }
    out
}

/// The condition as a conjunct that is asked where the condition is. A text puts each conjunct at the latest stage that it
/// mentions; one that is asked at a stage without looking at it gets a mention that changes nothing.
fn placed<'c>(c: &'c Condition, pattern: &Pattern) -> Cow<'c, Expr> {
    let is_right =
        |e: &Expr| Condition::place(e.clone(), pattern).is_ok_and(|p| p.stage == c.stage && p.moment == c.moment);
    if is_right(&c.expr) {
        return Cow::Borrowed(&c.expr);
    }
    let stage = Some(c.stage.clone());
    let mention = match c.moment {
        Moment::Take => ExprKind::IsNull(Box::new(ExprKind::Attr { stage, attr: Attr::Ts }.into())).into(),
        Moment::Leave => {
            let (func, scope) = (AggFn::Count, Scope::All);
            let count = ExprKind::Aggregate { func, scope, distinct: false, stage, attr: None };
            Expr::binary(BinaryOp::Lt, count.into(), Expr::literal(0))
        }
    };
    let mentioned = Expr::binary(BinaryOp::Or, c.expr.clone(), mention);
    if is_right(&mentioned) { Cow::Owned(mentioned) } else { Cow::Borrowed(&c.expr) }
}

fn within(w: Within) -> String {
    let of = match w.kind {
        WithinKind::Match => "",
        WithinKind::Session => " OF SESSION",
        WithinKind::Previous => " OF PREVIOUS",
    };
    format!("{}{of}", duration(w.duration))
}

fn after_match(a: &AfterMatch) -> String {
    let skip_to = |which, stage: &str, or_error| {
        format!("SKIP TO {which} {}{}", name(stage), if or_error { " OR ERROR" } else { "" })
    };
    match a {
        AfterMatch::Consume => "CONSUME".to_owned(),
        AfterMatch::NoSkip { limit: None } => "NO SKIP NO LIMIT".to_owned(),
        AfterMatch::NoSkip { limit: Some(n) } => format!("NO SKIP LIMIT {n}"),
        AfterMatch::SkipPastLastEvent => "SKIP PAST LAST EVENT".to_owned(),
        AfterMatch::SkipToNextEvent => "SKIP TO NEXT EVENT".to_owned(),
        AfterMatch::SkipToFirst { stage, or_error } => skip_to("FIRST", stage, *or_error),
        AfterMatch::SkipToLast { stage, or_error } => skip_to("LAST", stage, *or_error),
    }
}

fn returns(values: &[Return]) -> String {
    let values: Vec<_> = values.iter().map(|r| format!("{} AS {}", expr::text(&r.expr), any_name(&r.name))).collect();
    values.join(", ")
}

/// An expression alone.
pub(crate) fn expression(e: &Expr) -> String {
    expr::text(e)
}

/// The duration in the greatest units that fit: `1 H 30 MIN`.
fn duration(d: Duration) -> String {
    const UNITS: [(&str, i64); 5] = [("D", 86_400_000), ("H", 3_600_000), ("MIN", 60_000), ("S", 1_000), ("MS", 1)];
    let (mut left, mut parts) = (d.0, Vec::new());
    for (unit, ms) in UNITS {
        if left / ms > 0 {
            parts.push(format!("{} {unit}", left / ms));
            left %= ms;
        }
    }
    if parts.is_empty() { "0 MS".to_owned() } else { parts.join(" ") }
}

/// A name where reserved words are none.
pub(crate) fn name(name: &str) -> String {
    if Keyword::of(name).is_some() { quoted(name) } else { any_name(name) }
}

/// A name where every word is one.
pub(crate) fn any_name(name: &str) -> String {
    if ensue_rule::event::is_plain_name(name) { name.to_owned() } else { quoted(name) }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
