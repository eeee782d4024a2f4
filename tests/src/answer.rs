//! What was found in a stream, and how it compares with what a case expects.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::case::{Bindings, Case};

/// When something came out, in half steps: `2 k` while event `k` is processed, `2 k - 1` while time advances before it.
pub type HalfStep = i64;

/// All that one run over a stream let out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Matches in the order in which they came.
    pub matches: Vec<Given>,
    /// Partial matches that timed out.
    pub timeouts: Vec<Given>,
    /// Why the run failed, if it did.
    pub error: Option<String>,
}

/// One match or timeout.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Given {
    /// Its events.
    pub bindings: Bindings,
    /// When it was complete, or due, in event time.
    pub at: i64,
    /// When it came out.
    pub step: HalfStep,
}

/// A match as a case has it: bindings, step, and for timeouts the due time.
type Key = (Bindings, Option<i64>, Option<HalfStep>);

/// The half step that a case file writes as `k` or `k - 0.5`.
#[allow(clippy::cast_possible_truncation, reason = "case files hold small multiples of one half")]
fn half_steps(k: f64) -> HalfStep {
    (k * 2.0).round() as HalfStep
}

/// Says in what `got` differs from what `case` expects; nothing if it does not.
pub fn differences(case: &Case, got: &Answer) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(why) = &case.error {
        if got.error.is_none() {
            out.push(format!("expected an error ({why}), got {} matches", got.matches.len()));
        }
        return out;
    }
    if let Some(error) = &got.error {
        if !case.is_unanswered() {
            out.push(format!("error: {error}"));
        }
        return out;
    }
    if let Some(expected) = &case.matches {
        let steps = case.emitted.as_deref();
        let expected = keys(expected, None, steps);
        let got = got.matches.iter().map(|g| (g.bindings.clone(), None, steps.map(|_| g.step)));
        compare("match", expected, got.collect(), &mut out);
    }
    if let Some(expected) = &case.timeouts {
        let (due, steps) = (case.timeout_ts.as_deref(), case.timeouts_emitted.as_deref());
        let expected = keys(expected, due, steps);
        let key = |g: &Given| (g.bindings.clone(), due.map(|_| g.at), steps.map(|_| g.step));
        compare("timeout", expected, got.timeouts.iter().map(key).collect(), &mut out);
    }
    out
}

fn keys(bindings: &[Bindings], due: Option<&[i64]>, steps: Option<&[f64]>) -> Vec<Key> {
    let key = |(i, b): (usize, &Bindings)| (b.clone(), due.map(|d| d[i]), steps.map(|s| half_steps(s[i])));
    bindings.iter().enumerate().map(key).collect()
}

/// Compares as sets; what was given twice is wrong as well.
fn compare(what: &str, expected: Vec<Key>, got: Vec<Key>, out: &mut Vec<String>) {
    let mut count: BTreeMap<Key, (u32, u32)> = BTreeMap::new();
    for key in expected {
        count.entry(key).or_default().0 += 1;
    }
    for key in got {
        count.entry(key).or_default().1 += 1;
    }
    for (key, (expected, got)) in count {
        let wrong = match (expected, got) {
            (0, _) => "unexpected",
            (_, 0) => "missing",
            (_, 1) => continue,
            _ => "repeated",
        };
        out.push(format!("{wrong} {what} {}", show(&key)));
    }
}

/// `{a:[0], b:[1,2]} @ 3.5, due 17`.
fn show((bindings, due, step): &Key) -> String {
    let mut text = show_bindings(bindings);
    if let Some(step) = step {
        let _ =
            write!(text, " @ {}{}", step.div_euclid(2) + step.rem_euclid(2), if step % 2 == 0 { "" } else { "-0.5" });
    }
    if let Some(due) = due {
        let _ = write!(text, ", due {due}");
    }
    text
}

/// `{a:[0], b:[1,2]}`.
pub fn show_bindings(bindings: &Bindings) -> String {
    let each: Vec<String> = bindings.iter().map(|(name, ids)| format!("{name}:{ids:?}").replace(' ', "")).collect();
    format!("{{{}}}", each.join(" "))
}

impl Answer {
    /// The case that expects this answer.
    #[allow(clippy::cast_precision_loss, reason = "streams are short")]
    pub fn expected_by(&self, mut case: Case) -> Case {
        let halves = |given: &[Given]| Some(given.iter().map(|g| g.step as f64 / 2.0).collect());
        let bindings = |given: &[Given]| Some(given.iter().map(|g| g.bindings.clone()).collect());
        case.error.clone_from(&self.error);
        if self.error.is_some() {
            (case.matches, case.emitted) = (None, None);
            return case;
        }
        (case.matches, case.emitted) = (bindings(&self.matches), halves(&self.matches));
        if case.timeouts.is_some() {
            (case.timeouts, case.timeouts_emitted) = (bindings(&self.timeouts), halves(&self.timeouts));
            case.timeout_ts = Some(self.timeouts.iter().map(|g| g.at).collect());
        }
        case
    }

    /// Matches and timeouts with their times, without steps, in an order that does not depend on when they came: what
    /// must not change with the number of steps in which time moves.
    pub fn by_time(&self) -> Vec<(bool, i64, Bindings)> {
        let matches = self.matches.iter().map(|g| (false, g.at, g.bindings.clone()));
        let timeouts = self.timeouts.iter().map(|g| (true, g.at, g.bindings.clone()));
        let mut all: Vec<_> = matches.chain(timeouts).collect();
        all.sort();
        all
    }
}
