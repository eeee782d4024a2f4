//! A task in a few sentences: what it waits for, what it forbids, how long, what it costs and keeps.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use ensue_matcher::Tier;
use ensue_rule::{
    Attr, BinaryOp, Contiguity, Element, Expr, ExprKind, Moment, Pattern, Rule, Step, Task, Value, WithinKind,
};

use super::stages::times;
use super::{demand, fragment};

pub(super) fn explain(task: &Task, tier: Tier, demands: &[demand::Explained]) -> Vec<String> {
    let rule = &task.rule;
    let mut out = vec![format!("waits for {}", sequence(&rule.pattern, rule))];
    forbidden(&rule.pattern, rule, None, &mut out);
    out.push(window(rule));
    if !rule.returns.is_empty() {
        let names: Vec<_> = rule.returns.iter().map(|r| &*r.name).collect();
        out.push(format!("gives {}", names.join(", ")));
    }
    out.push(format!("cost tier {} of 4: {}", number(tier), in_words(tier)));
    out.push(kept(rule, demands));
    out
}

fn sequence(pattern: &Pattern, rule: &Rule) -> String {
    let mut text = element(&pattern.first, rule);
    for step in pattern.then.iter().filter(|s| !matches!(s.element, Element::Not(_))) {
        text.push_str(match step.arrow {
            Contiguity::Strict => ", at once ",
            Contiguity::Relaxed => ", then ",
            Contiguity::Any => ", then any later ",
        });
        text.push_str(&element(&step.element, rule));
        if let Some(bound) = step.bound {
            let most = if bound.inclusive { "at most" } else { "less than" };
            let _ = write!(text, " {most} {} later", fragment::duration(bound.limit));
        }
    }
    text
}

fn element(e: &Element, rule: &Rule) -> String {
    let list = |all: &[Element], between: &str| all.iter().map(|e| element(e, rule)).collect::<Vec<_>>().join(between);
    match e {
        Element::Stage(s) => stage(s, rule),
        Element::Not(n) => format!("no {}", n.name),
        Element::AnyOf(branches) => format!("either {}", list(branches, " or ")),
        Element::AllOf(members) => {
            let members: Vec<_> = members.iter().map(|s| stage(s, rule)).collect();
            format!("{} in any order", members.join(" and "))
        }
        Element::Group(g) => match &g.quantifier {
            Some(q) => format!("{} of ({})", times(q, "turn", "turns"), sequence(&g.pattern, rule)),
            None => format!("({})", sequence(&g.pattern, rule)),
        },
    }
}

fn stage(s: &ensue_rule::Stage, rule: &Rule) -> String {
    let kind = kind(&s.name, rule);
    match &s.quantifier {
        None => format!("one {}{kind}", s.name),
        Some(q) => times(q, &format!("{}{kind}", s.name), &format!("{}{kind}", s.name)),
    }
}

/// ` (pv in item_detail)`: what a stage takes, as far as its action type and scene say it.
fn kind(stage: &Arc<str>, rule: &Rule) -> String {
    let named = |attr| values(stage, rule, &attr).join(" or ");
    match (named(Attr::ActionType).as_str(), named(Attr::Scene).as_str()) {
        ("", "") => String::new(),
        (action, "") => format!(" ({action})"),
        ("", scene) => format!(" (in {scene})"),
        (action, scene) => format!(" ({action} in {scene})"),
    }
}

/// The texts that a condition of a stage asks an attribute to equal.
fn values(stage: &Arc<str>, rule: &Rule, attr: &Attr) -> Vec<String> {
    let is_it = |e: &Expr| matches!(&e.kind, ExprKind::Attr { stage: Some(s), attr: a } if s == stage && a == attr);
    let text = |e: &Expr| if let ExprKind::Literal(Value::Str(t)) = &e.kind { Some(t.to_string()) } else { None };
    let taken = rule.conditions.iter().filter(|c| c.stage == *stage && c.moment == Moment::Take);
    let of = |e: &Expr| match &e.kind {
        ExprKind::Binary(BinaryOp::Eq, a, b) if is_it(a) => text(b).into_iter().collect(),
        ExprKind::Binary(BinaryOp::Eq, a, b) if is_it(b) => text(a).into_iter().collect(),
        ExprKind::In(x, list) if is_it(x) => list.iter().filter_map(text).collect(),
        _ => Vec::new(),
    };
    taken.flat_map(|c| of(&c.expr)).collect()
}

/// A sentence for each negation; `before` is what stands before this sequence.
fn forbidden(pattern: &Pattern, rule: &Rule, before: Option<&Element>, out: &mut Vec<String>) {
    let mut last = Some(&pattern.first);
    inside(&pattern.first, rule, before, out);
    for (n, step) in pattern.then.iter().enumerate() {
        if let Element::Not(name) = &step.element {
            let next = pattern.then.iter().skip(n + 1).find(|s| !matches!(s.element, Element::Not(_)));
            let from = last.map(short).unwrap_or_default();
            let what = format!("forbids {}{}", name.name, kind(&name.name, rule));
            out.push(match (step.arrow, next) {
                (Contiguity::Strict, _) => format!("{what} as the very next event after {from}"),
                (_, Some(Step { element, .. })) => format!("{what} between {from} and {}", short(element)),
                (_, None) => format!("{what} after {from} until the window ends"),
            });
        } else {
            inside(&step.element, rule, last, out);
            last = Some(&step.element);
        }
    }
}

fn inside(e: &Element, rule: &Rule, before: Option<&Element>, out: &mut Vec<String>) {
    match e {
        Element::Group(g) => forbidden(&g.pattern, rule, before, out),
        Element::AnyOf(branches) => branches.iter().for_each(|b| inside(b, rule, before, out)),
        Element::Stage(_) | Element::Not(_) | Element::AllOf(_) => {}
    }
}

/// The names of an element's stages.
fn short(e: &Element) -> String {
    match e {
        Element::Stage(s) => s.name.to_string(),
        Element::Not(n) => n.name.to_string(),
        Element::AllOf(members) => members.iter().map(|s| &*s.name).collect::<Vec<_>>().join(" and "),
        Element::AnyOf(branches) => branches.iter().map(short).collect::<Vec<_>>().join(" or "),
        Element::Group(g) => format!("({})", g.pattern.elements().map(short).collect::<Vec<_>>().join(", ")),
    }
}

fn window(rule: &Rule) -> String {
    match rule.within {
        None => "all in less than the engine's default window, 24 H".to_owned(),
        Some(w) => {
            let length = fragment::duration(w.duration);
            match w.kind {
                WithinKind::Match => format!("all in less than {length}"),
                WithinKind::Session => format!("all in less than {length} and one session"),
                WithinKind::Previous => format!("the last step in less than {length}"),
            }
        }
    }
}

/// `keeps pv(args.item), leave for 10 MIN`.
fn kept(rule: &Rule, demands: &[demand::Explained]) -> String {
    let mut kinds: BTreeSet<String> = BTreeSet::new();
    for d in demands {
        let fields: Vec<_> = d.fields.iter().map(String::as_str).collect();
        let fields = if fields.is_empty() { String::new() } else { format!("({})", fields.join(", ")) };
        let scene = d.scenes.as_ref().map(|s| format!(" in {}", join(s))).unwrap_or_default();
        let action = d.action_types.as_ref().map_or_else(|| "every event".to_owned(), join);
        kinds.insert(format!("{action}{fields}{scene}"));
    }
    let long = rule.window(ensue_rule::Duration::DAY);
    let kinds: Vec<_> = kinds.iter().map(String::as_str).collect();
    format!("keeps {} for {}", kinds.join(", "), fragment::duration(long))
}

fn join(names: &BTreeSet<Arc<str>>) -> String {
    names.iter().map(|n| &**n).collect::<Vec<_>>().join(" or ")
}

/// The number of a cost tier, the cheapest first.
pub(super) fn number(tier: Tier) -> u8 {
    match tier {
        Tier::Single => 1,
        Tier::ByValue => 2,
        Tier::ByPrevious => 3,
        Tier::Explicit => 4,
    }
}

fn in_words(tier: Tier) -> &'static str {
    match tier {
        Tier::Single => "conditions look at single events, partial matches cost nothing each",
        Tier::ByValue => "partial matches are held apart by a value that is looked up",
        Tier::ByPrevious => "runs are held apart by what the event before in a loop was; their number is limited",
        Tier::Explicit => "runs are held apart by what they bound before; their number is limited",
    }
}
