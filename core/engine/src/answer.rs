//! Answers to "why?" and "why not?": as data, and as text for a person (`text`).
//!
//! Made by the worker out of what the store retains (`worker`): nothing is kept for them while events come but
//! where each decision and refusal came from. So they are the same after a restart, and reach as far back as the log does,
//! which they say.

mod story;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_rule::{Expr, Timestamp, Value};
use serde::{Deserialize, Serialize};

use crate::outcome::{Named, Refusal};

pub(crate) use story::Names;

/// Writes a condition as rule text: whoever asks knows the language, the engine does not.
pub type Wording = fn(&Expr) -> String;

/// What is asked of [`crate::Engine::why_not`].
#[derive(Clone, Debug)]
pub struct Question {
    /// About this task; `None`: about each.
    pub task: Option<Arc<str>>,
    /// Whose events.
    pub user: Whose,
    /// Since when; what was over before is no part of the answer. `None`: as far back as the log reaches.
    pub since: Option<Timestamp>,
    /// How conditions are written.
    pub wording: Wording,
}

/// Whose events are asked about. A task over all users of the device has one stream, whoever is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Everyone's: numbers are added up, and the story is of whoever came furthest.
    Everyone,
    /// One user's; `None`: the anonymous one's.
    User(Option<Arc<str>>),
}

/// Why a task decided nothing, or what it did decide.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WhyNot {
    /// The task.
    pub task: Arc<str>,
    /// Its source.
    pub source: Arc<str>,
    /// The version of its set.
    pub version: Option<i64>,
    /// Whose events; null for everyone's and for the anonymous user's.
    pub user: Option<Arc<str>>,
    /// Since when it was asked about.
    pub since: Option<Timestamp>,
    /// How far back the log reaches.
    pub history: History,
    /// Retained events of the task's stream that it looks at.
    pub events: u64,
    /// The script that decides in place of a rule, which cannot be followed.
    pub script: Option<Arc<str>>,
    /// Events that made it look back, if it is such a task.
    pub triggers: Option<Triggers>,
    /// Matches.
    pub matches: u64,
    /// When the last was complete.
    pub last_match: Option<Timestamp>,
    /// Partial matches that ON TIMEOUT reported.
    pub timeouts: u64,
    /// Decisions.
    pub decisions: u64,
    /// Touches that wait for their time.
    pub waiting: u64,
    /// Refusals by reason.
    pub refusals: BTreeMap<String, u64>,
    /// The last of them.
    pub last_refusal: Option<Refusal>,
    /// Events skipped because a value of PARTITION BY was null.
    pub null_keys: u64,
    /// The run that came furthest since the last match; null where no event was seen.
    pub furthest: Option<Story>,
    /// Whether there was more to follow than is followed: then another run may have come further.
    pub capped: bool,
}

/// How far back the log reaches for a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The oldest retained event that it looks at; null where there is none.
    pub from: Option<Timestamp>,
    /// To which time the stream has come.
    pub to: Option<Timestamp>,
    /// Whether older events are gone that it could have looked at.
    pub cut: bool,
}

/// Triggers of a task that looks back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Triggers {
    /// How many came.
    pub count: u64,
    /// When the last came.
    pub last: Option<Timestamp>,
    /// At how many of the last it was looked back once more for this answer.
    pub looked: u64,
}

/// The run that came furthest.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// Whose.
    pub user: Option<Arc<str>>,
    /// In which partition; null without PARTITION BY.
    pub partition: Option<Vec<Value>>,
    /// The latest stage that it reached; null: no run began.
    pub stage: Option<Arc<str>>,
    /// How many events it lacked at least.
    pub lacks: u32,
    /// What it bound, by stage; of a long loop the newest.
    pub bindings: Named<Vec<EventName>>,
    /// How many it bound in all.
    pub bound: u64,
    /// What it waits for, or waited for last.
    pub awaits: Vec<Awaited>,
    /// Events that it would have taken but for a condition; those that failed least first.
    pub near_misses: Vec<NearMiss>,
    /// How it ended.
    pub ended: Ended,
}

/// An event as people know it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventName {
    /// The host's label, else its arrival number (in a replay its line).
    pub id: Value,
    /// When it happened.
    pub ts: Timestamp,
}

/// One thing that a run waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Awaited {
    /// An event for this stage; null: that time passes, or `next`.
    pub stage: Option<Arc<str>>,
    /// The very next event completes it, whatever it is.
    pub next: bool,
    /// What an event of the stage must pass.
    pub conditions: Vec<String>,
    /// Stages of which no event may come meanwhile.
    pub forbids: Vec<Arc<str>>,
    /// Until when; null: no run began.
    pub until: Option<Timestamp>,
}

/// An event that a stage would have taken but for some conditions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearMiss {
    /// The stage.
    pub stage: Arc<str>,
    /// The event.
    pub event: EventName,
    /// The conditions that did not hold.
    pub failed: Vec<Failed>,
}

/// A condition that did not hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failed {
    /// As rule text.
    pub condition: String,
    /// What it looked at, as rule text, with the values there.
    pub found: Named<Value>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Ended {
    /// No run began.
    NotBegun,
    /// It still waits.
    Waits,
    /// It is complete, and waits for an earlier run, as SKIP asks.
    Complete,
    /// An event of a forbidden stage came.
    Forbidden {
        /// The stage.
        stage: Arc<str>,
        /// The event.
        event: EventName,
    },
    /// UNTIL closed its loop.
    Until {
        /// The event that did.
        event: EventName,
    },
    /// A greedy loop, or another member of `&`, wanted the event first.
    Held {
        /// Its stage.
        stage: Arc<str>,
        /// The event.
        event: EventName,
    },
    /// The very next event had to be taken (`=>`, STRICT), and was not.
    Strict {
        /// That event.
        event: EventName,
    },
    /// A condition over all events of a stage did not hold when it was to be complete.
    Left {
        /// The conditions.
        failed: Vec<Failed>,
        /// When.
        at: Timestamp,
    },
    /// The time for one step was over.
    Step {
        /// Since when.
        at: Timestamp,
    },
    /// Its window was over.
    Window {
        /// Since when.
        at: Timestamp,
    },
    /// Its session was over.
    Session {
        /// The first event of the next.
        event: EventName,
    },
    /// Events were lost while it waited for an absence.
    Gap {
        /// Up to when.
        at: Timestamp,
    },
}

/// Why there is a decision, or a refusal: what it was made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// Its id.
    pub id: Arc<str>,
    /// The decision, or the refusal, as it was told.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The task's source.
    pub source: Arc<str>,
    /// What completed the match: `event` or `time`; null where no match was made.
    pub by: Option<Arc<str>>,
    /// The partition; null without PARTITION BY.
    pub partition: Option<Vec<Value>>,
    /// The events bound, by stage, with what the log retains of them.
    pub events: Named<Vec<BoundEvent>>,
    /// The controls that were asked, in their order; a refusal's is the last.
    pub checks: Vec<Check>,
    /// What the app told of it, in order.
    pub feedback: Vec<Told>,
}

/// What became of a match.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It is delivered.
    Decision(Box<crate::Decision>),
    /// It is not.
    Refusal(Box<Refusal>),
    /// It waits for its time: what it would be, and until when.
    Waiting {
        /// The decision that it would be.
        decision: Box<crate::Decision>,
        /// When its controls are asked.
        due: Timestamp,
    },
}

/// An event that a match bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BoundEvent {
    /// The host's label, else its arrival number.
    pub id: Value,
    /// What the log retains of it: the fields that tasks read; null: it is no longer kept.
    pub event: Option<serde_json::Value>,
}

/// What the app told of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// `shown`, `clicked`, `dismissed` or `converted`.
    pub feedback: &'static str,
    /// When.
    pub at: Timestamp,
}

/// A control that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The control, by the name of its refusal.
    pub control: Arc<str>,
    /// Whether it let the touch through.
    pub passed: bool,
    /// Why not.
    pub detail: Option<String>,
}

impl WhyNot {
    /// How far its furthest run came: fewer is further. For comparing answers.
    pub(crate) fn lacks(&self) -> u32 {
        self.furthest.as_ref().filter(|s| s.stage.is_some()).map_or(u32::MAX, |s| s.lacks)
    }
}
