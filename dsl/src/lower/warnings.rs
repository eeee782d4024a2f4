//! What works and should be known.

use ensue_rule::{AfterMatch, Element, Pattern, Rule, Span, WithinKind};

use super::has_trends;
use super::pattern::shape::may_be_empty;
use crate::ast::RuleText;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;

/// Adds the warnings that a sound rule deserves.
pub(crate) fn add(text: &RuleText, rule: &Rule, strict: Option<Span>, sink: &mut Sink) {
    if let Some(span) = strict {
        let d =
            Diagnostic::warning(codes::SEES_EVERYTHING, "what comes next is asked: every event of the stream is kept");
        sink.push(d.at(span).hint("narrow the stream by the task's filter, or use `->`"));
    }
    within(text, sink);
    let skips = !matches!(rule.after_match, AfterMatch::Consume | AfterMatch::NoSkip { .. });
    if let Some(clause) = text.after_match.as_ref().filter(|_| skips) {
        let d = Diagnostic::warning(codes::SKIP_WAITS, "a finished match waits while a run that began earlier lives");
        sink.push(d.at(clause.span).hint("CONSUME, the default, gives each match when it completes"));
    }
    if rule.returns.iter().any(|r| has_trends(&r.expr))
        && let Some((span, hint)) = two_ways(&rule.pattern)
    {
        let d = Diagnostic::warning(codes::TRENDS_WAYS, "a match that arises in two ways is counted twice");
        sink.push(d.at(span).hint(hint));
    }
}

fn within(text: &RuleText, sink: &mut Sink) {
    let d = match (&text.within, &text.pattern) {
        (None, Some(pattern)) => {
            Diagnostic::warning(codes::NO_WITHIN, "no WITHIN: the default window of 24 hours holds")
                .at(pattern.span)
                .hint("say how long it may take, as in `WITHIN 10 MIN`")
        }
        (Some(w), _) if w.node.kind == WithinKind::Previous => {
            Diagnostic::warning(codes::WITHIN_PREVIOUS, "OF PREVIOUS bounds the step to the last stage only")
                .at(w.span)
                .hint("to bound any step write `->[< 5 MIN]`; the whole has the default window besides")
        }
        _ => return,
    };
    sink.push(d);
}

/// Where the same events can be read in two ways, and why.
fn two_ways(pattern: &Pattern) -> Option<(Span, &'static str)> {
    pattern.elements().find_map(in_two_ways)
}

fn in_two_ways(element: &Element) -> Option<(Span, &'static str)> {
    match element {
        Element::Group(g) => {
            let repeats = g.quantifier.as_ref().is_some_and(ensue_rule::Quantifier::repeats);
            let inner = g.pattern.quantifiers().iter().any(|q| q.repeats());
            if repeats && inner {
                return Some((g.span, "a loop inside a loop can split the same events in several ways"));
            }
            if repeats && g.pattern.elements().count() > 1 && g.pattern.elements().all(may_be_empty) {
                return Some((g.span, "what one turn takes, two that skip the rest can take as well"));
            }
            two_ways(&g.pattern)
        }
        Element::AnyOf(alternatives) => {
            let second = alternatives.iter().filter(|a| may_be_empty(a)).nth(1);
            let hint = "where several alternatives may be empty, taking none of them is a way each";
            second.and_then(span).map(|span| (span, hint)).or_else(|| alternatives.iter().find_map(in_two_ways))
        }
        Element::Stage(_) | Element::Not(_) | Element::AllOf(_) => None,
    }
}

fn span(element: &Element) -> Option<Span> {
    match element {
        Element::Stage(s) => Some(s.span),
        Element::Group(g) => Some(g.span),
        Element::AnyOf(list) => list.first().and_then(span),
        Element::AllOf(members) => members.first().map(|s| s.span),
        Element::Not(_) => None,
    }
}
