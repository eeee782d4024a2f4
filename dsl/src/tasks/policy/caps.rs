//! `caps`: at most so many in a stretch of time.

use ensue_rule::{Cap, Counted, Per, TaskScope};

use super::{Node, Object, Sink, contradiction, keep, take};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::tasks::spans;

/// The keys of a cap of a task.
pub(super) const OF_TASK: [&str; 5] = ["limit", "per", "shared", "count", "scope"];

/// The keys of a cap over all touches.
pub(super) const OF_ALL: [&str; 4] = ["limit", "per", "count", "scope"];

/// The greatest limit: so many decisions of a name are remembered, and more.
const GREATEST: u32 = 1_000;

pub(super) fn read(object: &Object<'_>, keys: &[&str], sink: &mut Sink) -> Vec<Cap> {
    let caps = take(object, "caps", sink, Node::list).unwrap_or_default();
    caps.iter().filter_map(|n| cap(n, keys, sink)).collect()
}

fn cap(node: &Node<'_>, keys: &[&str], sink: &mut Sink) -> Option<Cap> {
    let object = keep(node.object(), sink)?;
    object.refuse_unknown(keys, &[], sink);
    let limit = keep(object.require("limit").and_then(|n| limit(&n)), sink);
    let per = keep(object.require("per").and_then(|n| per(&n)), sink);
    let shared = take(&object, "shared", sink, |n| n.name().map(Into::into)).filter(|_| keys.contains(&"shared"));
    let counts = [("decided", Counted::Decided), ("shown", Counted::Shown)];
    let count = take(&object, "count", sink, |n| n.choice(&counts)).unwrap_or_default();
    let scopes = [("user", TaskScope::User), ("device", TaskScope::Device)];
    let scope = take(&object, "scope", sink, |n| n.choice(&scopes)).unwrap_or_default();
    if per == Some(Per::Session) && scope == TaskScope::Device {
        let d = contradiction(&object, "scope", "sessions are each user's own: there is none of the device");
        sink.push(d.hint("count a session by user, or the device by time"));
    }
    Some(Cap { limit: limit?, per: per?, shared, count, scope })
}

fn limit(node: &Node<'_>) -> Result<u32, Diagnostic> {
    let n = node.integer()?;
    u32::try_from(n).ok().filter(|n| *n <= GREATEST).ok_or_else(|| {
        node.error(codes::JSON_VALUE, format!("a cap of {n}: it is from 0 (nothing goes out) to {GREATEST}"))
    })
}

fn per(node: &Node<'_>) -> Result<Per, Diagnostic> {
    match node.json.as_str() {
        Some("minute") => Ok(Per::Minute),
        Some("hour") => Ok(Per::Hour),
        Some("day") => Ok(Per::Day),
        Some("week") => Ok(Per::Week),
        Some("session") => Ok(Per::Session),
        Some(text) => spans::read(node).map(Per::Span).map_err(|_| {
            let text = crate::token::shorten(text);
            let d = node.error(codes::JSON_VALUE, format!("`{text}` is neither a unit nor a span"));
            d.hint("minute, hour, day, week or session, or a span as in `30s`, `5m`, `2h`, `7d`")
        }),
        None => Err(node.wrong("minute, hour, day, week, session, or a span as in \"7d\"")),
    }
}
