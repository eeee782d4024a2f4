//! Patterns as text.

use ensue_rule::{Bound, Contiguity, Element, Pattern, Quantifier, Stage};

use super::{duration, expr, name};

pub(super) fn text(pattern: &Pattern) -> String {
    let mut out = element(&pattern.first);
    for step in &pattern.then {
        out.push_str(match step.arrow {
            Contiguity::Strict => " =>",
            Contiguity::Relaxed => " ->",
            Contiguity::Any => " ->>",
        });
        out.extend(step.bound.map(bound));
        out.push(' ');
        out.push_str(&element(&step.element));
    }
    out
}

fn element(e: &Element) -> String {
    match e {
        Element::Stage(s) => stage(s),
        Element::Not(n) => format!("!{}", name(&n.name)),
        Element::Group(g) => {
            let quantifier = g.quantifier.as_ref().map(quantifier).unwrap_or_default();
            format!("({}){quantifier}", text(&g.pattern))
        }
        Element::AnyOf(alternatives) => alternatives.iter().map(element).collect::<Vec<_>>().join(" | "),
        Element::AllOf(members) => members.iter().map(stage).collect::<Vec<_>>().join(" & "),
    }
}

fn stage(s: &Stage) -> String {
    let quantifier = s.quantifier.as_ref().map(quantifier).unwrap_or_default();
    format!("{}{quantifier}", name(&s.name))
}

/// The count in its shortest form, then the suffixes in the order of the grammar.
fn quantifier(q: &Quantifier) -> String {
    let mut optional = q.optional;
    let mut out = match (q.min, q.max, q.optional) {
        (1, None, false) => "+".to_owned(),
        (1, max, true) => {
            optional = false;
            match max {
                None => "*".to_owned(),
                Some(1) => "?".to_owned(),
                Some(max) => format!("{{0,{max}}}"),
            }
        }
        (min, Some(max), _) if min == max => format!("{{{min}}}"),
        (min, max, _) => format!("{{{min},{}}}", max.map(|m| m.to_string()).unwrap_or_default()),
    };
    out.push_str(match q.inner {
        Contiguity::Strict => " STRICT",
        Contiguity::Relaxed => "",
        Contiguity::Any => " ANY",
    });
    out.extend(q.gap.map(|gap| format!(" {}", bound(gap))));
    out.extend(q.until.as_ref().map(|until| format!(" UNTIL ({})", expr::text(until))));
    out.push_str(if optional { " OPTIONAL" } else { "" });
    out.push_str(if q.greedy { " GREEDY" } else { "" });
    out
}

fn bound(b: Bound) -> String {
    format!("[{} {}]", if b.inclusive { "<=" } else { "<" }, duration(b.limit))
}
