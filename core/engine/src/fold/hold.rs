//! Touches that wait for their time: put off by a control (`delay`, `quietMode: defer`), judged when they come due, or
//! cancelled before.
//!
//! What waits is in the store as well and is not made again by folding the log: it was decided that it waits. Its controls
//! are those in force when it comes due.

use std::sync::Arc;

use ensue_rule::Timestamp;

use super::Fold;
use super::decide::{Found, refused};
use super::matching::{Case, What};
use crate::log::{LogEvent, StreamKey};
use crate::outcome::{Decision, Reason, Refusal};
use crate::store::{BoundEvents, HeldRow, Origin, Refused};

/// Touches that wait in one stream at once; one more is refused.
const MOST: usize = 256;

/// A touch that waits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    /// Its task's source.
    pub(crate) source: Arc<str>,
    /// What it would be; `at` is the match's time.
    pub(crate) decision: Decision,
    /// What its match bound.
    pub(crate) bound: Option<Arc<BoundEvents>>,
}

/// What changed about a touch that waits, for the store.
#[derive(Clone, Debug)]
pub(crate) enum HeldChange {
    /// It waits, or waits longer.
    Wait(Box<HeldRow>),
    /// It waits no more.
    Over(StreamKey, Arc<str>),
}

impl HeldChange {
    /// The stream that it is of.
    pub(super) fn stream(&self) -> &StreamKey {
        match self {
            Self::Wait(row) => &row.stream,
            Self::Over(stream, _) => stream,
        }
    }
}

impl Fold {
    /// Lets a touch wait until `due`; or its refusal, where too many wait already.
    pub(super) fn hold(&mut self, key: &StreamKey, due: Timestamp, held: Held) -> Option<Refusal> {
        if self.streams.get(key).is_some_and(|s| s.aside().held.len() >= MOST) {
            let detail = format!("{MOST} touches wait already: no more are held");
            return Some(refused(Decision { line: self.line, ..held.decision }, Reason::Cap, detail));
        }
        self.put_held(key, due, held.clone());
        self.effects.held.push(HeldChange::Wait(Box::new(HeldRow { stream: key.clone(), due, held })));
        None
    }

    fn put_held(&mut self, key: &StreamKey, due: Timestamp, held: Held) {
        self.holds += 1;
        self.streams.entry(key.clone()).or_default().aside_mut().held.insert((due, self.holds), held);
        self.index(key);
    }

    /// Takes over from the store what waits.
    pub(crate) fn restore_held(&mut self, rows: Vec<HeldRow>) {
        for HeldRow { stream, due, held } in rows {
            self.put_held(&stream, due, held);
        }
    }

    /// Takes out what is due in a stream at `at`, as cases to be decided.
    pub(super) fn come_due(&mut self, key: &StreamKey, at: Timestamp, cases: &mut Vec<Case>) {
        while let Some(stream) = self.streams.get_mut(key)
            && stream.aside().held.first_key_value().is_some_and(|((due, _), _)| *due <= at)
            && let Some(((due, _), held)) = stream.aside_mut().held.pop_first()
        {
            self.effects.held.push(HeldChange::Over(key.clone(), held.decision.id.clone()));
            match self.book.find(&held.source, &held.decision.task).map(|task| task.id) {
                Some(task) => {
                    let what = What::Held(due, Box::new(held));
                    cases.push(Case { task, stream: key.clone(), key: Vec::new(), what });
                }
                None => self.cancel(key, held, due, "the task is no longer in force".to_owned()),
            }
        }
    }

    /// Cancels what waits in a stream and is not to outlive this event.
    pub(super) fn cancel_by(&mut self, key: &StreamKey, event: &LogEvent) {
        let Some(stream) = self.streams.get(key).filter(|s| !s.aside().held.is_empty()) else { return };
        let at = event.position(key).ts;
        let cancels = |held: &Held| {
            let task = self.book.find(&held.source, &held.decision.task);
            let entry = task.and_then(|t| t.task.policy.cancel_on.as_ref());
            held.decision.at <= at && entry.is_some_and(|entry| entry.passes(|attr| event.event.value(attr)))
        };
        let over: Vec<_> =
            stream.aside().held.iter().filter(|(_, held)| cancels(held)).map(|(place, _)| *place).collect();
        for place in over {
            let Some(held) = self.streams.get_mut(key).and_then(|s| s.aside_mut().held.remove(&place)) else {
                continue;
            };
            self.effects.held.push(HeldChange::Over(key.clone(), held.decision.id.clone()));
            let by = format!("`{}` came while it waited until {}", event.event.action_type, crate::iso::Utc(place.0));
            self.cancel(key, held, at, by);
        }
        self.index(key);
    }

    fn cancel(&mut self, key: &StreamKey, held: Held, at: Timestamp, detail: String) {
        let decision = Decision { at, line: self.line, ..held.decision.clone() };
        let refusal = refused(decision, Reason::Cancelled, detail);
        let Some(task) = self.book.find(&held.source, &refusal.task).cloned() else {
            let origin = Origin { bound: held.bound, checks: Vec::new() };
            return self.keep_refusal(Refused { stream: key.clone(), source: held.source, refusal, origin });
        };
        self.refuse(&Found::held(task, key.clone(), at, Box::new(held)), refusal);
    }

    /// What waits in a stream goes without a word: what it says may be of somebody who is forgotten.
    pub(crate) fn drop_held(&mut self, key: &StreamKey) {
        if let Some(stream) = self.streams.get_mut(key).filter(|s| !s.aside().held.is_empty()) {
            stream.aside_mut().held.clear();
        }
        self.effects.held.retain(|change| change.stream() != key);
        self.index(key);
    }
}
