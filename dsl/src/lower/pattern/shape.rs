//! Questions about the shape of a pattern.

use std::sync::Arc;

use ensue_rule::{Contiguity, Element, Pattern, Span, Stage};

/// Whether a match may pass the element without an event of it.
pub(crate) fn may_be_empty(element: &Element) -> bool {
    match element {
        Element::Stage(s) => is_optional(s),
        Element::Group(g) => {
            g.quantifier.as_ref().is_some_and(|q| q.optional) || g.pattern.elements().all(may_be_empty)
        }
        Element::Not(_) => true,
        Element::AnyOf(alternatives) => alternatives.iter().any(may_be_empty),
        Element::AllOf(members) => members.iter().all(is_optional),
    }
}

fn is_optional(stage: &Stage) -> bool {
    stage.quantifier.as_ref().is_some_and(|q| q.optional)
}

/// The last `-> !n` behind which every stage may be empty, also inside a group: only the end of the window completes
/// it. (`=> !n` is decided by the next event.)
pub(crate) fn trailing_absence(pattern: &Pattern) -> Option<Span> {
    trailing_absences(pattern).first().map(|(_, span)| *span)
}

/// All of these, the last first.
pub(crate) fn trailing_absences(pattern: &Pattern) -> Vec<(Arc<str>, Span)> {
    let mut out = Vec::new();
    for step in pattern.then.iter().rev() {
        match &step.element {
            Element::Not(n) if step.arrow == Contiguity::Relaxed => out.push((n.name.clone(), n.span)),
            element => inside(element, &mut out),
        }
        if !may_be_empty(&step.element) {
            return out;
        }
    }
    inside(&pattern.first, &mut out);
    out
}

fn inside(element: &Element, out: &mut Vec<(Arc<str>, Span)>) {
    match element {
        Element::Group(g) => out.extend(trailing_absences(&g.pattern)),
        Element::AnyOf(alternatives) => alternatives.iter().for_each(|a| inside(a, out)),
        Element::Stage(_) | Element::Not(_) | Element::AllOf(_) => {}
    }
}
