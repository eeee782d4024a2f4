//! What a task costs, in words: which conditions hold partial matches apart, and what makes more of the stream be kept
//! or looked at than a reader of the rule may expect.

use ensue_rule::{
    AfterMatch, BinaryOp, Condition, Demand, Expr, ExprKind, Moment, Scope, Task, Wanted, WithinKind, demand,
};

use super::fragment;

pub(super) fn explain(task: &Task) -> Vec<String> {
    let mut notes = conditions(task);
    let rule = &task.rule;
    if demand::sees_everything(&rule.pattern) {
        notes.push("`=>` or STRICT must see the very next event: every event of the stream is kept".to_owned());
    } else if Demand::of(task).events.iter().any(|e| e.action_types == Wanted::Any && e.scenes == Wanted::Any) {
        notes.push("a stage names no action type and no scene: every event of the stream is kept".to_owned());
    }
    match rule.within {
        None => notes.push("without WITHIN events are kept for the engine's default window".to_owned()),
        Some(w) if w.kind == WithinKind::Previous => {
            notes.push("OF PREVIOUS bounds the last step only: events are kept for the default window".to_owned());
        }
        Some(w) => notes.push(format!("events are kept for {}", fragment::duration(w.duration))),
    }
    if !matches!(rule.after_match, AfterMatch::Consume | AfterMatch::NoSkip { .. }) {
        notes.push("under SKIP a finished match waits while an earlier run lives".to_owned());
    }
    notes
}

/// Which conditions hold partial matches apart.
fn conditions(task: &Task) -> Vec<String> {
    let own = task.rule.conditions.iter();
    let notes: Vec<_> =
        own.filter_map(|c| held_apart(c).map(|why| format!("{}: {why}", fragment::expr(&c.expr)))).collect();
    if notes.is_empty() {
        vec!["every condition looks at one event: one run class a state, however many partial matches".to_owned()]
    } else {
        notes
    }
}

/// Why runs that differ in their events can't be one for this condition; nothing where they can.
fn held_apart(c: &Condition) -> Option<&'static str> {
    let (mut earlier, mut previous, mut own) = (false, false, false);
    c.expr.walk(|e| {
        earlier |= e.stage().is_some_and(|s| *s != c.stage);
        previous |= matches!(e.kind, ExprKind::Prev { .. });
        own |= aggregates(e, c);
    });
    match (earlier, previous, own) {
        (false, false, false) => None,
        (true, false, false) if is_equality(&c.expr) => Some("runs are held apart by the value compared with"),
        (false, true, false) => Some("runs are held apart by the event before in the loop; their number is limited"),
        (true, ..) => Some("runs are held apart by what they bound before; their number is limited"),
        (false, ..) => Some("runs are held apart by what the stage bound so far; their number is limited"),
    }
}

fn aggregates(e: &Expr, c: &Condition) -> bool {
    match &e.kind {
        ExprKind::Aggregate { scope: Scope::All, .. } => c.moment == Moment::Leave,
        ExprKind::Aggregate { .. } => true,
        _ => false,
    }
}

fn is_equality(e: &Expr) -> bool {
    let attr = |e: &Expr| matches!(e.kind, ExprKind::Attr { .. });
    matches!(&e.kind, ExprKind::Binary(BinaryOp::Eq, a, b) if attr(a) && attr(b))
}
