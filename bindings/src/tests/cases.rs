//! The conformance cases that every face runs, `tests/cases/faces.jsonl`, through the exported `replay`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "what fails here fails a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::{ReplayOptions, replay};
use serde_json::Value;

/// Stages with the events they bind; those that bind none left out.
type Bindings = BTreeMap<String, Vec<i64>>;

fn bindings(of: &Value) -> Bindings {
    let ids = |ids: &Value| ids.as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect::<Vec<_>>();
    of.as_object()
        .unwrap()
        .iter()
        .map(|(stage, bound)| (stage.clone(), ids(bound)))
        .filter(|(_, b)| !b.is_empty())
        .collect()
}

fn expected(answers: &Value) -> BTreeSet<Bindings> {
    answers.as_array().unwrap().iter().map(bindings).collect()
}

fn found(items: &[Value], kind: &str) -> BTreeSet<Bindings> {
    items.iter().filter(|item| item["kind"] == kind).map(|item| bindings(&item["bindings"])).collect()
}

#[test]
fn every_case_gives_its_answer() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/faces.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() > 150, "only {} cases", cases.len());
    for case in cases {
        let events: Vec<String> = case["events"].as_array().unwrap().iter().map(Value::to_string).collect();
        let options = ReplayOptions { now_ms: case["now"].as_i64(), ..ReplayOptions::default() };
        let lines = replay(case["tasks"].to_string(), events.join("\n").into_bytes(), options).unwrap();
        let items: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(items[0]["status"], "added", "{}", case["name"]);
        assert_eq!(found(&items, "match"), expected(&case["matches"]), "{}", case["name"]);
        if !case["timeouts"].is_null() {
            assert_eq!(found(&items, "timeout"), expected(&case["timeouts"]), "{}", case["name"]);
        }
    }
}
