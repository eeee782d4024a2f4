//! `caps`: at most so many in a stretch of time, of a task (or shared by name) and of all touches.

use std::rc::Rc;

use ensue_rule::{Cap, Counted, Duration, Per, Policy, Task, TaskScope, Timestamp};

use super::{Candidate, Control, Ledger, MEMORY, OfSource, Verdict};
use crate::dispatch::ledger::{Key, Made};
use crate::dispatch::local::Unit;
use crate::dispatch::wording::span;
use crate::iso::Utc;
use crate::outcome::Reason;

/// Offsets from UTC lie between 14 hours before and 12 after: so far apart two moments of one day can be, beside the day.
const SPREAD: Duration = Duration(26 * Duration::HOUR.0);

/// The caps of the task.
#[derive(Debug)]
pub(super) struct OfTask;

/// Those of documents, over all touches.
#[derive(Debug)]
pub(super) struct OfDocuments;

/// How full a full cap is, and when there is room again.
struct Full {
    count: usize,
    room: Room,
}

enum Room {
    At(Timestamp),
    NextSession,
    Never,
}

impl Control for OfTask {
    fn judge(&self, c: &Candidate<'_>, past: &Ledger) -> Verdict {
        let own = Key::of_task(c);
        first_full(&c.task.policy.caps, c, past, |cap| cap.shared.clone().map_or(own.clone(), Key::Shared))
            .map_or(Verdict::Pass, |detail| Verdict::Refuse(Reason::Cap, detail))
    }

    fn asked(&self, task: &Task, _: &[OfSource]) -> Option<Reason> {
        (!task.policy.caps.is_empty()).then_some(Reason::Cap)
    }

    fn reach(&self, policy: &Policy, _: &[OfSource]) -> Duration {
        policy.caps.iter().map(|cap| reach(cap.per)).max().unwrap_or_default()
    }
}

impl Control for OfDocuments {
    fn judge(&self, c: &Candidate<'_>, past: &Ledger) -> Verdict {
        let full = |(source, policy): &OfSource| {
            let detail = first_full(&policy.caps, c, past, |_| Key::All)?;
            Some(format!("policy of `{source}`, {detail}"))
        };
        c.documents.iter().find_map(full).map_or(Verdict::Pass, |detail| Verdict::Refuse(Reason::Cap, detail))
    }

    fn asked(&self, _: &Task, documents: &[OfSource]) -> Option<Reason> {
        documents.iter().any(|(_, policy)| !policy.caps.is_empty()).then_some(Reason::Cap)
    }

    fn reach(&self, _: &Policy, documents: &[OfSource]) -> Duration {
        documents.iter().flat_map(|(_, policy)| &policy.caps).map(|cap| reach(cap.per)).max().unwrap_or_default()
    }
}

fn reach(per: Per) -> Duration {
    match (per, Unit::of(per)) {
        (_, Some(unit)) => Duration(unit.length.0 + SPREAD.0),
        (Per::Span(span), None) => span,
        // However long: what is kept for feedback is what there is.
        (_, None) => MEMORY,
    }
}

/// The sentence on the first cap that is full.
fn first_full(caps: &[Cap], c: &Candidate<'_>, past: &Ledger, key: impl Fn(&Cap) -> Key) -> Option<String> {
    caps.iter().enumerate().find_map(|(index, cap)| {
        let made = match (cap.scope, cap.count) {
            (TaskScope::User, Counted::Decided) => past.of(c.user, &key(cap)),
            (TaskScope::User, Counted::Shown) => past.shown_of(c.user, &key(cap)),
            (TaskScope::Device, Counted::Decided) => past.of_device(&key(cap)),
            (TaskScope::Device, Counted::Shown) => past.shown_of_device(&key(cap)),
        };
        full(cap, made, c).map(|full| worded(index, cap, &full))
    })
}

/// `made`: what may count, in the order of the times at which it does.
fn full(cap: &Cap, made: &[Rc<Made>], c: &Candidate<'_>) -> Option<Full> {
    let limit = usize::try_from(cap.limit).unwrap_or(usize::MAX);
    // Those that can count at all: where they are too few, nothing needs counting.
    let since = c.at.minus(reach(cap.per));
    let made = made.get(made.partition_point(|m| counted_at(m, cap) <= since)..).unwrap_or_default();
    if made.len() < limit {
        return None;
    }
    let (count, room) = match (cap.per, Unit::of(cap.per)) {
        (Per::Span(span), _) => {
            // Of others on the device, who have their own time, what comes after this does not count either.
            let made = made.get(..made.partition_point(|m| counted_at(m, cap) <= c.at)).unwrap_or_default();
            let frees = made.len().checked_sub(limit).and_then(|i| made.get(i));
            (made.len(), frees.map_or(Room::Never, |m| Room::At(counted_at(m, cap).plus(span))))
        }
        (_, Some(unit)) => {
            let this = unit.number(c.at, c.utc_offset_min);
            let is_in = |m: &&Rc<Made>| unit.number(counted_at(m, cap), m.utc_offset_min) == this;
            let next = Room::At(unit.after(this, c.utc_offset_min));
            (made.iter().filter(is_in).count(), if limit == 0 { Room::Never } else { next })
        }
        (_, None) => {
            let count = made.iter().filter(|m| m.session == c.session && m.session > 0).count();
            (count, if limit == 0 { Room::Never } else { Room::NextSession })
        }
    };
    (count >= limit).then_some(Full { count, room })
}

/// When it counts.
fn counted_at(m: &Made, cap: &Cap) -> Timestamp {
    match cap.count {
        Counted::Decided => m.at,
        Counted::Shown => m.shown_at().unwrap_or(m.at),
    }
}

fn worded(index: usize, cap: &Cap, full: &Full) -> String {
    let shown = if cap.count == Counted::Shown { " shown" } else { "" };
    let of = cap.shared.as_ref().map_or(String::new(), |name| format!(" of `{name}`"));
    let stretch = match (cap.per, Unit::of(cap.per)) {
        (Per::Span(d), _) => format!("the last {}", span(d)),
        (_, Some(unit)) => format!("this local {}", unit.name),
        (_, None) => "this session".to_owned(),
    };
    let device = if cap.scope == TaskScope::Device { " on this device" } else { "" };
    let room = match full.room {
        Room::At(at) => format!("until {}", Utc(at)),
        Room::NextSession => "until the next".to_owned(),
        Room::Never => "never lets one through".to_owned(),
    };
    format!("caps[{index}]: {} of {}{shown}{of} in {stretch}{device}, {room}", full.count, cap.limit)
}
