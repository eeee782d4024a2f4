//! What the engine has to tell: matches, timeouts, derived events, decisions and refusals.
//!
//! Each serialises to the object that `ensue run --json` prints (docs of the command line), `kind` first. The engine
//! fills them; faces only pass them on.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use ensue_rule::{Timestamp, Value};
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One thing that happened inside, in the documented order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Outcome {
    /// A match of a task.
    Match(MatchRecord),
    /// A partial match whose window ended.
    Timeout(MatchRecord),
    /// An event that a match derived.
    Event(DerivedRecord),
    /// A match that is delivered.
    Decision(Decision),
    /// A match that is not, or a run that had to die.
    Refusal(Refusal),
}

impl Outcome {
    pub(crate) fn decision(&self) -> Option<&Decision> {
        if let Self::Decision(decision) = self { Some(decision) } else { None }
    }

    pub(crate) fn into_decision(self) -> Option<Decision> {
        if let Self::Decision(decision) = self { Some(decision) } else { None }
    }
}

/// A match or timeout of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatchRecord {
    /// Stable hex id.
    pub id: Arc<str>,
    /// The task.
    pub task: Arc<str>,
    /// The task's source.
    pub source: Arc<str>,
    /// The version of its set.
    pub version: Option<i64>,
    /// The user; null if anonymous (or the task's scope is the device).
    pub user: Option<Arc<str>>,
    /// The partition key; null without PARTITION BY.
    pub partition: Option<Vec<Value>>,
    /// When it was complete or due.
    pub at: Timestamp,
    /// What completed it: `event` (also for a trigger) or `time`.
    pub by: &'static str,
    /// The input line whose event let it out (only in replay).
    pub line: Option<u64>,
    /// Stage names with the ids of their events.
    pub bindings: Named<Vec<Value>>,
    /// The values of RETURN.
    pub values: Named<Value>,
}

/// A derived event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DerivedRecord {
    /// Its stable hex id.
    pub id: Arc<str>,
    /// The task that derived it.
    pub task: Arc<str>,
    /// See [`MatchRecord::user`].
    pub user: Option<Arc<str>>,
    /// Its time.
    pub at: Timestamp,
    /// See [`MatchRecord::line`].
    pub line: Option<u64>,
    /// The event itself, in the JSON form of events.
    pub event: serde_json::Value,
}

/// A match to be delivered; made once, delivered at least once, under one id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Stable hex id.
    pub id: Arc<str>,
    /// The task.
    pub task: Arc<str>,
    /// The version of its set.
    pub version: Option<i64>,
    /// See [`MatchRecord::user`].
    pub user: Option<Arc<str>>,
    /// When it was decided: the match's time, or that at which it came due where it was held.
    pub at: Timestamp,
    /// See [`MatchRecord::line`].
    pub line: Option<u64>,
    /// Index of the output in the task.
    pub output: usize,
    /// The app's name for the touch.
    pub touch: Arc<str>,
    /// As the task gave it.
    pub payload: Value,
    /// The values of RETURN.
    pub values: Named<Value>,
    /// The id of the match.
    #[serde(rename = "match")]
    pub match_id: Arc<str>,
    /// When it is no longer good; null without ttl.
    #[serde(rename = "expiresAt")]
    pub expires_at: Option<Timestamp>,
}

/// A match that is not delivered, or a run that had to die.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Stable hex id (that of the decision that it is not; of the run's place in the log where there is no match).
    pub id: Arc<str>,
    /// The task.
    pub task: Arc<str>,
    /// The version of its set.
    pub version: Option<i64>,
    /// See [`MatchRecord::user`].
    pub user: Option<Arc<str>>,
    /// When it was refused: the match's time, or that at which it came due where it was held.
    pub at: Timestamp,
    /// See [`MatchRecord::line`].
    pub line: Option<u64>,
    /// Index of the output in the task; null where the refusal is of the match as a whole.
    pub output: Option<usize>,
    /// The app's name for the touch, if the output is one.
    pub touch: Option<Arc<str>>,
    /// The output's payload, if it is a touch.
    pub payload: Value,
    /// The values of RETURN.
    pub values: Named<Value>,
    /// The id of the match; null for `gap`, `history_truncated`, `script` and `error`.
    #[serde(rename = "match")]
    pub match_id: Option<Arc<str>>,
    /// When the decision would no longer have been good.
    #[serde(rename = "expiresAt")]
    pub expires_at: Option<Timestamp>,
    /// Why.
    pub reason: Reason,
    /// Why, for a person: which cap, until when.
    pub detail: String,
}

/// Why a match is not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
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
    /// The script came to no answer: it raised, took too long, or is not there any more.
    Script,
    /// `OR ERROR`: the stage to skip to is not bound.
    Error,
}

impl Reason {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::When => "when",
            Self::Cap => "cap",
            Self::Cooldown => "cooldown",
            Self::Ttl => "ttl",
            Self::Expired => "expired",
            Self::Priority => "priority",
            Self::Exclusive => "exclusive",
            Self::Quiet => "quiet",
            Self::Holdout => "holdout",
            Self::Rollout => "rollout",
            Self::Cancelled => "cancelled",
            Self::Backoff => "backoff",
            Self::MinGap => "min_gap",
            Self::Gap => "gap",
            Self::HistoryTruncated => "history_truncated",
            Self::Script => "script",
            Self::Error => "error",
        }
    }
}

/// Names with values in a fixed order; a JSON object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Named<T>(pub Vec<(Arc<str>, T)>);

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(&**name, value)?;
        }
        map.end()
    }
}

/// In the order of the text, so that what the store remembers is told as it was decided.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct InOrder<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    entries.push((name.into(), value));
                }
                Ok(Named(entries))
            }
        }

        d.deserialize_map(InOrder(PhantomData))
    }
}
