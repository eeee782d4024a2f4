//! `ensue run`: bad lines, refused tasks, time, and what is printed in which order.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value as Json, json};

use crate::shell::{Ended, Shell};

const RULE: &str = "EVENT: a -> b WHERE a.actionType = 'a' AND b.actionType = 'b' WITHIN 1 H RETURN a.args.x AS x\n";
const RUN: &str = "run --rule r.txt --events e.jsonl --json";

/// A line each: `a@5` is an event of action type a at 5 ms.
fn events(text: &str) -> String {
    let line = |event: &str| {
        let (action, ts) = event.split_once('@').unwrap();
        format!("{{\"ts\":{ts},\"actionType\":\"{action}\",\"userId\":\"u\",\"args\":{{\"x\":{ts}}}}}\n")
    };
    text.split_whitespace().map(line).collect()
}

fn shell(rule: &str, events: &str) -> Shell {
    let sh = Shell::new();
    sh.file("r.txt", rule).file("e.jsonl", events);
    sh
}

fn task(id: &str, rule: &str, more: &str) -> String {
    format!(r#"{{"id":"{id}","taskType":"cep","rule":"{}"{more}}}"#, rule.trim_end())
}

fn document(tasks: &[String]) -> String {
    format!(r#"{{"taskArray":[{}]}}"#, tasks.join(","))
}

fn kinds(ended: &Ended) -> Vec<String> {
    ended.objects().iter().map(|o| o["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_match_and_the_summary() {
    let ended = shell(RULE, &events("a@1 z@2 b@3")).ensue(RUN);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(kinds(&ended), ["report", "match", "summary"]);
    let report =
        json!({"kind": "report", "source": "default", "version": null, "task": "r", "status": "added", "warnings": []});
    assert_eq!(ended.objects()[0], report);
    let mut found = ended.objects().remove(1);
    let id = found.as_object_mut().unwrap().remove("id").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 16);
    let expected = json!({
        "kind": "match", "task": "r", "source": "default", "version": null, "user": "u", "partition": null, "at": 3,
        "by": "event", "line": 3, "bindings": {"a": [1], "b": [3]}, "values": {"x": 1}
    });
    assert_eq!(found, expected);
    let summary = ended.summary();
    for (key, n) in [("events", 3), ("rejected", 0), ("demanded", 2), ("matches", 1), ("decisions", 0), ("dropped", 0)]
    {
        assert_eq!(summary[key], n, "{key}: {summary}");
    }
    assert_eq!(summary["bytes_in"], events("a@1 z@2 b@3").len());
}

#[test]
fn the_order_of_keys_is_the_documented_one() {
    let ended = shell(RULE, &events("a@1 b@3")).ensue(RUN);
    let line = ended.stdout.lines().nth(1).unwrap();
    assert!(line.starts_with(r#"{"kind":"match","id":""#), "{line}");
    let summary = ended.stdout.lines().last().unwrap();
    let keys: Vec<_> = summary.split('"').skip(1).step_by(2).filter(|k| *k != "summary").collect();
    let expected = "kind events rejected late clamped demanded stored dropped capped null_key bytes_in bytes_stored \
                    matches timeouts decisions refusals errors seconds";
    assert_eq!(keys.join(" "), expected);
}

#[test]
fn bad_lines_are_told_by_number_and_stop_nothing() {
    let lines = [
        r#"{"ts":1,"actionType":"a","args":{"x":1}}"#,
        r#"{"ts":2,"actionType":"#,
        "",
        "nonsense",
        "[]",
        r#"{"ts":2}"#,
        r#"{"ts":"2","actionType":"a"}"#,
        r#"{"ts":2,"actionType":"a","source":"derived"}"#,
        r#"{"ts":2,"feedback":"shown","decision":"x"}"#,
        r#"{"ts":3,"actionType":"b"}"#,
    ];
    let ended = shell(RULE, &lines.join("\n")).ensue(RUN);
    let rejected: Vec<_> =
        ended.of_kind("rejected").iter().map(|r| format!("{}: {}", r["line"], r["reason"].as_str().unwrap())).collect();
    let expected = [
        "2: malformed JSON at column 21: EOF while parsing a value",
        "4: malformed JSON at column 2: expected ident",
        "5: an event is a JSON object",
        "6: the event has no `actionType`",
        "7: `ts` must be an integer of milliseconds, not a string",
        "8: `derived` events are made by tasks, not recorded",
        "9: feedback to `x`: no decision of that id is known",
    ];
    assert_eq!(rejected, expected);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "rejected lines are no failure");
    let summary = ended.summary();
    assert_eq!((&summary["rejected"], &summary["events"], &summary["matches"]), (&7.into(), &2.into(), &1.into()));
    assert_eq!(ended.of_kind("match")[0]["bindings"], json!({"a": [1], "b": [10]}));
}

#[test]
fn rejected_lines_stand_where_they_belong() {
    let lines = format!("x\n{}y\n{}z\n", events("a@1 b@2"), events("a@3 b@4"));
    let ended = shell(RULE, &lines).ensue(RUN);
    let expected = ["report", "rejected", "match", "rejected", "match", "rejected", "summary"];
    assert_eq!(kinds(&ended), expected);
}

#[test]
fn huge_lines_and_values() {
    let long = "x".repeat(300_000);
    let lines = format!(
        "{{\"ts\":1,\"actionType\":\"a\",\"args\":{{\"x\":\"{long}\"}}}}\n{}{}",
        "{\"ts\":2,\"actionType\":\"a\",\"args\":{\"x\":123456789012345678901234567890}}\n",
        "{\"ts\":9223372036854775807,\"actionType\":\"a\"}\n{\"ts\":3,\"actionType\":\"b\",\"args\":{\"x\":1e999}}\n"
    );
    let ended = shell(RULE, &lines).ensue(RUN);
    let rejected = ended.of_kind("rejected");
    assert_eq!((ended.code, rejected.len()), (0, 3), "{rejected:?}");
    assert_eq!(rejected[0]["reason"], "the event is over the limit of 65536 bytes");
    assert_eq!(rejected[1]["reason"], "`ts` must be within 8640000000000000 ms of 1970, not 9223372036854775807");
    assert_eq!(rejected[2]["reason"], "malformed JSON at column 42: number out of range");
}

#[test]
fn ids_of_events_are_shown_as_they_are() {
    let lines = "{\"ts\":1,\"actionType\":\"a\",\"id\":\"first\"}\n{\"ts\":2,\"actionType\":\"b\",\"id\":-7}\n";
    let ended = shell(RULE, lines).ensue(RUN);
    let found = &ended.of_kind("match")[0];
    assert_eq!((&found["bindings"], &found["user"]), (&json!({"a": ["first"], "b": [-7]}), &Json::Null));
}

#[test]
fn an_empty_file_is_a_run() {
    let ended = shell(RULE, "").ensue(RUN);
    assert_eq!((ended.code, kinds(&ended)), (0, vec!["report".to_owned(), "summary".to_owned()]));
}

#[test]
fn a_refused_rule_is_drawn_and_reported() {
    let sh = shell("EVENT: a -> a\n", &events("a@1"));
    let ended = sh.ensue(RUN);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("error[E0201]") && ended.stderr.contains("r.txt:1:13"), "{}", ended.stderr);
    let report = &ended.of_kind("report")[0];
    assert_eq!(
        (&report["task"], &report["status"], &report["code"]),
        (&"r".into(), &"refused".into(), &"E0201".into())
    );
    assert_eq!(kinds(&ended), ["report", "summary"]);
}

#[test]
fn a_refused_task_does_not_stop_the_others() {
    let sh = shell(RULE, &events("a@1 b@2"));
    let bad = task("bad", "EVENT: a ->", "");
    let wrong = task("wrong", RULE, r#","policy":{"holdout":2.0}"#);
    sh.file("t.json", document(&[bad, wrong, task("good", RULE, "")]));
    let ended = sh.ensue("run --tasks t.json --events e.jsonl --json");
    let reports: Vec<_> = ended.of_kind("report").iter().map(|r| format!("{} {}", r["task"], r["status"])).collect();
    assert_eq!(reports, [r#""bad" "refused""#, r#""wrong" "refused""#, r#""good" "added""#]);
    let wrong = &ended.of_kind("report")[1];
    assert_eq!(
        (&wrong["path"], &wrong["code"]),
        (&"taskArray[0].policy.holdout".replace('0', "1").into(), &"E0503".into())
    );
    assert!(wrong["message"].as_str().unwrap().contains("share"), "{wrong}");
    assert_eq!((ended.code, ended.of_kind("match").len()), (1, 1));
}

#[test]
fn a_malformed_document_changes_nothing() {
    let sh = shell(RULE, &events("a@1 b@2"));
    for text in ["{\"taskArray\":[}", "", "7", "{\"taskArray\":7}"] {
        let ended = sh.file("t.json", text).ensue("run --tasks t.json --events e.jsonl --json");
        assert_eq!(
            (ended.code, kinds(&ended)),
            (1, vec!["report".to_owned(), "summary".to_owned()]),
            "{text}: {ended:?}"
        );
        let report = &ended.of_kind("report")[0];
        assert_eq!((&report["status"], &report["source"]), (&"refused".into(), &Json::Null), "{text}");
        assert!(ended.stderr.contains("t.json"), "{text}: {}", ended.stderr);
    }
}

#[test]
fn a_script_runs_by_the_rule_beside_it_or_not_at_all() {
    let sh = shell(RULE, &events("a@1 b@2"));
    let script = r#"{"taskType":"py_backtrace","pythonName":"find_it"}"#;
    sh.file("t.json", document(&[script.to_owned()]));
    let ended = sh.ensue("run --tasks t.json --events e.jsonl --json");
    let report = &ended.of_kind("report")[0];
    assert_eq!((ended.code, &report["task"], &report["code"]), (1, &"find_it".into(), &"E0509".into()));
    let ended = sh.ensue("run --tasks t.json --rule r.txt --events e.jsonl --json");
    assert_eq!((ended.code, ended.of_kind("match").len()), (0, 1), "the rule serves it: {ended:?}");
}

#[test]
fn a_task_file_where_a_rule_belongs() {
    let sh = shell(RULE, "");
    sh.file("t.json", document(&[]));
    let expected = "ensue: t.json holds task documents: give it as --tasks\n";
    assert_eq!(sh.ensue("run --rule t.json --events e.jsonl").all(), (2, "", expected));
}

#[test]
fn absences_complete_by_later_events_by_drain_or_by_now() {
    let rule = "EVENT: a -> !b WHERE a.actionType = 'a' AND b.actionType = 'b' WITHIN 10 S\n";
    let sh = shell(rule, &events("a@1000 z@20000 a@30000"));
    let at = |ended: &Ended| -> Vec<String> {
        ended.of_kind("match").iter().map(|m| format!("{} {} {}", m["at"], m["by"], m["line"])).collect()
    };
    let by_event = sh.ensue(RUN);
    assert_eq!(at(&by_event), [r#"11000 "time" 3"#], "z is not demanded, a is");
    let drained = sh.ensue(&format!("{RUN} --drain"));
    assert_eq!(at(&drained), [r#"11000 "time" 3"#, r#"40000 "time" null"#]);
    assert_eq!(at(&sh.ensue(&format!("{RUN} --now 39999"))).len(), 1);
    assert_eq!(at(&sh.ensue(&format!("{RUN} --now 40000"))), at(&drained));
}

#[test]
fn late_events_are_counted_or_waited_for() {
    let sh = shell(RULE, &events("b@5 a@3 b@6"));
    let strict = sh.ensue(RUN);
    assert_eq!((&strict.summary()["late"], &strict.summary()["matches"]), (&1.into(), &0.into()));
    let lenient = sh.ensue(&format!("{RUN} --lateness 10 --now 100"));
    assert_eq!((&lenient.summary()["late"], &lenient.summary()["matches"]), (&0.into(), &1.into()));
    assert_eq!(lenient.of_kind("match")[0]["bindings"], json!({"a": [2], "b": [1]}));
}

#[test]
fn decisions_and_refusals_follow_their_match() {
    let output = r#","output":{"type":"touch","touch":"popup","payload":{"n":1}},"policy":{"caps":[{"limit":1,"per":"1h"}],"ttl":"5m"}"#;
    let sh = shell(RULE, &events("a@1000 b@2000 a@3000 b@4000"));
    sh.file("t.json", document(&[task("t", RULE, output)]));
    let ended = sh.ensue("run --tasks t.json --events e.jsonl --json");
    assert_eq!(kinds(&ended), ["report", "match", "decision", "match", "refusal", "summary"]);
    let (first, decision) = (&ended.of_kind("match")[0], &ended.of_kind("decision")[0]);
    assert_eq!(decision["match"], first["id"]);
    assert_eq!((&decision["touch"], &decision["expiresAt"]), (&"popup".into(), &302_000.into()));
    assert_eq!((&decision["payload"], &decision["output"]), (&json!({"n": 1}), &0.into()));
    let refusal = &ended.of_kind("refusal")[0];
    assert_eq!((&refusal["reason"], &refusal["values"]), (&"cap".into(), &json!({"x": 3000})));
    assert_eq!(refusal["detail"], "caps[0]: 1 of 1 in the last 1h, until 1970-01-01T01:00:02Z");
}

#[test]
fn for_a_person() {
    let ended = shell(RULE, &format!("{}x\n", events("a@1 b@2"))).ensue("run --rule r.txt --events e.jsonl");
    let (told, summary) = ended.stdout.trim_end().rsplit_once('\n').unwrap();
    let expected = "default: r added\n1970-01-01T00:00:00.002Z u r: match a=1 b=2 | x=1\n\
                    line 3: rejected: malformed JSON at column 1: expected value";
    assert_eq!(told, expected);
    assert!(summary.starts_with("2 events, 1 rejected; 2 demanded, 2 stored ("), "{summary}");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

#[test]
fn standard_input_is_answered_as_it_comes() {
    let sh = shell(RULE, "");
    let mut child = sh.command("run --rule r.txt --events - --json").stdin(Stdio::piped()).spawn().unwrap();
    let (mut to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let (send, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || from.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    let next = || told.recv_timeout(std::time::Duration::from_secs(30)).unwrap();
    assert!(next().contains(r#""kind":"report""#));
    for n in 1..4 {
        to.write_all(events(&format!("a@{n}0 b@{n}1")).as_bytes()).unwrap();
        to.flush().unwrap();
        assert!(next().contains(r#""kind":"match""#));
    }
    drop(to);
    assert!(next().contains(r#""kind":"summary""#));
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_list_of_documents_and_a_trigger() {
    let sh = shell("", &events("b@1 a@2 b@3 leave@4"));
    let looking_back = format!(r#"{{"actionTypeIn":["leave"],"taskArray":[{}]}}"#, task("back", RULE, ""));
    sh.file(
        "t.json",
        format!("[{looking_back},{{\"source\":\"s\",\"version\":3,\"taskArray\":[{}]}}]", task("on", RULE, "")),
    );
    let ended = sh.ensue("run --tasks t.json --events e.jsonl --json");
    let found: Vec<_> =
        ended.of_kind("match").iter().map(|m| format!("{} {} {}", m["task"], m["at"], m["line"])).collect();
    assert_eq!(found, [r#""on" 3 3"#, r#""back" 4 4"#]);
    assert_eq!(ended.of_kind("match")[0]["version"], 3);
}
