//! Policies: what the touches of a task, or of all tasks, obey.
//!
//! Each key is read by itself; then those that cannot hold together are refused, so that no task seems to be controlled
//! by what can never act.

mod backoff;
mod caps;
mod quiet;

use ensue_rule::{Policy, QuietHours, QuietMode, Share, Timestamp, TouchPolicy};

use super::json::{Node, Object};
use super::{filter, spans};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;

const KEYS: [&str; 12] = [
    "priority",
    "caps",
    "cooldown",
    "exclusive",
    "quiet",
    "quietMode",
    "holdout",
    "salt",
    "ttl",
    "delay",
    "cancelOn",
    "backoff",
];

const OF_ALL: [&str; 4] = ["caps", "minGap", "quiet", "onePerMoment"];

/// Reads `policy` of a task; what is wrong with it is reported. `quiet`: its document has quiet hours for all.
pub(super) fn read(node: &Node<'_>, quiet: bool, sink: &mut Sink) -> Option<Policy> {
    let object = keep(node.object(), sink)?;
    object.refuse_unknown(&KEYS, &[], sink);
    let modes = [("drop", QuietMode::Drop), ("defer", QuietMode::Defer)];
    let policy = Policy {
        priority: take(&object, "priority", sink, Node::integer).unwrap_or_default(),
        caps: caps::read(&object, &caps::OF_TASK, sink),
        cooldown: take(&object, "cooldown", sink, spans::read),
        ttl: take(&object, "ttl", sink, spans::read),
        exclusive: take(&object, "exclusive", sink, |n| n.name().map(Into::into)),
        quiet: quiet::read(&object, sink),
        quiet_mode: take(&object, "quietMode", sink, |n| n.choice(&modes)).unwrap_or_default(),
        holdout: take(&object, "holdout", sink, share).unwrap_or_default(),
        salt: take(&object, "salt", sink, |n| n.name().map(Into::into)),
        delay: take(&object, "delay", sink, spans::read),
        cancel_on: object.get("cancelOn").and_then(|n| filter::control(&n, sink)),
        backoff: object.get("backoff").map_or_else(Vec::new, |n| backoff::read(&n, sink)),
        ..Policy::default()
    };
    contradictions(&object, &policy, quiet, sink);
    Some(policy)
}

/// Reads `policy` of a document.
pub(super) fn read_of_all(node: &Node<'_>, sink: &mut Sink) -> Option<TouchPolicy> {
    let object = keep(node.object(), sink)?;
    object.refuse_unknown(&OF_ALL, &[], sink);
    let policy = TouchPolicy {
        caps: caps::read(&object, &caps::OF_ALL, sink),
        min_gap: take(&object, "minGap", sink, spans::read),
        quiet: quiet::read(&object, sink),
        one_per_moment: take(&object, "onePerMoment", sink, Node::boolean).unwrap_or_default(),
    };
    all_day(&object, &policy.quiet, sink);
    Some(policy)
}

/// Controls that cannot hold together.
fn contradictions(object: &Object<'_>, policy: &Policy, quiet: bool, sink: &mut Sink) {
    let mut say = |key: &str, message: &str, hint: &str| sink.push(contradiction(object, key, message).hint(hint));
    if policy.exclusive.is_some() && object.get("ttl").is_none() {
        let message = "`exclusive` without `ttl`: a decision that nobody answers would hold its group for ever";
        say("exclusive", message, "say by `ttl` how long a decision is good");
    }
    if policy.quiet_mode == QuietMode::Defer && object.get("quiet").is_none() && !quiet {
        let message = "`defer` without quiet hours: there is nothing to wait for";
        say("quietMode", message, "give the hours under `quiet`, here or in the policy of the document");
    }
    if policy.cancel_on.is_some() && policy.delay.is_none() && policy.quiet_mode == QuietMode::Drop {
        let message = "`cancelOn` of touches that never wait: there is nothing to cancel";
        say("cancelOn", message, "let them wait by `delay`, or by `\"quietMode\": \"defer\"`");
    }
    if let Some((delay, ttl)) = policy.delay.zip(policy.ttl)
        && ttl <= delay
    {
        let message = "`ttl` ends before `delay` does: no decision would ever be good, both count from the match";
        say("ttl", message, "make `ttl` longer than `delay`");
    }
    all_day(object, &policy.quiet, sink);
}

fn all_day(object: &Object<'_>, hours: &[QuietHours], sink: &mut Sink) {
    if QuietHours::cover(hours) {
        let d =
            contradiction(object, "quiet", "quiet hours that leave no minute of the day: nothing would ever go out");
        sink.push(d.hint("leave some of the day free"));
    }
}

/// That a key cannot hold beside others.
pub(super) fn contradiction(object: &Object<'_>, key: &str, message: &str) -> Diagnostic {
    Diagnostic::error(codes::CONTRADICTION, message).path(object.path_of(key))
}

/// From 0 to 1.
fn share(node: &Node<'_>) -> Result<Share, Diagnostic> {
    let part = node.number()?;
    Share::of(part).ok_or_else(|| {
        let d = node.error(codes::JSON_VALUE, format!("{part} is not a share"));
        d.hint("a share is from 0 (nobody) to 1 (everybody): a tenth is 0.1")
    })
}

/// A key that may be absent.
pub(super) fn take<'a, T>(
    object: &Object<'a>,
    key: &str,
    sink: &mut Sink,
    read: impl FnOnce(&Node<'a>) -> Result<T, Diagnostic>,
) -> Option<T> {
    object.get(key).and_then(|node| keep(read(&node), sink))
}

pub(super) fn keep<T>(read: Result<T, Diagnostic>, sink: &mut Sink) -> Option<T> {
    read.map_err(|d| sink.push(d)).ok()
}

/// The end of a task that also has a beginning.
pub(super) fn starts_before(starts: Option<Timestamp>, expires: Option<Timestamp>) -> bool {
    starts.zip(expires).is_none_or(|(starts, expires)| starts < expires)
}
