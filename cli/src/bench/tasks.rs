//! Task sets of the benches that need an engine.

use ensue_dsl::{ReadOptions, read_documents};
use ensue_engine::{Engine, Status};
use ensue_rule::TaskSet;
use serde_json::json;

use crate::failure::Failure;

/// Tasks, each with the rule and the output that `of` gives it.
fn tasks(n: u32, of: impl Fn(u32) -> (String, Option<&'static str>)) -> Result<Vec<TaskSet>, Failure> {
    let task = |i| {
        let (rule, touch) = of(i);
        let output: Vec<_> = touch.iter().map(|t| json!({"type": "touch", "touch": t})).collect();
        json!({"id": format!("task{i}"), "rule": rule, "output": output})
    };
    let document = json!({"source": "bench", "taskArray": (0..n).map(task).collect::<Vec<_>>()});
    read_documents(document.to_string().as_bytes(), &ReadOptions::default())
        .map_err(|d| Failure::new(format!("the tasks of the bench are refused: {}", d.render("bench"))))
}

/// Tasks of one scene each: opened, then left; `k` of the last event is returned.
pub(super) fn visits(n: u32) -> Result<Vec<TaskSet>, Failure> {
    let rule = |i| {
        format!(
            "EVENT: a -> b WHERE a.actionType = 'pv' AND a.scene = 'scene{i}' AND b.actionType = 'leave' \
             AND b.scene = 'scene{i}' WITHIN 10 MIN RETURN LAST(b.args.k) AS k"
        )
    };
    tasks(n, |i| (rule(i), Some("hello")))
}

/// Tasks of one scene each that read two arguments and never match.
pub(super) fn silent(n: u32) -> Result<Vec<TaskSet>, Failure> {
    let rule = |i| {
        format!(
            "EVENT: a WHERE a.actionType = 'type{}' AND a.scene = 'scene{i}' AND a.args.item = 'nothing' \
             AND a.args.page = 'nothing'",
            i % 50
        )
    };
    tasks(n, |i| (rule(i), None))
}

/// Applies sets of which nothing may be refused.
pub(super) fn apply(engine: &Engine, sets: Vec<TaskSet>) -> Result<(), Failure> {
    let report = engine.apply(sets)?;
    match report.sets.iter().flat_map(|s| &s.tasks).find(|t| t.status == Status::Refused) {
        Some(t) => Err(Failure::new(format!("a task of the bench is refused: {}", t.id))),
        None => Ok(()),
    }
}
