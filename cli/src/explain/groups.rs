//! How stages belong together: groups with their turns, alternatives, and stages in any order.

use ensue_rule::{Element, Pattern};

use super::stages::times;

pub(super) fn explain(pattern: &Pattern) -> Vec<String> {
    let mut out = Vec::new();
    pattern.elements().for_each(|e| element(e, &mut out));
    out
}

fn element(e: &Element, out: &mut Vec<String>) {
    match e {
        Element::Stage(_) | Element::Not(_) => {}
        Element::AllOf(members) => {
            let names: Vec<_> = members.iter().map(|s| &*s.name).collect();
            out.push(format!("{}: all, in any order", names.join(" & ")));
        }
        Element::AnyOf(branches) => {
            let names: Vec<_> = branches.iter().map(name).collect();
            out.push(format!("{}: either", names.join(" | ")));
            branches.iter().for_each(|b| element(b, out));
        }
        Element::Group(group) => {
            if let Some(quantifier) = &group.quantifier {
                out.push(format!("{}: {}", name(e), times(quantifier, "turn", "turns")));
            }
            group.pattern.elements().for_each(|e| element(e, out));
        }
    }
}

/// A short name of an element: its stages.
fn name(e: &Element) -> String {
    match e {
        Element::Stage(s) => s.name.to_string(),
        Element::Not(n) => format!("!{}", n.name),
        Element::AllOf(members) => members.iter().map(|s| &*s.name).collect::<Vec<_>>().join(" & "),
        Element::AnyOf(branches) => branches.iter().map(name).collect::<Vec<_>>().join(" | "),
        Element::Group(g) => format!("({})", g.pattern.elements().map(name).collect::<Vec<_>>().join(", ")),
    }
}
