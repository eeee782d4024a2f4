//! Questions about the shape of a pattern.

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
    for step in pattern.then.iter().rev() {
        let found = match &step.element {
            Element::Not(n) if step.arrow == Contiguity::Relaxed => Some(n.span),
            element => inside(element),
        };
        if found.is_some() {
            return found;
        }
        if !may_be_empty(&step.element) {
            return None;
        }
    }
    inside(&pattern.first)
}

fn inside(element: &Element) -> Option<Span> {
    match element {
        Element::Group(g) => trailing_absence(&g.pattern),
        Element::AnyOf(alternatives) => alternatives.iter().find_map(inside),
        Element::Stage(_) | Element::Not(_) | Element::AllOf(_) => None,
    }
}
