//! `rollout`: to whom a task goes out at all, and from when on.

use ensue_rule::{Rollout, SdkVersion, Share, Timestamp};

use super::json::Node;
use super::policy::{contradiction, keep, starts_before, take};
use super::time;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;

/// Reads `rollout` of a task that ends at `expires`; what is wrong with it is reported.
pub(super) fn read(node: &Node<'_>, expires: Option<Timestamp>, sink: &mut Sink) -> Option<Rollout> {
    let object = keep(node.object(), sink)?;
    object.refuse_unknown(&["percent", "salt", "minSdk", "maxSdk", "starts"], &[], sink);
    let rollout = Rollout {
        share: take(&object, "percent", sink, percent),
        salt: take(&object, "salt", sink, |n| n.name().map(Into::into)),
        min_sdk: take(&object, "minSdk", sink, version),
        max_sdk: take(&object, "maxSdk", sink, version),
        starts: take(&object, "starts", sink, time::read),
    };
    if rollout.min_sdk.zip(rollout.max_sdk).is_some_and(|(min, max)| min > max) {
        let d = contradiction(&object, "maxSdk", "`maxSdk` is below `minSdk`: the task would go out to no version");
        sink.push(d.hint("both are versions to which it still goes out"));
    }
    if !starts_before(rollout.starts, expires) {
        let d = contradiction(&object, "starts", "the task `expires` before it starts");
        sink.push(d.hint("let it start before it ends"));
    }
    Some(rollout)
}

fn percent(node: &Node<'_>) -> Result<Share, Diagnostic> {
    let percent = node.number()?;
    Share::of(percent / 100.0).ok_or_else(|| {
        let d = node.error(codes::JSON_VALUE, format!("{percent} is not a percentage"));
        d.hint("from 0 (nobody) to 100 (everybody)")
    })
}

fn version(node: &Node<'_>) -> Result<SdkVersion, Diagnostic> {
    let text = node.text()?;
    SdkVersion::parse(text).ok_or_else(|| {
        let d = node.error(codes::JSON_VALUE, format!("`{}` is not a version", crate::token::shorten(text)));
        d.hint("one to three numbers with dots between, as in `0.1.0`")
    })
}
