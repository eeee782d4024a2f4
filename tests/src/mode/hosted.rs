//! A case in the engine: one task, replayed, what it tells sorted by half steps.

use std::sync::Arc;

use ensue_engine::{Config, Engine, Outcome, Place, Reason};
use ensue_matcher::Limits;
use ensue_rule::{EventRef, Rule, Task, TaskSet, Timestamp, Value};

use crate::answer::{Answer, Given, HalfStep};
use crate::case::Fed;
use crate::told::Told;
use crate::translate::ACTION;

/// An engine that runs one rule, and what it has told.
pub(super) struct Hosted {
    engine: Engine,
    told: Arc<Told>,
    answer: Answer,
}

impl Hosted {
    /// Opens a store; what it has told before goes on in `answer`.
    pub(super) fn open(place: Place, limits: Limits, answer: Answer) -> Result<Self, String> {
        let config = Config { place, limits, ..Config::in_memory() }.replay();
        let engine = Engine::open(config).map_err(|e| e.to_string())?;
        let report = engine.ready().map_err(|e| e.to_string())?;
        if let Some(path) = report.set_aside {
            return Err(format!("the store was set aside as {}", path.display()));
        }
        let told = Arc::new(Told::default());
        engine.set_listener(Some(told.clone()));
        Ok(Self { engine, told, answer })
    }

    /// Applies a set of one task with this rule.
    pub(super) fn apply(&self, rule: &Rule) -> Result<(), String> {
        let set = TaskSet::of("cases", [Task::of("case", rule.clone())]);
        let report = self.engine.apply(vec![set]).map_err(|e| e.to_string())?;
        let refused = report.sets.iter().flat_map(|s| &s.tasks).find_map(|t| t.error.as_ref());
        refused.map_or(Ok(()), |why| Err(format!("refused: {}", why.message)))
    }

    /// Moves time and takes what that lets out.
    pub(super) fn advance(&mut self, t: Timestamp, step: HalfStep) -> Result<(), String> {
        self.engine.advance_to(t).map_err(|e| e.to_string())?;
        self.take(step)
    }

    /// Records an event without waiting.
    pub(super) fn record(&self, fed: &Fed) {
        let id = Value::Int(i64::try_from(fed.id).unwrap_or(i64::MAX));
        let args: Vec<(&str, Value)> = fed.fields.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
        let event = EventRef {
            ts: Some(Timestamp(fed.ts)),
            id: Some(&id),
            action_type: ACTION,
            args: &args,
            ..EventRef::default()
        };
        self.engine.record(&event);
    }

    /// Waits for what was recorded, and takes what it lets out.
    pub(super) fn take(&mut self, step: HalfStep) -> Result<(), String> {
        self.engine.flush().map_err(|e| e.to_string())?;
        for outcome in self.told.take() {
            match outcome {
                Outcome::Match(m) => self.answer.matches.push(given(&m, step)),
                Outcome::Timeout(m) => self.answer.timeouts.push(given(&m, step)),
                Outcome::Refusal(r) if r.reason == Reason::Error => self.answer.error = Some(r.detail),
                other => self.answer.error = Some(format!("a task without outputs told {other:?}")),
            }
        }
        Ok(())
    }

    /// Closes the engine.
    pub(super) fn close(self) -> Answer {
        self.engine.close();
        self.answer
    }
}

fn given(m: &ensue_engine::MatchRecord, step: HalfStep) -> Given {
    let id = |v: &Value| match v {
        Value::Int(i) => u64::try_from(*i).unwrap_or(u64::MAX),
        _ => u64::MAX,
    };
    let bindings = m.bindings.0.iter().map(|(name, ids)| (name.to_string(), ids.iter().map(id).collect()));
    Given { bindings: bindings.collect(), at: m.at.0, step }
}
