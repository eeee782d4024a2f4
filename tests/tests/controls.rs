//! Each control of touches on a session of its own: `controls/*.json` has task documents, what users do, and what
//! becomes of each touch. Every session runs in one go, and again with the store closed and opened after each line.
//!
//! A line is `[dN] HH:MM[:SS] ACTION [@USER] [offset=MIN] [NAME=VALUE]`: N days after Monday 2024-03-04 (UTC), `@` alone
//! nobody's, or
//! `.. ! FEEDBACK TASK [NTH]`: feedback to the task's first (nth) decision so far. After the last line time moves on until
//! nothing waits. Where the answers are meant to change, write them again with
//! `CONTROLS=write cargo test -p ensue-tests --test controls`, and look at what changed.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::path::{Path, PathBuf};

use ensue_dsl::{ReadOptions, read_documents};
use ensue_engine::replay::{Item, Replay};
use ensue_engine::{Config, Outcome};
use serde_json::{Map, Value, json};

/// Monday 2024-03-04T00:00:00Z.
const MONDAY: i64 = 1_709_510_400_000;

/// A session as far as it has run.
#[derive(Default)]
struct Run {
    /// What became of touches, each as a line.
    told: Vec<String>,
    /// Decisions by task.
    decided: Vec<(String, String)>,
}

impl Run {
    fn take(&mut self, line: usize, items: Vec<Item>) {
        for item in items {
            match item {
                Item::Outcome(Outcome::Decision(d)) => {
                    self.told.push(format!("{line} {} decided", d.task));
                    self.decided.push((d.task.to_string(), d.id.to_string()));
                }
                Item::Outcome(Outcome::Refusal(r)) => {
                    self.told.push(format!("{line} {} {}: {}", r.task, r.reason.as_str(), r.detail));
                }
                Item::Rejected(r) => self.told.push(format!("{line} rejected: {}", r.reason)),
                _ => {}
            }
        }
    }

    fn read(&self, text: &str) -> Value {
        let mut words = text.split_whitespace().peekable();
        let day =
            words.next_if(|w| w.starts_with('d')).map_or(0, |w| w.trim_start_matches('d').parse::<i64>().unwrap());
        let time: Vec<i64> = words.next().unwrap().split(':').map(|n| n.parse().unwrap()).collect();
        let seconds = ((day * 24 + time[0]) * 60 + time[1]) * 60 + time.get(2).unwrap_or(&0);
        let ts = MONDAY + seconds * 1_000;
        if words.next_if_eq(&"!").is_some() {
            let (kind, task) = (words.next().unwrap(), words.next().unwrap());
            let nth: usize = words.next().map_or(0, |n| n.parse().unwrap());
            let of_task = self.decided.iter().filter(|(t, _)| t == task).nth(nth);
            let decision = of_task.map_or("none", |(_, id)| id);
            return json!({"ts": ts, "feedback": kind, "decision": decision});
        }
        let mut event = json!({"ts": ts, "actionType": words.next().unwrap(), "userId": "u"});
        for word in words {
            match word.split_once('=') {
                Some(("offset", min)) => event["utcOffsetMin"] = min.parse::<i64>().unwrap().into(),
                Some((name, value)) => event["args"][name] = value.into(),
                None if word == "@" => event["userId"] = Value::Null,
                None => event["userId"] = word.strip_prefix('@').unwrap().into(),
            }
        }
        event
    }
}

fn config(at: Option<&Path>) -> Config {
    at.map_or_else(Config::in_memory, Config::at)
}

/// The session in one go, or, with a file, with the store closed and opened after each line.
fn run(case: &Value, file: Option<&Path>) -> Vec<String> {
    let mut run = Run::default();
    let open = || Replay::open(config(file)).unwrap().0;
    let mut replay = open();
    let sets = read_documents(case["tasks"].to_string().as_bytes(), &ReadOptions::default()).unwrap();
    let reports = replay.apply(sets).unwrap();
    assert!(reports.iter().all(|r| r.error.is_none()), "{}: {reports:?}", case["name"]);
    let lines = case["events"].as_array().unwrap();
    for (n, line) in lines.iter().enumerate() {
        if let Some(tasks) = line.get("tasks") {
            let sets = read_documents(tasks.to_string().as_bytes(), &ReadOptions::default()).unwrap();
            replay.apply(sets).unwrap();
        } else {
            replay.line(run.read(line.as_str().unwrap()).to_string().as_bytes());
        }
        run.take(n + 1, replay.settle().unwrap());
        if file.is_some() {
            replay.finish().unwrap();
            replay = open();
        }
    }
    run.take(lines.len() + 1, replay.drain().unwrap());
    replay.finish().unwrap();
    run.told
}

fn cases() -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("controls");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|path| (path.clone(), serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()))
        .collect()
}

/// The cases of a file with new answers, a line for each event and answer.
fn write(path: &Path, cases: &[Map<String, Value>]) {
    let list = |values: &Value| {
        let lines: Vec<String> = values.as_array().unwrap().iter().map(|v| format!("    {v}")).collect();
        format!("[\n{}\n  ]", lines.join(",\n"))
    };
    let case = |case: &Map<String, Value>| {
        let (name, tasks) = (&case["name"], &case["tasks"]);
        let (events, told) = (list(&case["events"]), list(&case["told"]));
        format!("{{ \"name\": {name},\n  \"tasks\": {tasks},\n  \"events\": {events},\n  \"told\": {told} }}")
    };
    let all: Vec<String> = cases.iter().map(case).collect();
    std::fs::write(path, format!("[\n{}\n]\n", all.join(",\n"))).unwrap();
}

#[test]
fn every_control_says_what_is_written_down_and_a_restart_changes_nothing() {
    let mut reasons = std::collections::BTreeSet::new();
    for (path, mut file) in cases() {
        let mut written = Vec::new();
        for case in file.as_array_mut().unwrap() {
            let told = run(case, None);
            if std::env::var_os("CONTROLS").is_some() {
                case["told"] = json!(told);
            }
            assert_eq!(json!(told), case["told"], "{}", case["name"]);
            let dir = tempfile::tempdir().unwrap();
            assert_eq!(run(case, Some(&dir.path().join("store.db"))), told, "{} with restarts", case["name"]);
            reasons.extend(told.iter().map(|t| t.split(' ').nth(2).unwrap().trim_end_matches(':').to_owned()));
            written.push(case.as_object().unwrap().clone());
        }
        if std::env::var_os("CONTROLS").is_some() {
            write(&path, &written);
        }
    }
    let controls = ["cap", "cooldown", "ttl", "expired", "priority", "exclusive", "quiet", "holdout", "rollout"];
    for reason in controls.into_iter().chain(["cancelled", "backoff", "min_gap", "decided"]) {
        assert!(reasons.contains(reason), "no case where a touch is {reason}");
    }
}
