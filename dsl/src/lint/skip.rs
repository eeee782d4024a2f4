//! SKIP strategies under which every later match waits for the end of the window.

use ensue_rule::{AfterMatch, Element, Rule};

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;

/// Under SKIP a finished match waits while a run that began earlier lives. Other strategies discard the match's own run
/// with it; skipping to its very first event does not, and where an open loop keeps that run alive, all that begins
/// later waits until the window ends.
pub(super) fn add(rule: &Rule, sink: &mut Sink) {
    let (stage, last) = match &rule.after_match {
        AfterMatch::SkipToFirst { stage, .. } => (stage, false),
        AfterMatch::SkipToLast { stage, .. } => (stage, true),
        _ => return,
    };
    let Element::Stage(first) = &rule.pattern.first else { return };
    let repeats = first.quantifier.as_ref().is_some_and(ensue_rule::Quantifier::repeats);
    let open = rule.pattern.quantifiers().into_iter().find(|q| q.max.is_none() && q.until.is_none());
    let Some(open) = open.filter(|_| first.name == *stage && !(last && repeats)) else { return };
    let message = format!(
        "SKIP TO `{stage}` lets the run of a match go on, and this open loop keeps it alive: later matches wait until \
         the window ends"
    );
    let d = Diagnostic::warning(codes::SKIP_OPEN_LOOP, message).at(open.span);
    sink.push(d.hint("skip to a later stage, give the loop a maximum or an UNTIL, or use CONSUME"));
}
