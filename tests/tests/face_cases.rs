//! The cases that every language face runs out of one file, `tests/cases/faces.jsonl`: conformance cases as task documents
//! and events, with the answers that the cases themselves have.
//!
//! The file is made from the cases, so that a face needs to know nothing but JSON. Where it is meant to change, write it
//! again with `FACE_CASES=write cargo test -p ensue-tests --test face_cases`, and look at what changed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

use std::collections::{BTreeMap, BTreeSet};

use ensue_dsl::{ReadOptions, read_documents};
use ensue_engine::Config;
use ensue_engine::replay::{After, run};
use ensue_rule::{Dialect, Timestamp};
use ensue_tests::case::{Bindings, Case};
use ensue_tests::load::{cases, own_cases};
use ensue_tests::translate::{self, ACTION};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Of each file of cases so many.
const EACH: usize = 12;

/// A case as faces read it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct FaceCase {
    name: String,
    tasks: Value,
    events: Vec<Value>,
    /// Where time moves after the last event.
    now: Option<i64>,
    /// The bindings of the matches, in no order.
    matches: BTreeSet<Bindings>,
    /// The bindings of the timeouts, where the case says them.
    timeouts: Option<BTreeSet<Bindings>>,
}

fn face_case(file: &str, case: &Case) -> Option<FaceCase> {
    let stamps: Vec<i64> = case.events.iter().map(|fed| fed.ts).collect();
    let sessions = case.events.iter().any(|fed| fed.session > 0);
    let longest = case.advance_to.max(stamps.last().copied())? - stamps.first()?;
    if sessions || !stamps.is_sorted() || longest >= 86_400_000 || case.error.is_some() {
        return None;
    }
    // A conjunct that looks at earlier stages only has no text: its stage would be another.
    let text = ensue_dsl::format(&translate::rule(case));
    ensue_dsl::compile(&text, Dialect::Ensue).rule.filter(|rule| ensue_dsl::format(rule) == text)?;
    let event = |fed: &ensue_tests::case::Fed| {
        let args: BTreeMap<_, _> = fed.fields.iter().collect();
        json!({"id": fed.id, "ts": fed.ts, "actionType": ACTION, "args": args})
    };
    let bound = |list: &Vec<Bindings>| list.iter().map(bound).collect();
    Some(FaceCase {
        name: format!("{file}:{}", case.name),
        tasks: json!({"taskArray": [{"id": "case", "taskType": "cep", "rule": text}]}),
        events: case.events.iter().map(event).collect(),
        now: case.advance_to,
        matches: bound(case.matches.as_ref()?),
        timeouts: case.timeouts.as_ref().map(bound),
    })
}

/// Without stages to which nothing is bound.
fn bound(bindings: &Bindings) -> Bindings {
    bindings.iter().filter(|(_, events)| !events.is_empty()).map(|(name, ids)| (name.clone(), ids.clone())).collect()
}

fn chosen() -> Vec<FaceCase> {
    let mut chosen: Vec<FaceCase> = Vec::new();
    let mut of_file = BTreeMap::new();
    for (path, case) in cases(&own_cases()).unwrap() {
        let file = path.file_stem().unwrap().to_string_lossy().into_owned();
        let taken: &mut usize = of_file.entry(path).or_default();
        if *taken < EACH
            && let Some(case) = face_case(&file, &case)
            && answer(&case).is_some()
        {
            *taken += 1;
            chosen.push(case);
        }
    }
    chosen
}

/// What a replay finds: matches and timeouts. `None`: the task is refused.
fn answer(case: &FaceCase) -> Option<(BTreeSet<Bindings>, BTreeSet<Bindings>)> {
    let sets = read_documents(case.tasks.to_string().as_bytes(), &ReadOptions::default()).unwrap();
    let lines: Vec<String> = case.events.iter().map(Value::to_string).collect();
    let after = After { now: case.now.map(Timestamp), drain: false };
    let items = run(Config::in_memory(), sets, Vec::new(), lines.join("\n").as_bytes(), after).unwrap();
    let items: Vec<Value> = items.iter().map(|item| serde_json::to_value(item).unwrap()).collect();
    let of = |kind: &str| {
        let found = items.iter().filter(|item| item["kind"] == kind);
        found.map(|item| bound(&serde_json::from_value(item["bindings"].clone()).unwrap())).collect()
    };
    (items[0]["status"] == "added").then(|| (of("match"), of("timeout")))
}

#[test]
fn the_file_holds_the_cases_and_the_engine_answers_them() {
    let path = own_cases().join("faces.jsonl");
    let chosen = chosen();
    if std::env::var_os("FACE_CASES").is_some() {
        let lines: String = chosen.iter().map(|case| serde_json::to_string(case).unwrap() + "\n").collect();
        std::fs::write(&path, lines).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let held: Vec<FaceCase> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(held.len() > 150, "only {} cases", held.len());
    assert!(held == chosen, "the cases changed: see the head of this file");
    for case in &held {
        let (matches, timeouts) = answer(case).unwrap();
        assert_eq!(matches, case.matches, "{}", case.name);
        assert_eq!(case.timeouts.clone().unwrap_or(timeouts.clone()), timeouts, "{}", case.name);
    }
}
