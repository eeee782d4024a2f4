//! What past decisions count: when each task, and each name that caps share, was last decided for each user.
//!
//! Holds times only, in memory; the decisions themselves are in the store, from which [`Ledger::restore`] fills this
//! again after a restart. Cooldown and caps are judged here.

use std::sync::Arc;

use ensue_rule::{Cap, Duration, Per, Policy, Timestamp};
use rustc_hash::FxHashMap;

use super::{Candidate, Verdict, wording};
use crate::outcome::Reason;

/// The past decisions of all users.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    anonymous: Past,
    users: FxHashMap<Arc<str>, Past>,
}

/// A decision as the store remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LedgerEntry {
    /// The task's source.
    pub source: Arc<str>,
    /// The task.
    pub task: Arc<str>,
    /// Whose.
    pub user: Option<Arc<str>>,
    /// The names of the task's shared caps when it was decided.
    pub shared: Vec<Arc<str>>,
    /// The match's time.
    pub at: Timestamp,
    /// The user's offset of local time from UTC, in minutes.
    pub utc_offset_min: i32,
}

/// The past decisions of one user.
#[derive(Debug, Default)]
struct Past {
    /// By source, then task.
    tasks: FxHashMap<Arc<str>, FxHashMap<Arc<str>, Marks>>,
    /// By the name that caps share.
    shared: FxHashMap<Arc<str>, Marks>,
}

/// Decisions in the order of their times.
#[derive(Debug, Default)]
struct Marks(Vec<Mark>);

#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Timestamp,
    /// The calendar day in the user's local time, counted from 1970-01-01.
    day: i64,
}

impl LedgerEntry {
    /// The candidate as the store is to remember it.
    pub(crate) fn of(c: &Candidate<'_>) -> Self {
        Self {
            source: c.source.into(),
            task: c.task.id.clone(),
            user: c.user.map(Arc::from),
            shared: shared_names(&c.task.policy),
            at: c.at,
            utc_offset_min: c.utc_offset_min,
        }
    }
}

/// The names that the policy's caps share, each once.
fn shared_names(policy: &Policy) -> Vec<Arc<str>> {
    let mut names: Vec<_> = policy.caps.iter().filter_map(|cap| cap.shared.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

impl Ledger {
    /// No past.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Whether the candidate may go out. Changes nothing: a candidate that does is [noted](Ledger::note).
    pub(crate) fn judge(&self, c: &Candidate<'_>) -> Verdict {
        let expires_at = c.expires_at();
        let judged = c.judge_by_time().and_then(|()| self.judge_cooldown(c)).and_then(|()| self.judge_caps(c));
        match judged {
            Ok(()) => Verdict::Pass { expires_at },
            Err((reason, detail)) => Verdict::Refuse { reason, detail, expires_at },
        }
    }

    /// Remembers that the candidate was decided.
    pub(crate) fn note(&mut self, c: &Candidate<'_>) {
        self.restore(&LedgerEntry::of(c));
    }

    /// Remembers a decision of the store.
    pub(crate) fn restore(&mut self, e: &LedgerEntry) {
        let past = match &e.user {
            None => &mut self.anonymous,
            Some(user) => self.users.entry(user.clone()).or_default(),
        };
        let mark = Mark { at: e.at, day: local_day(e.at, e.utc_offset_min) };
        past.tasks.entry(e.source.clone()).or_default().entry(e.task.clone()).or_default().add(mark);
        for name in &e.shared {
            past.shared.entry(name.clone()).or_default().add(mark);
        }
    }

    /// Forgets a user's decisions, which the store has.
    pub(crate) fn forget(&mut self, user: Option<&Arc<str>>) {
        user.map(|user| self.users.remove(user));
    }

    /// Forgets the decisions before what `before` says of each user.
    pub(crate) fn prune(&mut self, before: impl Fn(Option<&Arc<str>>) -> Timestamp) {
        self.anonymous.prune(before(None));
        self.users.retain(|user, past| {
            past.prune(before(Some(user)));
            !past.is_empty()
        });
    }

    fn past(&self, user: Option<&str>) -> Option<&Past> {
        match user {
            None => Some(&self.anonymous),
            Some(user) => self.users.get(user),
        }
    }

    /// The decisions of the candidate's task for its user.
    fn own(&self, c: &Candidate<'_>) -> &[Mark] {
        let marks = self.past(c.user).and_then(|p| p.tasks.get(c.source)).and_then(|tasks| tasks.get(&c.task.id));
        marks.map_or(&[], |m| &m.0)
    }

    /// The decisions that a cap counts.
    fn counted(&self, c: &Candidate<'_>, cap: &Cap) -> &[Mark] {
        let Some(name) = &cap.shared else { return self.own(c) };
        self.past(c.user).and_then(|p| p.shared.get(name)).map_or(&[], |m| &m.0)
    }

    fn judge_cooldown(&self, c: &Candidate<'_>) -> Result<(), (Reason, String)> {
        let Some((cooldown, last)) = c.task.policy.cooldown.zip(self.own(c).last()) else { return Ok(()) };
        let over = last.at.plus(cooldown);
        if c.at >= over { Ok(()) } else { Err((Reason::Cooldown, wording::cooldown(cooldown, last.at, over))) }
    }

    fn judge_caps(&self, c: &Candidate<'_>) -> Result<(), (Reason, String)> {
        c.task.policy.caps.iter().enumerate().try_for_each(|(index, cap)| {
            let marks = self.counted(c, cap);
            let full = match cap.per {
                Per::Day => full_day(marks, cap, c),
                Per::Span(span) => full_span(marks, cap, span, c.at),
            };
            full.map_or(Ok(()), |full| Err((Reason::Cap, wording::cap(index, cap, &full))))
        })
    }
}

/// How full a full cap is, and when there is room again (`None`: never).
#[derive(Clone, Copy, Debug)]
pub(super) struct Full {
    /// Decisions that count.
    pub(super) count: usize,
    /// When there is room again.
    pub(super) until: Option<Timestamp>,
}

/// The user's local calendar day: the decisions of that date count, whatever the offset they were made at.
fn full_day(marks: &[Mark], cap: &Cap, c: &Candidate<'_>) -> Option<Full> {
    let today = local_day(c.at, c.utc_offset_min);
    let count = marks.iter().filter(|m| m.day == today).count();
    let tomorrow = today.saturating_add(1).saturating_mul(Duration::DAY.0).saturating_sub(offset(c.utc_offset_min));
    (count >= limit(cap)).then(|| Full { count, until: (cap.limit > 0).then_some(Timestamp(tomorrow)) })
}

/// The span that ends now; a decision exactly `span` ago no longer counts. What is noted out of order, after now,
/// counts too: a cap never lets more through because of it.
fn full_span(marks: &[Mark], cap: &Cap, span: Duration, now: Timestamp) -> Option<Full> {
    let since = now.minus(span);
    let from = marks.partition_point(|m| m.at <= since);
    let counted = marks.get(from..).unwrap_or_default();
    let leaves = counted.len().checked_sub(limit(cap))?;
    let until = counted.get(leaves).map(|m| m.at.plus(span));
    Some(Full { count: counted.len(), until })
}

fn limit(cap: &Cap) -> usize {
    usize::try_from(cap.limit).unwrap_or(usize::MAX)
}

fn offset(utc_offset_min: i32) -> i64 {
    i64::from(utc_offset_min).saturating_mul(Duration::MINUTE.0)
}

fn local_day(at: Timestamp, utc_offset_min: i32) -> i64 {
    at.0.saturating_add(offset(utc_offset_min)).div_euclid(Duration::DAY.0)
}

impl Past {
    fn prune(&mut self, before: Timestamp) {
        self.shared.retain(|_, marks| marks.keep_from(before));
        self.tasks.retain(|_, tasks| {
            tasks.retain(|_, marks| marks.keep_from(before));
            !tasks.is_empty()
        });
    }

    fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.shared.is_empty()
    }
}

impl Marks {
    fn add(&mut self, mark: Mark) {
        let at = self.0.partition_point(|m| m.at <= mark.at);
        self.0.insert(at, mark);
    }

    /// Whether any is left.
    fn keep_from(&mut self, before: Timestamp) -> bool {
        let gone = self.0.partition_point(|m| m.at < before);
        self.0.drain(..gone);
        !self.0.is_empty()
    }
}
