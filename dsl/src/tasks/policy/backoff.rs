//! `backoff`: three forms, told apart by their keys; one, or a list of them.

use ensue_rule::{Backoff, Duration};

use super::{Node, Object, Sink, keep, share};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::tasks::spans;

/// So many decisions are remembered, and more.
const GREATEST: u32 = 1_000;

pub(super) fn read(node: &Node<'_>, sink: &mut Sink) -> Vec<Backoff> {
    node.one_or_more().iter().filter_map(|n| form(n, sink)).collect()
}

/// One form; nothing where it is `"adaptive": false`, or wrong.
fn form(node: &Node<'_>, sink: &mut Sink) -> Option<Backoff> {
    let object = keep(node.object(), sink)?;
    if object.get("dismissed").is_some() {
        object.refuse_unknown(&["dismissed", "for"], &[], sink);
        let times = keep(object.require("dismissed").and_then(|n| count(&n)), sink);
        let wait = wait(&object, sink);
        return Some(Backoff::Dismissed { times: times?, wait: wait? });
    }
    if object.get("minClickRate").is_some() {
        object.refuse_unknown(&["minClickRate", "trials", "for"], &[], sink);
        let floor = keep(object.require("minClickRate").and_then(|n| share(&n)), sink);
        let trials = keep(object.require("trials").and_then(|n| count(&n)), sink);
        let wait = wait(&object, sink);
        return Some(Backoff::ClickRate { floor: floor?, trials: trials?, wait: wait? });
    }
    if let Some(adaptive) = object.get("adaptive") {
        object.refuse_unknown(&["adaptive"], &[], sink);
        return keep(adaptive.boolean(), sink).filter(|on| *on).map(|_| Backoff::Adaptive);
    }
    object.refuse_unknown(&["dismissed", "minClickRate", "trials", "for", "adaptive"], &[], sink);
    let d = node.error(codes::MISSING_KEY, "a back-off has `dismissed`, `minClickRate` or `adaptive`");
    sink.push(d.hint("as in {\"dismissed\": 3, \"for\": \"7d\"}"));
    None
}

fn wait(object: &Object<'_>, sink: &mut Sink) -> Option<Duration> {
    keep(object.require("for").and_then(|n| spans::read(&n)), sink)
}

fn count(node: &Node<'_>) -> Result<u32, Diagnostic> {
    let n = node.integer()?;
    u32::try_from(n)
        .ok()
        .filter(|n| (1..=GREATEST).contains(n))
        .ok_or_else(|| node.error(codes::JSON_VALUE, format!("{n} is not a number from 1 to {GREATEST}")))
}
