//! What the engine answers when it is asked why: of a decision, of a task that decides nothing, of all tasks in numbers.

use ensue_engine as core;
use ensue_rule::Timestamp;

use crate::engine::Engine;
use crate::error::{EnsueError, guarded};

/// An answer, for tools and for people.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Answer {
    /// A JSON object; `docs/why.md` has its keys.
    pub json: String,
    /// The same as text.
    pub text: String,
}

/// Whose events are asked about.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Whose {
    /// Everyone's together.
    Everyone,
    /// The anonymous user's.
    Anonymous,
    /// One user's.
    User {
        /// Their name.
        name: String,
    },
}

#[uniffi::export]
impl Engine {
    /// Why there is a decision, or a refusal, of this id. Where the id is not known, an error.
    pub fn why(&self, id: String) -> Result<Answer, EnsueError> {
        guarded(|| {
            let why = self.core.why(&id)?;
            Ok(Answer { json: why.to_json(), text: why.text() })
        })
    }

    /// Why tasks decided nothing, or what they did decide: an answer for each task that is asked about (absent: for all), of
    /// the events since then (absent: as far back as they are kept). An unknown task is an error.
    pub fn why_not(
        &self,
        task: Option<String>,
        whose: Whose,
        since_ms: Option<i64>,
    ) -> Result<Vec<Answer>, EnsueError> {
        guarded(|| {
            let answers = self.core.why_not(core::Question {
                task: task.map(Into::into),
                user: whose.into(),
                since: since_ms.map(Timestamp),
                wording: ensue_dsl::format_expr,
            })?;
            Ok(answers.iter().map(|a| Answer { json: a.to_json(), text: a.text() }).collect())
        })
    }

    /// The counters of all tasks and their versions since they were last reset, as a JSON object; `docs/why.md` has its keys.
    pub fn stats_report(&self) -> Result<String, EnsueError> {
        guarded(|| Ok(self.core.stats_report()?))
    }

    /// Begins the counters of all tasks anew.
    pub fn reset_stats(&self) -> Result<(), EnsueError> {
        guarded(|| Ok(self.core.reset_stats()?))
    }
}

impl From<Whose> for core::Whose {
    fn from(whose: Whose) -> Self {
        match whose {
            Whose::Everyone => Self::Everyone,
            Whose::Anonymous => Self::User(None),
            Whose::User { name } => Self::User(Some(name.into())),
        }
    }
}
