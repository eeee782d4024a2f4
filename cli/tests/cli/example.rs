//! The examples: what they print is what is written down.
//!
//! Where it is meant to print something else, write it down again, and look at each line that changed:
//! `ensue run --tasks tasks.json --events events.jsonl --json --drain | sed 's/,"seconds":[^}]*//' > expected.jsonl`

use serde_json::Value as Json;

use crate::shell::{Shell, repository};

const RUN: &str = "run --tasks tasks.json --events events.jsonl --json --drain";

/// What tasks find and what becomes of it; and what becomes of touches.
const EXAMPLES: [&str; 2] = ["rental", "controls"];

fn rental() -> Shell {
    example("rental")
}

fn example(name: &str) -> Shell {
    let sh = Shell::new();
    for file in ["tasks.json", "events.jsonl"] {
        sh.file(file, std::fs::read(repository("examples").join(name).join(file)).unwrap());
    }
    sh
}

/// The objects without what the machine's speed decides.
fn timeless(objects: Vec<Json>) -> Vec<Json> {
    let without = |mut o: Json| {
        o.as_object_mut().unwrap().remove("seconds");
        o
    };
    objects.into_iter().map(without).collect()
}

fn expected() -> Vec<Json> {
    expected_of("rental")
}

fn expected_of(name: &str) -> Vec<Json> {
    let text = std::fs::read_to_string(repository("examples").join(name).join("expected.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn assert_same(found: &[Json], expected: &[Json]) {
    for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found, expected, "object {}", n + 1);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn it_prints_what_is_expected() {
    for name in EXAMPLES {
        let ended = example(name).ensue(RUN);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        assert_same(&timeless(ended.objects()), &expected_of(name));
    }
}

#[test]
fn a_store_on_disk_changes_nothing() {
    for name in EXAMPLES {
        let ended = example(name).ensue(&format!("{RUN} --db store.db"));
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        assert_same(&timeless(ended.objects()), &expected_of(name));
    }
}

#[test]
fn in_two_parts_over_one_store_it_tells_the_same() {
    EXAMPLES.into_iter().for_each(in_two_parts);
}

fn in_two_parts(name: &str) {
    let sh = example(name);
    let events = std::fs::read_to_string(sh.path().join("events.jsonl")).unwrap();
    let events: Vec<_> = events.lines().collect();
    let (first, second) = events.split_at(events.len() / 2);
    // Lines are counted from the first of each file, and are the ids of events that have none.
    let numbered = |at: usize, line: &str| match serde_json::from_str::<Json>(line) {
        Ok(mut event) if event.get("actionType").is_some() => {
            let object = event.as_object_mut().unwrap();
            object.entry("id").or_insert_with(|| (at + 1).into());
            event.to_string()
        }
        _ => line.to_owned(),
    };
    let all: Vec<_> = events.iter().enumerate().map(|(at, line)| numbered(at, line)).collect();
    sh.file("first.jsonl", all[..first.len()].join("\n")).file("second.jsonl", all[first.len()..].join("\n"));
    assert_eq!(second.len() + first.len(), all.len());
    let tell = |ended: crate::shell::Ended| -> Vec<Json> {
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        let told = ended
            .objects()
            .into_iter()
            .filter(|o| ["match", "timeout", "event", "decision", "refusal"].contains(&o["kind"].as_str().unwrap()));
        let without_line = |mut o: Json| {
            o.as_object_mut().unwrap().remove("line");
            o
        };
        told.map(without_line).collect()
    };
    let mut found = tell(sh.ensue("run --tasks tasks.json --events first.jsonl --db store.db --json"));
    found.extend(tell(sh.ensue("run --tasks tasks.json --events second.jsonl --db store.db --json --drain")));
    assert_same(&found, &tell(sh.ensue(RUN)));
}

#[test]
fn for_a_person_it_prints_text() {
    let ended = rental().ensue("run --tasks tasks.json --events events.jsonl --drain");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    for part in
        ["growth 7: hesitation added", "line 41: rejected: malformed JSON at column", ": match v=", "    decision "]
    {
        assert!(ended.stdout.contains(part), "{part:?} in\n{}", ended.stdout);
    }
}

#[test]
fn every_control_refuses_something_and_what_waited_says_whose_it_is() {
    let ended = example("controls").ensue("run --tasks tasks.json --events events.jsonl --drain");
    for reason in ["priority", "exclusive", "cap", "quiet", "holdout", "rollout", "backoff", "min_gap", "cancelled"] {
        assert!(ended.stdout.contains(&format!(": {reason}: ")), "{reason} in\n{}", ended.stdout);
    }
    assert!(ended.stdout.contains("Z ben thanks: waited\n    decision "), "{}", ended.stdout);
    assert!(ended.stdout.contains("no decision of that id is known"), "{}", ended.stdout);
}

#[test]
fn every_kind_of_answer_is_in_it() {
    let expected = expected();
    let has = |kind: &str, key: &str, value: &str| {
        assert!(expected.iter().any(|o| o["kind"] == kind && o[key] == value), "no {kind} with {key} {value}");
    };
    for task in
        ["test_cep_rent_rule2", "hesitation", "hesitated-again", "saved-not-asked", "price-drop", "failed-search"]
    {
        has("match", "task", task);
    }
    for reason in ["cap", "cooldown", "ttl", "when"] {
        has("refusal", "reason", reason);
    }
    has("match", "by", "time");
    has("event", "task", "hesitation");
    assert_eq!(expected.iter().filter(|o| o["kind"] == "rejected").count(), 2);
    assert!(expected.iter().any(|o| o["kind"] == "decision" && o["line"].is_null()), "one comes by --drain");
}
