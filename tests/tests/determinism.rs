//! The same events give the same bytes: whatever the batches in which they come, the moments at which the worker gets to
//! them, the seed of any hash, and whether the store is a file.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::path::Path;

use ensue_dsl::{ReadOptions, read_documents};
use ensue_engine::Config;
use ensue_engine::replay::{Item, Replay};
use ensue_tests::random::Random;
use serde_json::json;

/// What comes out of a run, a line an item; `batch`: how many lines are given before it is asked for.
fn run(config: Config, tasks: &[u8], events: &str, mut batch: impl FnMut() -> u64) -> String {
    let (mut replay, _) = Replay::open(config).unwrap();
    let reports = replay.apply(read_documents(tasks, &ReadOptions::default()).unwrap()).unwrap();
    let mut out = String::new();
    let mut print = |items: Vec<Item>| {
        for item in items {
            out.push_str(&serde_json::to_string(&item).unwrap());
            out.push('\n');
        }
    };
    print(reports.into_iter().map(Item::Report).collect());
    let mut left = batch();
    for line in events.lines() {
        replay.line(line.as_bytes());
        left -= 1;
        if left == 0 {
            print(replay.settle().unwrap());
            left = batch();
        }
    }
    print(replay.settle().unwrap());
    print(replay.drain().unwrap());
    out
}

/// The same in one batch, line by line, and in random batches, in memory and in a file.
fn is_the_same_every_time(name: &str, tasks: &[u8], events: &str) {
    let memory = || Config::in_memory().replay();
    let first = run(memory(), tasks, events, || u64::MAX);
    assert!(first.lines().count() > 20, "{name} says something");
    assert!(run(memory(), tasks, events, || 1) == first, "{name}, line by line");
    for seed in 0..6 {
        let mut random = Random::new(seed);
        let dir = tempfile::tempdir().unwrap();
        let config = if seed % 2 == 0 { memory() } else { Config::at(dir.path().join("ensue.db")).replay() };
        let again = run(config, tasks, events, || 1 + random.below(60));
        for (a, b) in first.lines().zip(again.lines()) {
            assert_eq!(a, b, "{name}, batches of seed {seed}");
        }
        assert_eq!(first.len(), again.len(), "{name}, batches of seed {seed}");
    }
}

#[test]
fn the_examples() {
    for example in ["rental", "controls"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(example);
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        is_the_same_every_time(example, read("tasks.json").as_bytes(), &read("events.jsonl"));
    }
}

#[test]
fn many_tasks_at_one_moment() {
    let rules = [
        "EVENT: a ->> b+ ANY ->> c",
        "EVENT: a -> !n -> c",
        "EVENT: (a -> b){2,} -> c",
        "EVENT: a & b -> c",
        "EVENT: a -> (b | n) -> c",
        "EVENT: a -> b -> !c",
    ];
    let named = |rule: &str| {
        let stages: Vec<_> =
            ["a", "b", "c", "n"].into_iter().filter(|s| rule.trim_start_matches("EVENT").contains(s)).collect();
        stages.iter().map(|s| format!("{s}.actionType = '{s}'")).collect::<Vec<_>>().join(" AND ")
    };
    let task = |i: usize| {
        let rule = rules[i % rules.len()];
        let text = format!("{rule} WHERE {} WITHIN {} S AFTER MATCH SKIP PAST LAST EVENT", named(rule), 1 + i % 5);
        json!({"id": format!("t{i}"), "rule": text, "output": [{"type": "touch", "touch": format!("touch{}", i % 4)}],
            "policy": {"caps": [{"limit": 3, "per": "hour", "shared": "all"}], "priority": i % 3}})
    };
    let document = json!({"taskArray": (0..48).map(task).collect::<Vec<_>>()});
    let mut random = Random::new(7);
    let mut ts = 1_700_000_000_000_u64;
    let mut event = |n: u64| {
        ts += random.below(400);
        let (action, user) = (["a", "b", "c", "n"][usize::try_from(random.below(4)).unwrap()], random.below(5));
        json!({"ts": ts, "id": n, "actionType": action, "userId": format!("u{user}")}).to_string()
    };
    let events: Vec<String> = (0..1_500).map(&mut event).collect();
    is_the_same_every_time("many tasks", document.to_string().as_bytes(), &events.join("\n"));
}
