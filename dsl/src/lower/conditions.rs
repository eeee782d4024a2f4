//! WHERE: each conjunct lowered, and put at the stage at which it is asked.

use ensue_rule::{BinaryOp, Condition, Expr, ExprKind, Pattern, PlaceError, Span};

use super::expr::{Lowering, Place};
use super::names::Names;
use crate::ast;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;

/// The conditions, in the order written.
pub(crate) fn lower(conjuncts: &[ast::Expr], pattern: &Pattern, names: &Names<'_>, sink: &mut Sink) -> Vec<Condition> {
    let mut out = Vec::new();
    for conjunct in conjuncts {
        let Some(expr) = Lowering::new(Place::Where, names, sink).condition(conjunct) else { continue };
        if let Some(d) = exclusive(&expr, names) {
            sink.push(d);
            continue;
        }
        match Condition::place(expr, pattern) {
            Ok(c) => out.push(c),
            Err(e) => sink.add(|| misplaced(&e, conjunct.span, names)),
        }
    }
    out
}

/// That a conjunct needs two stages of which a match binds only one. An OR over them is sense: either may hold.
fn exclusive(conjunct: &Expr, names: &Names<'_>) -> Option<Diagnostic> {
    if matches!(conjunct.kind, ExprKind::Binary(BinaryOp::Or, ..)) {
        return None;
    }
    let mut mentioned: Vec<(usize, Span)> = Vec::new();
    conjunct.walk(|e| {
        let at = e.stage().and_then(|s| names.find(s));
        if let Some(at) = at.filter(|at| mentioned.iter().all(|(m, _)| m != at)) {
            mentioned.push((at, e.span));
        }
    });
    let mut pairs = mentioned.iter().enumerate().flat_map(|(n, a)| mentioned.iter().take(n).map(move |b| (a, b)));
    let ((_, span), _) = pairs.find(|(a, b)| names.are_exclusive(a.0, b.0))?;
    let d = Diagnostic::error(codes::EXCLUSIVE, "no match has both of these: they stand in different branches of `|`");
    Some(d.at(*span).hint("write it as an OR, or as a condition on each branch"))
}

fn misplaced(error: &PlaceError, conjunct: Span, names: &Names<'_>) -> Diagnostic {
    let message = error.to_string();
    match error {
        PlaceError::NoStage => Diagnostic::error(codes::NO_STAGE, message)
            .at(conjunct)
            .hint(format!("say of which stage: as in `{}.args.x = 1`", names.example())),
        PlaceError::UnknownStage(_, span) => Diagnostic::error(codes::UNKNOWN_STAGE, message).at(*span),
        PlaceError::AfterForbidden { forbidden, later, span } => Diagnostic::error(codes::FORBIDDEN_AND_LATER, message)
            .at(*span)
            .hint(format!("when `{forbidden}` is judged, `{later}` has not come: look only at stages before it")),
        PlaceError::MixedAggregate(stage, span) => Diagnostic::error(codes::MIXED_AGGREGATE, message)
            .at(*span)
            .hint(format!("RUNNING counts the `{stage}` under test in, PRIOR leaves it out")),
        PlaceError::NotUnderTest(stage, span) => Diagnostic::error(codes::NOT_UNDER_TEST, message)
            .at(*span)
            .hint(format!("leave the word out for all events of `{stage}`, or make it a condition of its own")),
    }
}
