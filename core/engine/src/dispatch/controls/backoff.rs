//! `backoff`: what the user's feedback does to a task, or to a touch.
//!
//! A decision that was clicked or converted counts as such also where it was dismissed as well, so that the order in which
//! feedback comes changes nothing. What is older than [`MEMORY`] counts no more, whether or not it is still kept.

use std::rc::Rc;

use ensue_rule::{Backoff, Duration, Policy, Share, Task, Timestamp};

use super::{Candidate, Control, Ledger, MEMORY, OfSource, Verdict};
use crate::dispatch::ledger::{Answer, Key, Made, until};
use crate::dispatch::wording::span;
use crate::iso::Utc;
use crate::outcome::Reason;

/// The adaptive gap of a user of whom nothing is known: 4 hours.
const BASE: Duration = Duration(4 * Duration::HOUR.0);

/// How many doublings or halvings of it there are at most.
const DOUBLINGS: f64 = 5.0;

/// How much the newest answer weighs against all before it.
const WEIGHT: f64 = 0.25;

/// How many answers are looked at.
const ANSWERS: usize = 64;

/// Dismissals in a row, and click rates, of the task's own decisions.
#[derive(Debug)]
pub(super) struct Feedback;

/// The gap between touches of one name.
#[derive(Debug)]
pub(super) struct Adaptive;

impl Control for Feedback {
    fn judge(&self, c: &Candidate<'_>, past: &Ledger) -> Verdict {
        let of_task = || lately(past.of(c.user, &Key::of_task(c)), c).iter().rev();
        let refused = c.task.policy.backoff.iter().find_map(|backoff| match *backoff {
            Backoff::Dismissed { times, wait } => {
                let answered = of_task().filter_map(|m| m.answer().filter(|(answer, _)| *answer != Answer::Seen));
                too_often_dismissed(answered.map_while(dismissal), times, wait, c.at)
            }
            Backoff::ClickRate { floor, trials, wait } => {
                too_seldom_clicked(of_task().filter_map(|m| m.answer()), (floor, trials), wait, c.at)
            }
            Backoff::Adaptive => None,
        });
        refused.map_or(Verdict::Pass, |detail| Verdict::Refuse(Reason::Backoff, detail))
    }

    fn asked(&self, task: &Task, _: &[OfSource]) -> Option<Reason> {
        task.policy.backoff.iter().any(|b| *b != Backoff::Adaptive).then_some(Reason::Backoff)
    }

    fn reach(&self, policy: &Policy, _: &[OfSource]) -> Duration {
        if policy.backoff.is_empty() { Duration(0) } else { MEMORY }
    }
}

/// Those of the last days that are looked at.
fn lately<'m>(made: &'m [Rc<Made>], c: &Candidate<'_>) -> &'m [Rc<Made>] {
    let (made, since) = (until(made, c.at), c.at.minus(MEMORY));
    made.get(made.partition_point(|m| m.at <= since)..).unwrap_or_default()
}

fn dismissal((answer, at): (Answer, Timestamp)) -> Option<Timestamp> {
    (answer == Answer::Disliked).then_some(at)
}

/// `dismissals`: those at the end, with nothing else between.
fn too_often_dismissed(
    dismissals: impl Iterator<Item = Timestamp>,
    times: u32,
    wait: Duration,
    at: Timestamp,
) -> Option<String> {
    let (mut count, mut last) = (0_u32, Timestamp::MIN);
    for dismissed in dismissals {
        (count, last) = (count.saturating_add(1), last.max(dismissed));
    }
    let over = last.plus(wait);
    let refused = count >= times && at < over;
    refused.then(|| format!("dismissed {count} times in a row, the last at {}, until {}", Utc(last), Utc(over)))
}

/// `answers`: from the newest on.
fn too_seldom_clicked(
    answers: impl Iterator<Item = (Answer, Timestamp)>,
    (floor, trials): (Share, u32),
    wait: Duration,
    at: Timestamp,
) -> Option<String> {
    let (mut count, mut clicks, mut last) = (0_u32, 0_u32, Timestamp::MIN);
    for (answer, when) in answers.take(usize::try_from(trials).unwrap_or(usize::MAX)) {
        count = count.saturating_add(1);
        clicks = clicks.saturating_add(u32::from(answer == Answer::Liked));
        last = last.max(when);
    }
    let below = u64::from(clicks) * u64::from(Share::ALL.0) < u64::from(floor.0) * u64::from(count);
    let over = last.plus(wait);
    let refused = count >= trials && below && at < over;
    refused.then(|| format!("{clicks} of the last {count} clicked, below {floor}, until {}", Utc(over)))
}

impl Control for Adaptive {
    fn judge(&self, c: &Candidate<'_>, past: &Ledger) -> Verdict {
        if !c.task.policy.backoff.contains(&Backoff::Adaptive) {
            return Verdict::Pass;
        }
        let touches = lately(past.of(c.user, &Key::Touch(c.touch.clone())), c);
        let Some(last) = touches.last() else { return Verdict::Pass };
        let newest = touches.get(touches.len().saturating_sub(ANSWERS)..).unwrap_or_default();
        let gap = adaptive_gap(newest.iter().filter_map(|m| m.answer()).map(|(answer, _)| answer.liking()));
        let over = last.at.plus(gap);
        if c.at >= over {
            return Verdict::Pass;
        }
        let (gap, touch, last, over) = (span(gap), c.touch, Utc(last.at), Utc(over));
        let detail = format!("gap of {gap} for `{touch}` by its feedback, after {last}, until {over}");
        Verdict::Refuse(Reason::Backoff, detail)
    }

    fn asked(&self, task: &Task, _: &[OfSource]) -> Option<Reason> {
        task.policy.backoff.contains(&Backoff::Adaptive).then_some(Reason::Backoff)
    }

    fn reach(&self, policy: &Policy, _: &[OfSource]) -> Duration {
        if policy.backoff.contains(&Backoff::Adaptive) { MEMORY } else { Duration(0) }
    }
}

/// The gap by the answers so far, oldest first, each 1 (clicked or converted), -1 (dismissed) or 0 (seen, no more).
///
/// The mood m begins at 0 and moves a quarter of the way to each answer: it stays within -1 and 1. The gap is
/// 4 h * 2^(-5 m): at most 128 h, at least 7.5 minutes, in whole seconds. Between whole powers of two it goes in straight
/// lines, so that every machine computes the same.
fn adaptive_gap(answers: impl Iterator<Item = f64>) -> Duration {
    let mood = answers.fold(0.0, |mood, answer| mood + WEIGHT * (answer - mood));
    let exponent = -DOUBLINGS * mood;
    let whole = exponent.floor();
    let mut factor = 1.0 + (exponent - whole);
    let mut left = whole;
    while left >= 1.0 {
        (factor, left) = (factor * 2.0, left - 1.0);
    }
    while left <= -1.0 {
        (factor, left) = (factor / 2.0, left + 1.0);
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "between minutes and days")]
    let seconds = (factor * (BASE.0 / Duration::SECOND.0) as f64).round() as i64;
    Duration(seconds * Duration::SECOND.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(answers: &[f64]) -> i64 {
        adaptive_gap(answers.iter().copied()).0 / Duration::MINUTE.0
    }

    #[test]
    fn the_gap_grows_with_dismissals_and_shrinks_with_clicks_within_bounds() {
        assert_eq!(minutes(&[]), 240);
        assert_eq!(minutes(&[0.0; 9]), 240);
        assert_eq!(minutes(&[-1.0]), 600);
        assert_eq!(minutes(&[1.0]), 105);
        assert!(minutes(&[1.0, -1.0]) > minutes(&[-1.0, 1.0]), "the newest counts most");
        assert_eq!(minutes(&[-1.0; 64]), 128 * 60);
        assert_eq!(minutes(&[1.0; 64]), 7);
    }
}
