//! What comes out, and what a match discards.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use ensue_rule::{AfterMatch, Rule, Timestamp};

use super::Reading;
use super::eval::Taken;
use super::run::Run;
use crate::answer::{Answer, Given};
use crate::case::Bindings;

/// A run that lacks nothing, or one whose time is up.
#[derive(Clone, Debug)]
pub(super) struct Complete<'a> {
    pub(super) taken: Vec<Taken<'a>>,
    pub(super) at: Timestamp,
}

impl Complete<'_> {
    fn bindings(&self) -> Bindings {
        let mut out = Bindings::new();
        for t in &self.taken {
            out.entry(t.stage.to_owned()).or_default().push(t.event as u64);
        }
        out
    }

    fn start(&self) -> usize {
        self.taken[0].event
    }

    fn end(&self) -> usize {
        self.taken[self.taken.len() - 1].event
    }

    fn of<'s>(&'s self, stage: &'s str) -> impl DoubleEndedIterator<Item = usize> {
        self.taken.iter().filter(move |t| t.stage == stage).map(|t| t.event)
    }
}

/// Start, events of each stage, events stage by stage.
type Order = (usize, Vec<Reverse<usize>>, Vec<usize>);

/// An instant: its time, its half step, and how many events came before or at it.
type Instant = (Timestamp, i64, usize);

/// Decides what comes out.
pub(super) struct Judge<'a> {
    rule: &'a Rule,
    /// Stages in pattern order.
    stages: Vec<&'a str>,
    pub(super) answer: Answer,
    /// CONSUME: how many events are consumed; no match may start among them.
    consumed: usize,
    /// SKIP: finished matches that wait for earlier runs.
    waiting: Vec<Complete<'a>>,
    /// A LIMIT chose among more matches than the definition says among which.
    pub(super) is_open: bool,
    repeats: bool,
}

/// Of more matches of one moment than these a LIMIT chooses among those that are found first, and no definition says
/// which these are.
const FOUND_FIRST: usize = 1_000;

impl<'a> Judge<'a> {
    pub(super) fn new(rule: &'a Rule) -> Self {
        let stages = rule.pattern.stages().into_iter().map(|s| &**s.name).collect();
        Self {
            rule,
            stages,
            answer: Answer::default(),
            consumed: 0,
            waiting: Vec::new(),
            is_open: false,
            repeats: false,
        }
    }

    /// All that came out.
    pub(super) fn reading(self) -> Reading {
        Reading { answer: self.answer, repeats: self.repeats }
    }

    /// An event completed `found`.
    pub(super) fn event(&mut self, runs: &mut Vec<Run<'a>>, found: Vec<Complete<'a>>, now: Instant) {
        self.complete(runs, found, None, now);
    }

    /// A trigger judged the absences of `found`; nothing waits any more.
    pub(super) fn trigger(&mut self, found: Vec<Complete<'a>>, now: Instant) {
        self.complete(&mut Vec::new(), found, Some(now.2), now);
    }

    /// Time completed `found` and ended `timeouts`.
    pub(super) fn time(
        &mut self,
        runs: &mut Vec<Run<'a>>,
        (found, mut timeouts): (Vec<Complete<'a>>, Vec<Complete<'a>>),
        now: Instant,
    ) {
        // What the same moment times out is reported, not discarded.
        let complete: BTreeSet<Bindings> = found.iter().map(Complete::bindings).collect();
        if self.rule.after_match == AfterMatch::Consume {
            let starts: BTreeSet<usize> = found.iter().map(Complete::start).collect();
            timeouts.retain(|t| !starts.contains(&t.start()));
            timeouts.sort_by_key(|t| self.furthest(t));
            timeouts.dedup_by_key(|t| t.start());
        }
        self.complete(runs, found, Some(now.2), now);
        if self.rule.on_timeout.is_none() {
            return;
        }
        let mut given = BTreeSet::new();
        timeouts.sort_by_key(|t| order(&self.stages, t));
        timeouts.retain(|t| !complete.contains(&t.bindings()) && given.insert(t.bindings()));
        if let AfterMatch::NoSkip { limit: Some(n) } = self.rule.after_match {
            timeouts.truncate(usize::try_from(n).unwrap_or(usize::MAX));
        }
        let told = timeouts.iter().map(|t| Given { bindings: t.bindings(), at: t.at.0, step: now.1 });
        self.answer.timeouts.extend(told);
    }

    fn complete(&mut self, runs: &mut Vec<Run<'a>>, found: Vec<Complete<'a>>, time: Option<usize>, now: Instant) {
        let mut distinct: Vec<Complete<'a>> = Vec::new();
        let mut seen = BTreeSet::new();
        for f in found {
            if seen.insert(f.bindings()) {
                distinct.push(f);
            } else {
                self.repeats = true;
            }
        }
        distinct.sort_by_key(|c| order(&self.stages, c));
        match &self.rule.after_match {
            AfterMatch::NoSkip { limit } => {
                let limit = limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
                self.is_open |= distinct.len() > FOUND_FIRST.max(limit);
                distinct.iter().take(limit).for_each(|c| self.emit(c, now.1));
            }
            AfterMatch::Consume => {
                for c in distinct {
                    if c.start() >= self.consumed {
                        self.emit(&c, now.1);
                        self.consumed = time.unwrap_or(c.end() + 1);
                    }
                }
                runs.retain(|r| r.start() >= self.consumed);
            }
            _ => {
                self.waiting.extend(distinct);
                self.waiting.sort_by_key(|c| order(&self.stages, c));
                self.release(runs, now.1);
            }
        }
    }

    /// Lets out finished matches that no live run starts before.
    fn release(&mut self, runs: &mut Vec<Run<'a>>, step: i64) {
        while let Some(first) = self.waiting.first() {
            if runs.iter().any(|r| r.start() < first.start()) {
                return;
            }
            let first = self.waiting.remove(0);
            match self.discards_before(&first) {
                Err(error) => {
                    self.answer.error = Some(error);
                    return;
                }
                Ok(bar) => {
                    runs.retain(|r| r.start() >= bar);
                    self.waiting.retain(|c| c.start() >= bar);
                }
            }
            self.emit(&first, step);
        }
    }

    /// A match discards what starts before the event of this index.
    fn discards_before(&self, c: &Complete<'a>) -> Result<usize, String> {
        let to = |target: Option<usize>, or_error: bool, stage: &str| match target {
            None if or_error => Err(format!("nothing is bound to `{stage}`")),
            Some(t) if or_error && t == c.start() => Err(format!("`{stage}` is the first event")),
            target => Ok(target.unwrap_or(0)),
        };
        match &self.rule.after_match {
            AfterMatch::SkipPastLastEvent => Ok(c.end() + 1),
            AfterMatch::SkipToNextEvent => Ok(c.start() + 1),
            AfterMatch::SkipToFirst { stage, or_error } => to(c.of(stage).next(), *or_error, stage),
            AfterMatch::SkipToLast { stage, or_error } => to(c.of(stage).next_back(), *or_error, stage),
            AfterMatch::Consume | AfterMatch::NoSkip { .. } => Ok(0),
        }
    }

    fn emit(&mut self, c: &Complete<'a>, step: i64) {
        self.answer.matches.push(Given { bindings: c.bindings(), at: c.at.0, step });
    }

    /// For a timeout: by start, then the latest stage reached, then the documented order.
    fn furthest(&self, c: &Complete<'a>) -> (usize, Reverse<Option<usize>>, Order) {
        let reached = self.stages.iter().rposition(|s| c.of(s).next().is_some());
        (c.start(), Reverse(reached), order(&self.stages, c))
    }
}

/// The documented order: the earliest start, the most events stage by stage, the earliest events stage by stage.
fn order(stages: &[&str], c: &Complete<'_>) -> Order {
    let counts = stages.iter().map(|s| Reverse(c.of(s).count())).collect();
    (c.start(), counts, stages.iter().flat_map(|s| c.of(s)).collect())
}
