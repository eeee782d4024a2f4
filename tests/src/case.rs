//! Conformance cases as their files spell them: see `tests/cases/flink/README.md`, and `tests/cases/README.md` for
//! what Ensue adds to the format.

use std::collections::BTreeMap;

use ensue_rule::Value;
use serde::{Deserialize, Serialize};

/// Stage names with the ids of the events bound to them.
pub type Bindings = BTreeMap<String, Vec<u64>>;

/// A pattern, a stream, and what the one finds in the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Unique in its file.
    #[serde(default)]
    pub name: String,
    /// The sequence to find.
    pub pattern: Vec<Element>,
    /// The window, if there is one.
    #[serde(default)]
    pub within_ms: Option<i64>,
    /// What the window bounds.
    #[serde(default)]
    pub within_type: WithinType,
    /// After a match.
    #[serde(default)]
    pub skip: Skip,
    /// The stream, in feeding order.
    pub events: Vec<Fed>,
    /// Where time goes after the last event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advance_to: Option<i64>,
    /// The matches; absent where nobody gave an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<Vec<Bindings>>,
    /// The step of each match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emitted: Option<Vec<f64>>,
    /// Partial matches that timed out; absent where they are not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Vec<Bindings>>,
    /// The due time of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ts: Option<Vec<i64>>,
    /// The step of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts_emitted: Option<Vec<f64>>,
    /// The run must fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why the answer is this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// One element of a pattern: exactly one of `where`, `group`, `any_of` and `all_of` says of which kind; none of them
/// is a stage that takes any event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Element {
    /// The stage's name; of a group a label only.
    #[serde(default)]
    pub name: String,
    /// How it follows what is before it.
    #[serde(default)]
    pub contiguity: Contiguity,
    /// Which events the stage takes.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<Cond>,
    /// Asked of whatever leaves the stage (Ensue's own).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave: Option<Cond>,
    /// How often.
    #[serde(default)]
    pub quant: Quant,
    /// An event for which it holds closes the loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Cond>,
    /// A later repetition comes within less than this of the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_ms: Option<i64>,
    /// `[<= d]` rather than `[< d]` (Ensue's own).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub window_inclusive: bool,
    /// The first event comes within this of the one before (Ensue's own).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_ms: Option<i64>,
    /// `[<= d]` rather than `[< d]` (Ensue's own).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bound_inclusive: bool,
    /// A sequence of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Vec<Element>>,
    /// Alternatives (Ensue's own).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any_of: Option<Vec<Element>>,
    /// Members in any order (Ensue's own).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_of: Option<Vec<Element>>,
}

/// How an element follows the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "flink-cep's names")]
pub enum Contiguity {
    #[default]
    Begin,
    Next,
    FollowedBy,
    FollowedByAny,
    NotNext,
    NotFollowedBy,
}

/// How often an element comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quant {
    /// At least.
    #[serde(default = "one")]
    pub min: u32,
    /// At most; `null` has no limit.
    pub max: Option<u32>,
    /// None will do as well.
    #[serde(default)]
    pub optional: bool,
    /// flink-cep's greedy.
    #[serde(default)]
    pub greedy: bool,
    /// How a repetition follows the one before.
    #[serde(default)]
    pub inner: Inner,
}

fn one() -> u32 {
    1
}

impl Default for Quant {
    fn default() -> Self {
        Self { min: 1, max: Some(1), optional: false, greedy: false, inner: Inner::Relaxed }
    }
}

/// How a repetition follows the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "flink-cep's names")]
pub enum Inner {
    #[default]
    Relaxed,
    Strict,
    RelaxedAny,
}

/// A condition on the event under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Cond {
    Eq {
        field: String,
        value: Value,
    },
    Ne {
        field: String,
        value: Value,
    },
    Lt {
        field: String,
        value: Value,
    },
    Le {
        field: String,
        value: Value,
    },
    Gt {
        field: String,
        value: Value,
    },
    Ge {
        field: String,
        value: Value,
    },
    Contains {
        field: String,
        value: String,
    },
    StartsWith {
        field: String,
        value: String,
    },
    And {
        args: Vec<Cond>,
    },
    Or {
        args: Vec<Cond>,
    },
    Not {
        args: Vec<Cond>,
    },
    True,
    /// The event has `sub: true`.
    Subtype,
    /// A comparison that may look at events already bound.
    Iter {
        spec: Comparison,
    },
}

/// A comparison of two terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// `eq`, `lt` and so on.
    pub cmp: Cmp,
    /// What stands on the left.
    pub left: Term,
    /// What stands on the right.
    pub right: Term,
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Cmp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// A term of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Term {
    /// A constant.
    Const {
        /// Which.
        #[serde(rename = "const")]
        value: Value,
    },
    /// A field of the event under test.
    This {
        /// Which.
        this: String,
    },
    /// A field of the event of this stage before the event under test (Ensue's own).
    Prev {
        /// Which.
        prev: String,
    },
    /// A field of the event that an earlier stage bound last (Ensue's own).
    Of {
        /// Of which stage.
        of: String,
        /// Which.
        field: String,
    },
    /// A sum of terms.
    Add {
        /// Which.
        add: Vec<Term>,
    },
    /// An aggregate over the events bound to a stage.
    Agg {
        /// Which.
        agg: Agg,
        /// Of which stage.
        var: String,
        /// Of which field; `count` needs none.
        #[serde(default)]
        field: Option<String>,
        /// With the event under test (Ensue's own).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        running: bool,
        /// Each value once (Ensue's own).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        distinct: bool,
    },
}

/// An aggregate function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Agg {
    Sum,
    Count,
    Avg,
    Min,
    Max,
    First,
    Last,
}

/// What a window bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithinType {
    /// First event to last.
    #[default]
    FirstAndLast,
    /// The step to the last stage.
    PreviousAndCurrent,
    /// First event to last, all of one session (Ensue's own).
    Session,
}

/// What a match does to the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// Which strategy.
    pub strategy: Strategy,
    /// The stage to skip to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// `NO SKIP LIMIT n`: matches that one event or instant lets out (Ensue's own).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// A match that lacks the stage is an error.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub throw_on_miss: bool,
}

/// A strategy after a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "flink-cep's names, and our own")]
pub enum Strategy {
    NoSkip,
    SkipToNext,
    SkipPastLastEvent,
    SkipToFirst,
    SkipToLast,
    #[default]
    Consume,
}

/// An event of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fed {
    /// Its index.
    pub id: u64,
    /// When it happened.
    pub ts: i64,
    /// The number of its session (Ensue's own).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub session: u64,
    /// Its fields.
    #[serde(flatten)]
    pub fields: BTreeMap<String, Value>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Case {
    /// Whether the stamps fall somewhere: such a stream is out of order by any host's reading.
    pub fn has_falling_stamps(&self) -> bool {
        self.events.windows(2).any(|w| w[0].ts > w[1].ts)
    }

    /// The same case with a name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Whether nobody gave an answer: the run has to end, no more.
    pub fn is_unanswered(&self) -> bool {
        self.matches.is_none() && self.error.is_none()
    }
}
