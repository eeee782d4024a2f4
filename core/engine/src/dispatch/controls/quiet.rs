//! `quiet`: hours of the user's day in which nothing goes out, of the task and of documents together.
//!
//! Judged by the moment at which the touch would reach the user, not by that of its match.

use ensue_rule::{QuietHours, QuietMode, Task};

use super::{Candidate, Control, Ledger, OfSource, Verdict};
use crate::dispatch::local;
use crate::iso::Utc;
use crate::outcome::Reason;

#[derive(Debug)]
pub(super) struct Quiet;

impl Control for Quiet {
    fn judge(&self, c: &Candidate<'_>, _: &Ledger) -> Verdict {
        let minute = local::minute_of_day(c.now, c.utc_offset_min);
        let Some(hours) = hours(c).find(|hours| hours.has(minute)) else { return Verdict::Pass };
        let all: Vec<QuietHours> = self::hours(c).collect();
        match (local::end_of(&all, c.now, c.utc_offset_min), c.task.policy.quiet_mode) {
            (Some(end), QuietMode::Defer) => Verdict::Hold(end),
            (Some(end), QuietMode::Drop) => {
                Verdict::Refuse(Reason::Quiet, format!("quiet hours {hours} of the user's time, until {}", Utc(end)))
            }
            (None, _) => {
                Verdict::Refuse(Reason::Quiet, format!("quiet hours {hours} of the user's time; others follow"))
            }
        }
    }

    fn asked(&self, task: &Task, documents: &[OfSource]) -> Option<Reason> {
        let of_documents = documents.iter().any(|(_, policy)| !policy.quiet.is_empty());
        (of_documents || !task.policy.quiet.is_empty()).then_some(Reason::Quiet)
    }
}

/// All that hold.
fn hours<'c>(c: &Candidate<'c>) -> impl Iterator<Item = QuietHours> + use<'c> {
    let documents = c.documents.iter().flat_map(|(_, policy)| &policy.quiet);
    c.task.policy.quiet.iter().chain(documents).copied()
}
