//! The items of a run for a person: a line each, what a match led to indented below it.

use std::fmt::{Display, Write as _};

use ensue_rule::{Remark, Timestamp, Value};

use super::{Item, Report, Summary};
use crate::outcome::{Decision, DerivedRecord, MatchRecord, Named, Outcome, Refusal};

impl Item {
    /// As `ensue run` prints it without `--json`: a line, what a match led to below it; without the end of the line.
    pub fn to_text(&self) -> String {
        line(self)
    }
}

/// Items as `ensue run` prints them, one after another: over what became of a touch that had waited, and so stands apart from
/// its match, stands whose it is.
pub fn to_texts(items: &[Item]) -> impl Iterator<Item = String> {
    let mut shown: Option<&str> = None;
    items.iter().map(move |item| {
        let (at, user, task, of) = match item {
            Item::Outcome(Outcome::Match(m) | Outcome::Timeout(m)) => {
                shown = Some(&m.id);
                return line(item);
            }
            Item::Outcome(Outcome::Decision(d)) => (d.at, &d.user, &d.task, Some(&*d.match_id)),
            Item::Outcome(Outcome::Refusal(r)) => (r.at, &r.user, &r.task, r.match_id.as_deref()),
            _ => return line(item),
        };
        if of.is_none() || of == shown {
            return line(item);
        }
        shown = of;
        format!("{} {} {task}: waited\n{}", utc(at), user.as_deref().unwrap_or("-"), line(item))
    })
}

fn line(item: &Item) -> String {
    match item {
        Item::Report(r) => report(r),
        Item::Rejected(r) => format!("line {}: rejected: {}", r.line, r.reason),
        Item::Outcome(Outcome::Match(m)) => found("match", m),
        Item::Outcome(Outcome::Timeout(m)) => found("timeout", m),
        Item::Outcome(Outcome::Event(e)) => derived(e),
        Item::Outcome(Outcome::Decision(d)) => decision(d),
        Item::Outcome(Outcome::Refusal(r)) => refusal(r),
        Item::Summary(s) => summary(s),
    }
}

fn report(r: &Report) -> String {
    let mut text = r.source.as_deref().unwrap_or("tasks").to_owned();
    if let Some(version) = r.version {
        let _ = write!(text, " {version}");
    }
    text.push(':');
    let of_task = [r.task.as_deref(), r.status.map(crate::report::Status::as_str)];
    for word in of_task.into_iter().flatten() {
        let _ = write!(text, " {word}");
    }
    if let Some(error) = &r.error {
        let _ = write!(text, ": {}", remark(error));
    }
    for warning in &r.warnings {
        let _ = write!(text, "\n    warning: {}", remark(warning));
    }
    text
}

fn remark(r: &Remark) -> String {
    let path = if r.path.is_empty() { String::new() } else { format!("{}: ", r.path) };
    format!("{path}{} [{}]", r.message, r.code)
}

fn found(what: &str, m: &MatchRecord) -> String {
    let mut text = format!("{} {} {}: {what}", utc(m.at), m.user.as_deref().unwrap_or("-"), m.task);
    if let Some(key) = &m.partition {
        let _ = write!(text, " of {}", list(key));
    }
    for (stage, events) in &m.bindings.0 {
        let _ = write!(text, " {stage}={}", list(events));
    }
    text.push_str(&values(&m.values));
    text
}

fn derived(e: &DerivedRecord) -> String {
    format!("    event {}", e.event)
}

fn decision(d: &Decision) -> String {
    let until = d.expires_at.map_or(String::new(), |t| format!(", good until {}", utc(t)));
    format!("    decision {} {}{until}", d.id, d.touch)
}

fn refusal(r: &Refusal) -> String {
    let what = r.touch.as_deref().unwrap_or(&r.task);
    let detail =
        if r.detail.is_empty() { String::new() } else { format!(": {}", r.detail.replace('\n', "\n        ")) };
    format!("    refused {what}: {}{detail}", r.reason.as_str())
}

/// Ids as they are written on the command line: text without quotes.
fn list(values: &[Value]) -> String {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    values.iter().map(text).collect::<Vec<_>>().join(",")
}

fn values(values: &Named<Value>) -> String {
    let each: Vec<_> = values.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if each.is_empty() { String::new() } else { format!(" | {}", each.join(" ")) }
}

fn utc(t: Timestamp) -> impl Display {
    crate::iso::Utc(t)
}

/// The counters: the usual ones always, the others where something was counted.
fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn summary(s: &Summary) -> String {
    let mut text = format!("{}, {} rejected", counted(s.events, "event", "events"), s.rejected);
    let seldom = [(s.late, "late"), (s.clamped, "clamped"), (s.dropped, "dropped"), (s.capped, "capped")];
    for (n, what) in seldom.into_iter().chain([(s.null_key, "without a key")]) {
        if n > 0 {
            let _ = write!(text, ", {n} {what}");
        }
    }
    if s.errors > 0 {
        let _ = write!(text, ", {}", counted(s.errors, "error", "errors"));
    }
    let _ = write!(text, "; {} demanded, {} stored ({} bytes)", s.demanded, s.stored, s.bytes_stored);
    let matches = [(s.matches, "match", "matches"), (s.timeouts, "timeout", "timeouts")];
    let touches = [(s.decisions, "decision", "decisions"), (s.refusals, "refusal", "refusals")];
    for [(n, one, many), (m, other, others)] in [matches, touches] {
        let _ = write!(text, "; {}, {}", counted(n, one, many), counted(m, other, others));
    }
    let _ = write!(text, "; {:.2} s", s.seconds);
    text
}
