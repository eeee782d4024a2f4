//! GREEDY where the rule means the same without it.

use ensue_rule::{Contiguity, Element, Pattern, Quantifier};

use super::index::Index;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::lint::domain::Test;
use crate::sink::Sink;

/// GREEDY keeps what stands behind a loop from taking or passing over the loop's events. It changes nothing where
/// nothing stands behind, or where the very next event is asked for and surely is none of the loop's. (An optional loop
/// it also keeps from being skipped, which may complete what stands before it.)
pub(super) fn add(index: &Index<'_>, sink: &mut Sink) {
    idle(&index.rule.pattern, true, index, sink);
}

/// `ends`: nothing comes behind this sequence, not even a further turn of it.
fn idle(pattern: &Pattern, ends: bool, index: &Index<'_>, sink: &mut Sink) {
    let count = pattern.then.len() + 1;
    for (n, element) in pattern.elements().enumerate() {
        let last = n + 1 == count;
        match element {
            Element::Stage(s) => {
                let Some(q) = s.quantifier.as_ref().filter(|q| q.greedy && !q.optional) else { continue };
                let next = pattern.then.get(n);
                if last && ends {
                    say(q, "nothing comes behind the loop", sink);
                } else if next.is_some_and(|step| is_apart(step, &s.name, index)) {
                    say(q, "the event right behind the loop is none of the loop's", sink);
                }
            }
            Element::Group(g) => {
                let once = g.quantifier.as_ref().is_none_or(|q| q.max == Some(1));
                idle(&g.pattern, once && last && ends, index, sink);
            }
            Element::AnyOf(_) | Element::AllOf(_) | Element::Not(_) => {}
        }
    }
}

fn say(q: &Quantifier, why: &str, sink: &mut Sink) {
    let d = Diagnostic::warning(codes::GREEDY_IDLE, format!("GREEDY changes nothing here: {why}")).at(q.span);
    sink.push(d.hint("leave it out"));
}

/// Whether the step is `=> b` with one b that is surely no event of the loop.
fn is_apart(step: &ensue_rule::Step, looped: &str, index: &Index<'_>) -> bool {
    let Element::Stage(b) = &step.element else { return false };
    if step.arrow != Contiguity::Strict || b.quantifier.as_ref().is_some_and(|q| q.optional) {
        return false;
    }
    let attrs = [ensue_rule::Attr::ActionType, ensue_rule::Attr::Scene, ensue_rule::Attr::Source];
    attrs.iter().any(|attr| {
        let mut domain = index.of_attr(looped, attr);
        let other = index.of_attr(&b.name, attr);
        let Some(values) = other.one_of().filter(|_| domain.one_of().is_some()) else { return false };
        domain.narrow(&Test::In(values.to_vec()));
        domain.is_empty()
    })
}
