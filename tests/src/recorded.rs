//! A case as any face of Ensue can be given it: a task document, recorded events, where time goes, and the answer.
//!
//! Decides nothing and runs nothing. Left out is what a recording cannot say: see [`Recorded::of`].

use ensue_rule::{Condition, Duration, Expr, Return, Rule, Value, Within, WithinKind};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::case::{Bindings, Case, Fed, WithinType};
use crate::translate::{self, ACTION};

/// A case as a recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recorded {
    /// The case's name.
    pub name: String,
    /// The task document: one task without outputs, its rule compiled.
    pub tasks: Json,
    /// The events, in the JSON form of events.
    pub events: Vec<Json>,
    /// Where time goes after the last.
    pub now: Option<i64>,
    /// The events that each match binds, by stage, in no order.
    pub matches: Vec<Bindings>,
    /// The same of what timed out; null where it is not asked for.
    pub timeouts: Option<Vec<Bindings>>,
}

impl Recorded {
    /// The recording of a case; `None` where it has no answer, needs events out of order (a recording's are then late), says
    /// sessions by number (a recording cuts them by time), goes on for longer than the default window, or asks a condition
    /// elsewhere than a rule text would.
    pub fn of(case: &Case) -> Option<Self> {
        let matches = case.matches.clone().filter(|_| case.error.is_none())?;
        let stamps = || case.events.iter().map(|fed| fed.ts);
        let (first, last) = (stamps().min().unwrap_or(0), stamps().chain(case.advance_to).max().unwrap_or(0));
        let long = last.saturating_sub(first) >= Duration::DAY.0;
        if case.has_falling_stamps() || long || case.within_type == WithinType::Session {
            return None;
        }
        let mut rule = translate::rule(case);
        // The default, said: an absence at the end asks for it.
        rule.within.get_or_insert(Within { duration: Duration::DAY, kind: WithinKind::Match });
        // The clause is empty in a case; in a document it has a value.
        if let Some(values) = &mut rule.on_timeout {
            values.push(Return { name: "none".into(), expr: Expr::literal(Value::Null) });
        }
        let rule = is_sayable(&rule).then(|| serde_json::to_value(rule))?.ok()?;
        Some(Self {
            name: case.name.clone(),
            tasks: json!({"taskArray": [{"id": "case", "taskType": "cep", "rule": rule}]}),
            events: case.events.iter().map(line).collect(),
            now: case.advance_to,
            matches,
            timeouts: case.timeouts.clone(),
        })
    }
}

/// Whether each condition is where a rule text would put it.
fn is_sayable(rule: &Rule) -> bool {
    rule.conditions.iter().all(|c| Condition::place(c.expr.clone(), &rule.pattern).is_ok_and(|placed| placed == *c))
}

fn line(fed: &Fed) -> Json {
    json!({"ts": fed.ts, "id": fed.id, "actionType": ACTION, "args": fed.fields})
}
