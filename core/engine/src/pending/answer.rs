//! What a host answers, and its form in the store.

use std::sync::Arc;

use ensue_matcher::{Cause, Match, Position, Seqs};
use ensue_rule::{Timestamp, Value};
use serde::{Deserialize, Serialize};

use super::Past;

/// The longest text of a failure that is kept.
const FAILURE: usize = 8 * 1024;

/// More matches in one answer are a failure: a limit of the matcher's kind, for what no matcher bounds.
const MATCHES: usize = 1_000;

/// What a script says of a trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// What it found; nothing, if there is none.
    Matches(Vec<Answered>),
    /// It came to no answer: why, for a person.
    Failed(String),
}

/// One match of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Stages with the arrival numbers of their events.
    bindings: Vec<(Arc<str>, Seqs)>,
    /// Named values, as RETURN gives them.
    values: Vec<(Arc<str>, Value)>,
    /// Its first event, as time and arrival.
    start: (i64, u64),
    /// Up to where it consumes the history.
    upto: (i64, u64),
}

impl Answered {
    /// A match that binds no events: it consumes all up to the trigger.
    pub fn at(trigger: &Past, values: Vec<(Arc<str>, Value)>) -> Self {
        let place = pair(trigger.place());
        Self { bindings: Vec::new(), values, start: place, upto: place }
    }

    pub(super) fn of(m: Match, upto: Position) -> Self {
        Self { bindings: m.bindings, values: m.values, start: pair(m.start), upto: pair(upto) }
    }

    /// Stages with the arrival numbers of their events; see [`Past::seq`].
    pub fn bindings(&self) -> &[(Arc<str>, Seqs)] {
        &self.bindings
    }

    /// Its values.
    pub fn values(&self) -> &[(Arc<str>, Value)] {
        &self.values
    }

    /// The same match with these values.
    pub fn with_values(self, values: Vec<(Arc<str>, Value)>) -> Self {
        Self { values, ..self }
    }

    pub(crate) fn upto(&self) -> Position {
        position(self.upto)
    }

    /// As the matcher gives one, at the time of its trigger.
    pub(crate) fn to_match(&self, at: Timestamp) -> Match {
        let (start, end) = (position(self.start), position(self.upto));
        Match { bindings: self.bindings.clone(), start, end, at, by: Cause::Event, values: self.values.clone() }
    }
}

impl Answer {
    /// The same within the limits of an answer.
    pub(crate) fn bounded(self) -> Self {
        match self {
            Self::Matches(all) if all.len() > MATCHES => {
                Self::Failed(format!("{} matches in one answer; at most {MATCHES} are taken", all.len()))
            }
            Self::Failed(why) if why.len() > FAILURE => {
                let mut cut = why.len() - FAILURE;
                while !why.is_char_boundary(cut) {
                    cut += 1;
                }
                // The end of a traceback says what happened.
                Self::Failed(format!("... {}", why.get(cut..).unwrap_or_default()))
            }
            fits => fits,
        }
    }
}

fn pair(place: Position) -> (i64, u64) {
    (place.ts.0, place.seq)
}

fn position((ts, seq): (i64, u64)) -> Position {
    Position { ts: Timestamp(ts), seq }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_back_from_its_text() {
        let values = vec![("n".into(), Value::Int(3)), ("x".into(), Value::Float(1.5))];
        let found = Answered {
            bindings: vec![("v".into(), [4, 7].into_iter().collect())],
            values,
            start: (-5, 4),
            upto: (9, 7),
        };
        for answer in [Answer::Matches(vec![found]), Answer::Matches(Vec::new()), Answer::Failed("why".to_owned())] {
            let text = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), answer, "{text}");
        }
    }

    #[test]
    fn what_is_too_much_is_cut() {
        let Answer::Failed(why) = Answer::Failed(format!("{}end", "ä".repeat(FAILURE))).bounded() else { panic!() };
        assert!(why.len() < FAILURE + 8 && why.ends_with("end"), "{}", why.len());
        let one = Answered { bindings: Vec::new(), values: Vec::new(), start: (0, 0), upto: (0, 0) };
        assert!(matches!(Answer::Matches(vec![one.clone(); 1_000]).bounded(), Answer::Matches(_)));
        assert!(matches!(Answer::Matches(vec![one; 1_001]).bounded(), Answer::Failed(_)));
    }
}
