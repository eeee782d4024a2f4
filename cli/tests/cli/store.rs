//! `ensue run --db`: a store that lasts, and files that are none.

use ensue_engine::{Config, Engine};

use crate::shell::Shell;

const RULE: &str = "EVENT: a -> b WHERE a.actionType = 'a' AND b.actionType = 'b' WITHIN 1 H\n";
const RUN: &str = "run --rule r.txt --events e.jsonl --db s.db --json";

fn event(action: &str, ts: i64) -> String {
    format!("{{\"ts\":{ts},\"id\":\"{action}{ts}\",\"actionType\":\"{action}\"}}\n")
}

fn shell() -> Shell {
    let sh = Shell::new();
    sh.file("r.txt", RULE);
    sh
}

#[test]
fn a_half_finished_match_goes_on() {
    let sh = shell();
    let first = sh.file("e.jsonl", event("a", 1)).ensue(RUN);
    assert_eq!((first.code, first.of_kind("match").len()), (0, 0), "{first:?}");
    let second = sh.file("e.jsonl", event("b", 2)).ensue(RUN);
    assert_eq!((second.code, second.stderr.as_str()), (0, ""));
    assert_eq!(second.of_kind("report")[0]["status"], "unchanged");
    assert_eq!(second.of_kind("match")[0]["bindings"], serde_json::json!({"a": ["a1"], "b": ["b2"]}));
    let third = sh.file("e.jsonl", "").ensue(RUN);
    assert_eq!((third.code, third.of_kind("match").len()), (0, 0), "{third:?}");
}

#[test]
fn a_store_that_is_in_use_stays_locked_whoever_was_refused_it() {
    let sh = shell();
    sh.file("e.jsonl", event("a", 1));
    let config = || Config::at(sh.path().join("s.db")).replay();
    let engine = Engine::open(config()).unwrap();
    engine.ready().unwrap();
    // One in this process first: whoever closes a file gives back all locks that the process has on it.
    assert!(Engine::open(config()).unwrap().ready().unwrap_err().is_in_use());
    let other = sh.ensue(RUN);
    assert!(other.code == 2 && other.stderr.contains("in use"), "{other:?}");
    engine.close();
    assert_eq!(sh.ensue(RUN).code, 0);
}

#[test]
fn printed_decisions_are_acknowledged() {
    let sh = shell();
    let rule = RULE.trim_end();
    sh.file(
        "t.json",
        format!(
            r#"{{"taskArray":[{{"id":"t","taskType":"cep","rule":"{rule}","output":{{"type":"touch","touch":"x"}}}}]}}"#
        ),
    );
    let run = "run --tasks t.json --events e.jsonl --db s.db --json";
    let first = sh.file("e.jsonl", event("a", 1) + &event("b", 2)).ensue(run);
    assert_eq!(first.of_kind("decision").len(), 1, "{first:?}");
    let second = sh.file("e.jsonl", "").ensue(run);
    assert_eq!(second.of_kind("decision").len(), 0, "{second:?}");
}

#[cfg(unix)]
#[test]
fn decisions_that_nobody_read_come_first_in_the_next_run() {
    use std::io::Write;
    let sh = shell();
    let task = format!(
        r#"{{"id":"t","taskType":"cep","rule":"{}","output":{{"type":"touch","touch":"x"}}}}"#,
        RULE.trim_end()
    );
    sh.file("t.json", format!(r#"{{"taskArray":[{task}]}}"#)).file("e.jsonl", "");
    let mut child = sh.command("run --tasks t.json --events - --db s.db --json");
    let mut child = child.stdin(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    // It may already know that nobody reads.
    let _ = child.stdin.take().unwrap().write_all((event("a", 1) + &event("b", 2)).as_bytes());
    assert!(child.wait().unwrap().success(), "a closed pipe is no error");
    let run = "run --tasks t.json --events e.jsonl --db s.db --json";
    let again = sh.file("e.jsonl", event("a", 1) + &event("b", 2)).ensue(run);
    assert_eq!(again.code, 0, "{again:?}");
    let decisions = again.of_kind("decision");
    assert!(!decisions.is_empty(), "{again:?}");
    assert_eq!(sh.file("e.jsonl", "").ensue(run).of_kind("decision").len(), 0, "now they are acknowledged");
}

#[test]
fn a_file_that_is_no_store_is_set_aside() {
    let sh = shell();
    sh.file("e.jsonl", event("a", 1) + &event("b", 2)).file("s.db", "this is a letter, not a store\n".repeat(200));
    let ended = sh.ensue(RUN);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.starts_with("ensue: s.db is not a sound store; it was set aside as "), "{}", ended.stderr);
    assert_eq!(ended.of_kind("match").len(), 1, "it runs all the same");
    let kept = std::fs::read_dir(sh.path()).unwrap().filter_map(|f| std::fs::read_to_string(f.unwrap().path()).ok());
    assert!(kept.into_iter().any(|text| text.starts_with("this is a letter")), "nothing is deleted");
    assert_eq!(sh.ensue(RUN).code, 0, "a fresh store is in its place");
}

#[test]
fn a_directory_is_no_store() {
    let sh = shell();
    sh.file("e.jsonl", "");
    std::fs::create_dir(sh.path().join("s.db")).unwrap();
    let ended = sh.ensue(RUN);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    let said = format!("ensue: cannot open {} as a store: it is a directory\n", sh.path().join("s.db").display());
    assert_eq!(ended.stderr, said);
    let ended = sh.ensue("run --rule r.txt --events e.jsonl --db no/such/folder/s.db");
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
}
