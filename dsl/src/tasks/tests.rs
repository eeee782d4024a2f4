//! The tests of a task: recorded events and what is to come of them. Read for `ensue check`; loading a task passes them
//! over, wrong ones too.

use ensue_rule::Value;
use serde::Deserialize;

use super::json::{Node, Object};
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;

/// One test of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskTest {
    /// Its name; its number where it has none.
    pub name: String,
    /// Its path within the task: `tests[0]`.
    pub path: String,
    /// The events, each as JSON.
    pub events: Vec<String>,
    /// Whether time then moves from timer to timer until none is left.
    pub drain: bool,
    /// What is to come of them.
    pub expected: Vec<Expected>,
}

/// What one kind of outcome is to be: all of that kind, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The key: `matches`, `timeouts`, `derived`, `decisions`, `refusals`.
    pub key: &'static str,
    /// Each compared by the keys that it has.
    pub objects: Vec<Value>,
}

const OUTCOMES: [&str; 5] = ["matches", "timeouts", "derived", "decisions", "refusals"];

/// Reads `tests` of a task, if it has some; what is wrong with one is reported, and the others are read.
pub(super) fn read(task: &Node<'_>, sink: &mut Sink) -> Vec<TaskTest> {
    let Ok(Some(tests)) = task.object().map(|o| o.get("tests")) else { return Vec::new() };
    match tests.list() {
        Ok(list) => list.iter().enumerate().filter_map(|(n, node)| keep(test(n, node, sink), sink)).collect(),
        Err(d) => {
            sink.push(d);
            Vec::new()
        }
    }
}

fn keep<T>(read: Result<T, Diagnostic>, sink: &mut Sink) -> Option<T> {
    read.map_err(|d| sink.push(d)).ok()
}

fn test(n: usize, node: &Node<'_>, sink: &mut Sink) -> Result<TaskTest, Diagnostic> {
    let object = node.object()?;
    let keys: Vec<&str> = ["name", "events", "drain"].into_iter().chain(OUTCOMES).collect();
    object.warn_unknown(&keys, sink);
    let name = object.get("name").map(|n| n.text()).transpose()?;
    let events = object.require("events")?.list()?;
    let drain = object.get("drain").map(|n| n.json.as_bool().ok_or_else(|| n.wrong("true or false"))).transpose()?;
    Ok(TaskTest {
        name: name.map_or_else(|| (n + 1).to_string(), str::to_owned),
        path: format!("tests[{n}]"),
        events: events.iter().map(|e| e.json.to_string()).collect(),
        drain: drain.unwrap_or_default(),
        expected: OUTCOMES.iter().filter_map(|key| expected(key, &object).transpose()).collect::<Result<_, _>>()?,
    })
}

fn expected(key: &'static str, object: &Object<'_>) -> Result<Option<Expected>, Diagnostic> {
    let Some(node) = object.get(key) else { return Ok(None) };
    let read = |n: &Node<'_>| {
        n.object()?;
        Value::deserialize(n.json).map_err(|_| n.wrong("an object of plain values"))
    };
    let objects = node.list()?.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Some(Expected { key, objects }))
}
