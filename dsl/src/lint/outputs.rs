//! Caps that nothing can reach, and returned values that nothing reads.

use ensue_rule::{Cap, Counted, Duration, On, Per, Policy, Return, Rule, Span, Task, TaskScope};

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;

pub(super) fn add(task: &Task, sink: &mut Sink) {
    caps(&task.policy, sink);
    unread(task, sink);
}

/// A cap of the task's own decisions that another of its controls keeps from being reached.
fn caps(policy: &Policy, sink: &mut Sink) {
    let plain = |c: &Cap| c.count == Counted::Decided && c.scope == TaskScope::User && c.per != Per::Session;
    for (n, cap) in policy.caps.iter().enumerate().filter(|(_, c)| c.shared.is_none() && plain(c)) {
        let by_cooldown = policy.cooldown.map(|c| (most_under_cooldown(cap.per, c), "`cooldown`".to_owned()));
        let others = policy.caps.iter().enumerate().filter(|(m, other)| *m != n && plain(other));
        let by_caps = others.filter_map(|(m, other)| {
            let most = most_under(cap.per, other)?;
            // Of two that say the same the first stands.
            (most < u64::from(cap.limit) || m < n).then(|| (most, format!("`caps[{m}]`")))
        });
        let stricter = by_cooldown.into_iter().chain(by_caps).find(|(most, _)| *most <= u64::from(cap.limit));
        let Some((most, by)) = stricter.filter(|_| cap.limit > 0) else { continue };
        let decisions = if most == 1 { "1 decision".to_owned() } else { format!("{most} decisions") };
        let message =
            format!("this cap of {} can never be reached: {by} lets at most {decisions} through in it", cap.limit);
        let d = Diagnostic::warning(codes::CAP_IDLE, message).path(format!("policy.caps[{n}]"));
        sink.push(d.hint("leave it out, or lower its limit"));
    }
}

/// The longest that a stretch can be.
fn length(per: Per) -> i64 {
    match per {
        Per::Minute => Duration::MINUTE.0,
        Per::Hour => Duration::HOUR.0,
        Per::Day => Duration::DAY.0,
        Per::Week => 7 * Duration::DAY.0,
        Per::Session => i64::MAX,
        Per::Span(d) => d.0,
    }
}

fn most_under_cooldown(per: Per, cooldown: Duration) -> u64 {
    u64::try_from(length(per).saturating_sub(1) / cooldown.0.max(1) + 1).unwrap_or(u64::MAX)
}

/// The most decisions that `other` lets through in any stretch of `per`.
fn most_under(per: Per, other: &Cap) -> Option<u64> {
    let stretches = match (per, other.per) {
        (_, Per::Span(d)) => length(per).saturating_sub(1) / d.0.max(1) + 1,
        // A sliding span touches one unit of the calendar more than it is long.
        (Per::Span(d), unit) => d.0.saturating_sub(1) / length(unit) + 2,
        // Units of the calendar lie one in the other.
        (outer, inner) => (length(outer) / length(inner)).max(1),
    };
    u64::try_from(stretches).ok()?.checked_mul(other.limit.into())
}

/// Values that nothing takes up. A touch carries the values of its match to the app, and an event has them as its
/// `args`: what opens on a match reads all that the match returns.
fn unread(task: &Task, sink: &mut Sink) {
    if task.outputs.is_empty() {
        return;
    }
    let opens = |on| task.outputs.iter().any(|o| o.on == on);
    let mut say = |values: &[Return], on: On, message: &str, hint: &str| {
        let Some(span) = span_of(values).filter(|_| !opens(on)) else { return };
        sink.push(Diagnostic::warning(codes::RETURN_UNREAD, message).at(span).hint(hint));
    };
    let Rule { returns, on_timeout, .. } = &task.rule;
    let hint = "give an output without `on`, or leave RETURN out";
    say(returns, On::Match, "no output opens on a match: nothing reads what RETURN computes", hint);
    let hint = "give an output `\"on\": \"timeout\"`, or leave ON TIMEOUT out";
    let values = on_timeout.as_deref().unwrap_or_default();
    say(values, On::Timeout, "no output opens on a timeout: nothing reads what ON TIMEOUT returns", hint);
}

fn span_of(values: &[Return]) -> Option<Span> {
    values.iter().map(|r| r.expr.span).reduce(Span::to)
}
