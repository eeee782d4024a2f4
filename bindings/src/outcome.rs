//! What comes out: decisions for apps; matches, timeouts, derived events and refusals for tools.

use std::sync::Arc;

use ensue_engine as core;
use ensue_engine::Named as List;

use crate::value::{Named, Value};

/// A match that is delivered; made once, delivered at least once under one id.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Decision {
    /// Stable hex id.
    pub id: String,
    /// The task.
    pub task: String,
    /// The version of its set.
    pub version: Option<i64>,
    /// The user; absent if anonymous.
    pub user: Option<String>,
    /// When it was decided, in ms since 1970.
    pub at_ms: i64,
    /// Index of the output in the task.
    pub output: u32,
    /// The app's name for the touch.
    pub touch: String,
    /// As the task gave it.
    pub payload: Value,
    /// The values of RETURN, in their order.
    pub values: Vec<Named>,
    /// The id of the match.
    pub match_id: String,
    /// When it is no longer good.
    pub expires_at_ms: Option<i64>,
}

/// A match that is not delivered, or a partial match that had to end.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Refusal {
    /// Stable hex id.
    pub id: String,
    /// The task.
    pub task: String,
    /// The version of its set.
    pub version: Option<i64>,
    /// The user; absent if anonymous.
    pub user: Option<String>,
    /// When it was refused, in ms since 1970.
    pub at_ms: i64,
    /// Index of the output in the task; absent where the match as a whole is refused.
    pub output: Option<u32>,
    /// The app's name for the touch.
    pub touch: Option<String>,
    /// As the task gave it.
    pub payload: Value,
    /// The values of RETURN, in their order.
    pub values: Vec<Named>,
    /// The id of the match, where there is one.
    pub match_id: Option<String>,
    /// When the decision would no longer have been good.
    pub expires_at_ms: Option<i64>,
    /// Why.
    pub reason: RefusalReason,
    /// Why, for a person.
    pub detail: String,
}

/// Why a match is not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum RefusalReason {
    /// No output opened.
    When,
    /// A cap is full.
    Cap,
    /// Too soon after the one before.
    Cooldown,
    /// Too late to be good.
    Ttl,
    /// The task's time is over.
    Expired,
    /// Another touch of the moment went first.
    Priority,
    /// Another task of its group is before the user.
    Exclusive,
    /// Quiet hours.
    Quiet,
    /// The user is in the arm to which nothing goes out.
    Holdout,
    /// It does not go out to this user, to this version, or yet.
    Rollout,
    /// While it waited for its time, it was cancelled.
    Cancelled,
    /// What became of the touches before it.
    Backoff,
    /// Too soon after another touch.
    MinGap,
    /// Events were lost while the run waited for an absence.
    Gap,
    /// Events that the run needed are no longer kept.
    HistoryTruncated,
    /// The script of the task came to no answer.
    Script,
    /// `OR ERROR`: the stage to skip to is not bound.
    Error,
}

/// A match, or a partial match whose window ended.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Match {
    /// Stable hex id.
    pub id: String,
    /// The task.
    pub task: String,
    /// The task's source.
    pub source: String,
    /// The version of its set.
    pub version: Option<i64>,
    /// The user; absent if anonymous.
    pub user: Option<String>,
    /// The partition key, with PARTITION BY.
    pub partition: Option<Vec<Value>>,
    /// When it was complete or due, in ms since 1970.
    pub at_ms: i64,
    /// Whether time completed it, not an event.
    pub by_time: bool,
    /// Stages with the ids of their events.
    pub bindings: Vec<Binding>,
    /// The values of RETURN, in their order.
    pub values: Vec<Named>,
}

/// A stage with the ids of its events.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Binding {
    /// The stage.
    pub stage: String,
    /// The ids.
    pub events: Vec<Value>,
}

/// An event that a match derived.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct DerivedEvent {
    /// Stable hex id.
    pub id: String,
    /// The task that derived it.
    pub task: String,
    /// The user; absent if anonymous.
    pub user: Option<String>,
    /// Its time, in ms since 1970.
    pub at_ms: i64,
    /// The event in its JSON form.
    pub event: String,
}

/// One thing that happened inside.
#[derive(Clone, Debug, PartialEq, uniffi::Enum)]
pub enum Outcome {
    /// A match of a task.
    Matched {
        /// It.
        found: Match,
    },
    /// A partial match whose window ended.
    TimedOut {
        /// It.
        found: Match,
    },
    /// An event that a match derived.
    Derived {
        /// It.
        event: DerivedEvent,
    },
    /// A match that is delivered.
    Decided {
        /// It.
        decision: Decision,
    },
    /// A match that is not.
    Refused {
        /// It.
        refusal: Refusal,
    },
}

impl From<&core::Outcome> for Outcome {
    fn from(outcome: &core::Outcome) -> Self {
        match outcome {
            core::Outcome::Match(found) => Self::Matched { found: found.into() },
            core::Outcome::Timeout(found) => Self::TimedOut { found: found.into() },
            core::Outcome::Event(event) => Self::Derived { event: event.into() },
            core::Outcome::Decision(decision) => Self::Decided { decision: decision.into() },
            core::Outcome::Refusal(refusal) => Self::Refused { refusal: refusal.into() },
        }
    }
}

impl From<&core::Decision> for Decision {
    fn from(d: &core::Decision) -> Self {
        Self {
            id: text(&d.id),
            task: text(&d.task),
            version: d.version,
            user: d.user.as_ref().map(text),
            at_ms: d.at.0,
            output: index(d.output),
            touch: text(&d.touch),
            payload: (&d.payload).into(),
            values: named(&d.values),
            match_id: text(&d.match_id),
            expires_at_ms: d.expires_at.map(|t| t.0),
        }
    }
}

impl From<&core::Refusal> for Refusal {
    fn from(r: &core::Refusal) -> Self {
        Self {
            id: text(&r.id),
            task: text(&r.task),
            version: r.version,
            user: r.user.as_ref().map(text),
            at_ms: r.at.0,
            output: r.output.map(index),
            touch: r.touch.as_ref().map(text),
            payload: (&r.payload).into(),
            values: named(&r.values),
            match_id: r.match_id.as_ref().map(text),
            expires_at_ms: r.expires_at.map(|t| t.0),
            reason: r.reason.into(),
            detail: r.detail.clone(),
        }
    }
}

impl From<core::Reason> for RefusalReason {
    fn from(reason: core::Reason) -> Self {
        match reason {
            core::Reason::When => Self::When,
            core::Reason::Cap => Self::Cap,
            core::Reason::Cooldown => Self::Cooldown,
            core::Reason::Ttl => Self::Ttl,
            core::Reason::Expired => Self::Expired,
            core::Reason::Priority => Self::Priority,
            core::Reason::Exclusive => Self::Exclusive,
            core::Reason::Quiet => Self::Quiet,
            core::Reason::Holdout => Self::Holdout,
            core::Reason::Rollout => Self::Rollout,
            core::Reason::Cancelled => Self::Cancelled,
            core::Reason::Backoff => Self::Backoff,
            core::Reason::MinGap => Self::MinGap,
            core::Reason::Gap => Self::Gap,
            core::Reason::HistoryTruncated => Self::HistoryTruncated,
            core::Reason::Script => Self::Script,
            core::Reason::Error => Self::Error,
        }
    }
}

impl From<&core::MatchRecord> for Match {
    fn from(m: &core::MatchRecord) -> Self {
        let values = |values: &[ensue_rule::Value]| values.iter().map(Value::from).collect();
        let bindings = m.bindings.0.iter().map(|(stage, ids)| Binding { stage: text(stage), events: values(ids) });
        Self {
            id: text(&m.id),
            task: text(&m.task),
            source: text(&m.source),
            version: m.version,
            user: m.user.as_ref().map(text),
            partition: m.partition.as_deref().map(values),
            at_ms: m.at.0,
            by_time: m.by == "time",
            bindings: bindings.collect(),
            values: named(&m.values),
        }
    }
}

impl From<&core::DerivedRecord> for DerivedEvent {
    fn from(e: &core::DerivedRecord) -> Self {
        let user = e.user.as_ref().map(text);
        Self { id: text(&e.id), task: text(&e.task), user, at_ms: e.at.0, event: e.event.to_string() }
    }
}

fn text(text: &Arc<str>) -> String {
    (**text).to_owned()
}

fn index(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn named(values: &List<ensue_rule::Value>) -> Vec<Named> {
    values.0.iter().map(|(name, value)| Named { name: text(name), value: value.into() }).collect()
}
