//! The lines of an answer.

use std::fmt::Write as _;

use ensue_rule::{Return, Timestamp, Value};

use crate::example::Subject;

/// A match or timeout to be written down.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) what: &'static str,
    /// Stages and the names of their events.
    pub(crate) bindings: Vec<(String, Vec<String>)>,
    pub(crate) at: Timestamp,
    pub(crate) by_time: bool,
    /// The half step at which it came out, where that is known.
    pub(crate) step: Option<i64>,
    pub(crate) values: Vec<(&'a str, Value)>,
}

impl Shown<'_> {
    /// `match: a=1 b=2,3 @3 by time, out 5 -> n=2`.
    pub(crate) fn line(&self, subject: &Subject<'_>) -> String {
        let mut out = format!("{}:", self.what);
        for (stage, events) in &self.bindings {
            let _ = write!(out, " {stage}={}", events.join(","));
        }
        let _ = write!(out, " @{}{}", self.at.0, if self.by_time { " by time" } else { "" });
        if let Some(late) = self.step.and_then(|step| self.late(subject, step)) {
            let _ = write!(out, ", out {late}");
        }
        let values: Vec<String> = self.values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !values.is_empty() {
            let _ = write!(out, " -> {}", values.join(", "));
        }
        out
    }

    /// Where it came out, if it waited.
    fn late(&self, subject: &Subject<'_>, step: i64) -> Option<String> {
        let ts = |k: i64| usize::try_from(k).ok().and_then(|k| subject.events.get(k)).map(|e| e.ts);
        let k = step.div_euclid(2) + step.rem_euclid(2);
        let now = ts(k).or(subject.advance_to().map(|t| t.0)).unwrap_or(i64::MAX);
        let by_time = step % 2 != 0;
        let at_once = match (by_time, self.by_time) {
            (false, false) => now == self.at.0,
            (true, true) => self.at.0 <= now && ts(k - 1).is_none_or(|before| before < self.at.0),
            _ => false,
        };
        (!at_once).then(|| format!("{}{now}", if by_time { "before " } else { "" }))
    }
}

/// A line of the page without the values of RETURN.
pub(crate) fn without_values(line: &str) -> String {
    line.split(" -> ").next().unwrap_or(line).to_owned()
}

/// A line of the page without where it came out.
pub(crate) fn without_out(line: &str) -> String {
    let Some((before, after)) = line.split_once(", out ") else { return line.to_owned() };
    after.split_once(" -> ").map_or_else(|| before.to_owned(), |(_, values)| format!("{before} -> {values}"))
}

/// Whether the values of RETURN are over all matches at once.
pub(crate) fn are_trends(returns: &[Return]) -> bool {
    returns.iter().any(|r| {
        let mut trends = false;
        r.expr.walk(|e| {
            let scope = matches!(e.kind, ensue_rule::ExprKind::Aggregate { scope: ensue_rule::Scope::Trends, .. });
            trends |= scope;
        });
        trends
    })
}
