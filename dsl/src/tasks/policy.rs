//! Policies: what the touches of a task obey.

use ensue_rule::{Cap, Per, Policy};

use super::json::{self, Node, Object};
use super::spans;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;

const KEYS: [&str; 4] = ["priority", "caps", "cooldown", "ttl"];
const NOT_BUILT: [&str; 8] = ["exclusive", "quiet", "quietMode", "holdout", "salt", "delay", "cancelOn", "backoff"];

/// Reads `policy`; what is wrong with it is reported.
pub(super) fn read(node: &Node<'_>, sink: &mut Sink) -> Option<Policy> {
    let object = keep(node.object(), sink)?;
    object.refuse_unknown(&KEYS, &NOT_BUILT, sink);
    let mut policy = Policy::default();
    if let Some(priority) = object.get("priority").and_then(|n| keep(n.integer(), sink)) {
        policy.priority = priority;
    }
    policy.cooldown = object.get("cooldown").and_then(|n| keep(spans::read(&n), sink));
    policy.ttl = object.get("ttl").and_then(|n| keep(spans::read(&n), sink));
    let caps = object.get("caps").and_then(|n| keep(n.list(), sink)).unwrap_or_default();
    policy.caps = caps.iter().filter_map(|n| cap(n, sink)).collect();
    Some(policy)
}

fn keep<T>(read: Result<T, Diagnostic>, sink: &mut Sink) -> Option<T> {
    read.map_err(|d| sink.push(d)).ok()
}

fn cap(node: &Node<'_>, sink: &mut Sink) -> Option<Cap> {
    let object = keep(node.object(), sink)?;
    object.refuse_unknown(&["limit", "per", "shared", "count", "scope"], &[], sink);
    only_default(&object, "count", "decided", "shown", sink);
    only_default(&object, "scope", "user", "device", sink);
    let limit = keep(object.require("limit").and_then(|n| limit(&n)), sink);
    let per = keep(object.require("per").and_then(|n| per(&n)), sink);
    let shared = object.get("shared").map(|n| keep(n.name(), sink).map(Into::into));
    Some(Cap { limit: limit?, per: per?, shared: shared.flatten() })
}

/// A key of which only the default is built.
fn only_default(object: &Object<'_>, key: &str, default: &str, other: &str, sink: &mut Sink) {
    let Some(node) = object.get(key) else { return };
    match node.choice(&[(default, true), (other, false)]) {
        Ok(true) => {}
        Ok(false) => sink.push(json::not_built(other, node.path)),
        Err(d) => sink.push(d),
    }
}

fn limit(node: &Node<'_>) -> Result<u32, Diagnostic> {
    let n = node.integer()?;
    u32::try_from(n)
        .map_err(|_| node.error(codes::JSON_VALUE, format!("a cap of {n}: it is 0 or more, and below 2^32")))
}

fn per(node: &Node<'_>) -> Result<Per, Diagnostic> {
    match node.json.as_str() {
        Some("day") => Ok(Per::Day),
        Some(word @ ("minute" | "hour" | "week" | "session")) => Err(json::not_built(word, node.path.as_str())),
        Some(_) => spans::read(node).map(Per::Span),
        None => Err(node.wrong("`day`, or a span as in \"7d\"")),
    }
}
