//! Tests inside tasks: the events of each through an engine of its own that has this task only, and what comes out held
//! against what is expected.

use std::sync::Arc;

use ensue_dsl::{CheckedTask, Diagnostic, Expected, TaskTest, codes, nearest};
use ensue_engine::replay::Item;
use ensue_engine::{Config, Outcome, Replay};
use ensue_rule::{Task, TaskSet, Value};
use serde::Deserialize;

use crate::failure::Failure;

/// What became of tests.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    pub(crate) count: usize,
    pub(crate) failed: usize,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// How many differences of one test are shown.
const SHOWN: usize = 5;

pub(crate) fn run(tasks: &[CheckedTask]) -> Result<Ran, Failure> {
    let mut ran = Ran::default();
    for task in tasks {
        for test in &task.tests {
            let mut found = differences(task, test)?;
            ran.count += 1;
            ran.failed += usize::from(!found.is_empty());
            found.truncate(SHOWN);
            ran.diagnostics.extend(found.into_iter().map(|d| task.place(d)));
        }
    }
    Ok(ran)
}

/// In what a test does not get what it expects, at paths within the task.
fn differences(task: &CheckedTask, test: &TaskTest) -> Result<Vec<Diagnostic>, Failure> {
    let items = replay(task, test)?;
    let mut out = Vec::new();
    for item in &items {
        if let Item::Rejected(r) = item {
            let message = format!("test `{}`: this is no event: {}", test.name, r.reason);
            let path = format!("{}.events[{}]", test.path, r.line.saturating_sub(1));
            out.push(Diagnostic::error(codes::TEST_EVENT, message).path(path));
        }
    }
    for expected in &test.expected {
        let got: Vec<Value> = items.iter().filter_map(|item| object(item, expected.key)).collect();
        compare(test, expected, &got, &mut out);
    }
    Ok(out)
}

/// All that comes of the events of a test. The task is alone: what others would do to it is not what a test of it says.
fn replay(task: &CheckedTask, test: &TaskTest) -> Result<Vec<Item>, Failure> {
    let (mut replay, _) = Replay::open(Config::in_memory().replay())?;
    replay.apply(vec![TaskSet::of("default", [Task::clone(&task.task)])])?;
    test.events.iter().for_each(|event| replay.line(event.as_bytes()));
    let mut items = replay.settle()?;
    if test.drain {
        items.extend(replay.drain()?);
    }
    replay.finish()?;
    Ok(items)
}

/// The object of an item, if it is of the kind that this key expects.
fn object(item: &Item, key: &str) -> Option<Value> {
    let Item::Outcome(outcome) = item else { return None };
    let kind = match outcome {
        Outcome::Match(_) => "matches",
        Outcome::Timeout(_) => "timeouts",
        Outcome::Event(_) => "derived",
        Outcome::Decision(_) => "decisions",
        Outcome::Refusal(_) => "refusals",
    };
    let json = serde_json::to_value(item).ok().filter(|_| kind == key)?;
    Value::deserialize(json).ok()
}

fn compare(test: &TaskTest, expected: &Expected, got: &[Value], out: &mut Vec<Diagnostic>) {
    let path = format!("{}.{}", test.path, expected.key);
    if expected.objects.len() != got.len() {
        let (key, n) = (expected.key, expected.objects.len());
        let message = format!("test `{}`: expected {n} in `{key}`, got {}", test.name, got.len());
        out.push(Diagnostic::error(codes::TEST_FAILED, message).path(path).hint(listed(expected, got)));
        return;
    }
    for (n, (want, got)) in expected.objects.iter().zip(got).enumerate() {
        different(test, &format!("{path}[{n}]"), want, got, out);
    }
}

/// Compares by the keys that the expected value has, all the way down.
fn different(test: &TaskTest, path: &str, want: &Value, got: &Value, out: &mut Vec<Diagnostic>) {
    if let (Value::Map(want), Value::Map(got)) = (want, got) {
        for (key, want) in want.iter() {
            let path = format!("{path}.{key}");
            match got.get(key) {
                Some(got) => different(test, &path, want, got, out),
                None if want.is_null() => {}
                None => out.push(absent(test, path, key, want, got.keys())),
            }
        }
    } else if !want.same(got) {
        let message = format!("test `{}`: expected {want}, got {got}", test.name);
        out.push(Diagnostic::error(codes::TEST_FAILED, message).path(path));
    }
}

/// That what was got does not have a key at all.
fn absent<'k>(
    test: &TaskTest,
    path: String,
    key: &str,
    want: &Value,
    keys: impl Iterator<Item = &'k Arc<str>> + Clone,
) -> Diagnostic {
    let message = format!("test `{}`: expected {want}, got no `{key}`", test.name);
    let d = Diagnostic::error(codes::TEST_FAILED, message).path(path);
    match nearest(key, keys.clone().map(|k| &**k)) {
        Some(near) => d.hint(format!("did you mean `{near}`?")),
        None => d.hint(format!("there are {}", keys.map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", "))),
    }
}

/// What was got, by the keys that tell one from another.
fn listed(expected: &Expected, got: &[Value]) -> String {
    const MOST: usize = 4;
    let keys: &[&str] = match expected.key {
        "matches" | "timeouts" => &["at", "bindings", "values"],
        "derived" => &["at", "event"],
        "decisions" => &["at", "touch", "values"],
        _ => &["at", "reason", "detail", "values"],
    };
    if got.is_empty() {
        return "nothing of the kind came out; `ensue explain` says what the rule waits for".to_owned();
    }
    let shown: Vec<String> = got.iter().take(MOST).map(|v| only(v, keys).to_string()).collect();
    let more = if got.len() > MOST { format!(" and {} more", got.len() - MOST) } else { String::new() };
    format!("got {}{more}", shown.join(" "))
}

fn only(value: &Value, keys: &[&str]) -> Value {
    let Value::Map(map) = value else { return value.clone() };
    let kept = map.iter().filter(|(key, _)| keys.contains(&&***key));
    Value::Map(Arc::new(kept.map(|(k, v)| (k.clone(), v.clone())).collect()))
}
