//! `why` and `compare`: the examples of the documentation are what is printed, and the objects are those of the documents.

use serde_json::{Value as Json, json};

use crate::shell::{Shell, repository};

/// The repository's examples where the documentation has them.
fn shell() -> Shell {
    let sh = Shell::new();
    std::fs::create_dir_all(sh.path().join("examples/rental")).unwrap();
    for file in ["tasks.json", "events.jsonl"] {
        let name = format!("examples/rental/{file}");
        let content = std::fs::read(repository(&name)).unwrap();
        sh.file(&name, content);
    }
    sh
}

/// The commands in a page, each with what the page says that it prints.
fn examples(page: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(repository(page)).unwrap();
    let blocks = text.split("```\n$ ensue ").skip(1);
    let example = |block: &str| {
        let (command, printed) = block.split_once('\n').unwrap();
        (command.to_owned(), printed.split_once("```").unwrap().0.to_owned())
    };
    blocks.map(example).collect()
}

#[test]
fn the_examples_of_the_documentation_are_what_is_printed() {
    let sh = shell();
    for (page, many) in [("docs/why.md", 2), ("docs/cli.md", 1)] {
        let examples = examples(page);
        assert_eq!(examples.len(), many, "{page}");
        for (command, printed) in examples {
            let ended = sh.ensue(&command);
            // What `run` prints of each is no part of the answer.
            let note = "ensue: 2 lines of examples/rental/events.jsonl are no events; `ensue run` says why\n";
            assert_eq!((ended.code, ended.stderr.as_str()), (0, note), "{command}");
            assert_eq!(ended.stdout, printed, "{command}");
        }
    }
}

const TASKS: &str = r#"[{"source":"s","version":3,"taskArray":[
  {"id":"abc","rule":"EVENT: a -> !n -> b{2,} -> c WHERE a.actionType = 'a' AND n.actionType = 'n' AND b.actionType = 'b' AND b.args.x > 10 AND c.actionType = 'c' AND SUM(b.args.x) > 100 WITHIN 10 S",
   "output":{"type":"touch","touch":"t"},"policy":{"cooldown":"1h"}}]}]"#;

fn event(ts: i64, user: &str, action: &str, x: i64) -> String {
    json!({"ts": ts, "id": format!("{action}{ts}"), "userId": user, "actionType": action, "args": {"x": x}}).to_string()
}

fn asked(events: &[String], args: &str) -> Json {
    let sh = Shell::new();
    sh.file("t.json", TASKS).file("e.jsonl", events.join("\n"));
    let ended = sh.ensue(&format!("why --tasks t.json --events e.jsonl --json {args}"));
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    ended.objects().remove(0)
}

#[test]
fn a_run_ends_by_what_is_forbidden_by_time_or_by_a_condition_at_the_end() {
    let e = |ts, action, x| event(ts, "u", action, x);
    let cases = [
        (
            vec![e(1, "a", 0), e(2, "n", 0), e(3, "b", 20)],
            json!({"how": "forbidden", "stage": "n", "event": {"id": "n2", "ts": 2}}),
        ),
        (
            vec![e(1, "a", 0), e(2, "b", 20), e(20_000, "a", 0), e(20_001, "n", 0)],
            json!({"how": "window", "at": 10_001}),
        ),
        (vec![e(1, "a", 0), e(2, "b", 20)], json!({"how": "waits"})),
        (vec![e(1, "b", 20)], json!({"how": "not_begun"})),
    ];
    for (events, ended) in cases {
        assert_eq!(asked(&events, "")["furthest"]["ended"], ended, "{events:?}");
    }
}

#[test]
fn a_near_miss_names_the_condition_the_value_and_the_event() {
    let events = [
        event(1, "u", "a", 0),
        event(2, "u", "b", 7),
        event(3, "u", "b", 20),
        event(4, "u", "b", 30),
        event(5, "u", "c", 0),
    ];
    let furthest = &asked(&events, "--task abc --user u")["furthest"];
    assert_eq!((&furthest["stage"], &furthest["lacks"]), (&json!("b"), &json!(1)));
    let bindings = json!({"a": [{"id": "a1", "ts": 1}], "b": [{"id": "b3", "ts": 3}, {"id": "b4", "ts": 4}]});
    assert_eq!(furthest["bindings"], bindings);
    let miss = json!({"stage": "c", "event": {"id": "c5", "ts": 5},
        "failed": [{"condition": "SUM(b.args.x) > 100", "found": {"SUM(b.args.x)": 50}}]});
    assert_eq!(furthest["nearMisses"], json!([miss]));
    // Of the run that lacked more: what it did not take.
    let furthest = &asked(&events[..2], "")["furthest"];
    let failed = json!([{"condition": "b.args.x > 10", "found": {"b.args.x": 7}}]);
    assert_eq!(furthest["nearMisses"][0]["failed"], failed);
}

#[test]
fn users_are_told_apart_and_what_is_refused_names_the_control() {
    let matches = |ts, user| {
        [
            event(ts, user, "a", 0),
            event(ts + 1, user, "b", 60),
            event(ts + 2, user, "b", 60),
            event(ts + 3, user, "c", 0),
        ]
    };
    let mut events = matches(1, "u").to_vec();
    events.extend(matches(100, "u"));
    events.push(event(200, "w", "a", 0));
    let all = asked(&events, "");
    assert_eq!((&all["matches"], &all["decisions"], &all["refusals"]), (&json!(2), &json!(1), &json!({"cooldown": 1})));
    assert_eq!((&all["furthest"]["user"], &all["furthest"]["stage"]), (&json!("w"), &json!("a")));
    assert_eq!(all["lastRefusal"]["reason"], json!("cooldown"));
    let one = asked(&events, "--user u");
    assert_eq!((&one["matches"], &one["furthest"]["stage"]), (&json!(2), &Json::Null));
    let other = asked(&events, "--user w");
    assert_eq!((&other["matches"], &other["refusals"], &other["events"]), (&json!(0), &json!({}), &json!(1)));
}

#[test]
fn a_trigger_says_how_often_it_came() {
    let tasks = r#"{"actionTypeIn":["leave"],"taskArray":[{"id":"back","rule":"EVENT: a -> b WHERE a.actionType = 'a' AND b.actionType = 'b'"}]}"#;
    let tell = |events: &[String]| {
        let sh = Shell::new();
        sh.file("t.json", tasks).file("e.jsonl", events.join("\n"));
        sh.ensue("why --tasks t.json --events e.jsonl --json").objects().remove(0)
    };
    let mut events = vec![event(1, "u", "a", 0), event(2, "u", "b", 0)];
    assert_eq!(tell(&events)["triggers"]["count"], json!(0));
    events.push(event(3, "u", "leave", 0));
    events.push(event(4, "u", "a", 0));
    events.push(event(5, "u", "leave", 0));
    let told = tell(&events);
    assert_eq!(told["triggers"], json!({"count": 2, "last": 5, "looked": 2}));
    assert_eq!((&told["matches"], &told["furthest"]["stage"]), (&json!(1), &json!("a")));
}

#[test]
fn what_there_is_not_is_named() {
    let sh = Shell::new();
    sh.file("t.json", TASKS).file("e.jsonl", "");
    for (args, message) in [
        ("--task nope", "ensue: no task in force is called `nope`\n"),
        (
            "--decision 00ff",
            "ensue: no decision or refusal `00ff` is known: it was never made here, or is no longer kept\n",
        ),
    ] {
        let ended = sh.ensue(&format!("why --tasks t.json --events e.jsonl {args}"));
        assert_eq!((ended.code, ended.stderr.as_str()), (2, message));
    }
    let ended = sh.ensue("why --tasks t.json --events e.jsonl --task abc");
    assert_eq!(ended.stdout, "abc: it saw no event\n0 events: the log has none for it\n");
}

#[test]
fn a_comparison_tells_what_is_gained_lost_and_moved() {
    let sh = Shell::new();
    let one = |id: &str, rule: &str, cooldown: &str| json!({"id": id, "rule": rule, "output": {"type": "touch", "touch": id}, "policy": {"cooldown": cooldown}});
    let (a, b) = ("EVENT: a WHERE a.actionType = 'a'", "EVENT: b WHERE b.actionType = 'b'");
    let document = |tasks: Vec<Json>| json!({"taskArray": tasks}).to_string();
    sh.file("old.json", document(vec![one("capped", a, "1m"), one("moves", a, "1h")]));
    sh.file("new.json", document(vec![one("capped", a, "1h"), one("moves", b, "1h"), one("more", b, "1s")]));
    let events = [(0, "a"), (120_000, "a"), (130_000, "b")].map(|(ts, action)| event(ts, "u", action, 0));
    sh.file("e.jsonl", events.join("\n"));
    let ended = sh.ensue("compare --old old.json --new new.json --events e.jsonl --json");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let found = ended.objects();
    let numbers = |o: &Json| ["old", "new", "same", "gained", "lost", "moved"].map(|key| o[key].as_u64().unwrap());
    let by_task: Vec<_> = found.iter().map(|o| (o["task"].as_str().unwrap(), numbers(o))).collect();
    assert_eq!(by_task, [("capped", [2, 1, 1, 0, 1, 0]), ("more", [0, 1, 0, 1, 0, 0]), ("moves", [1, 1, 0, 0, 0, 1])]);
    let lost = &found[0]["examples"][0];
    assert_eq!((&lost["change"], &lost["reason"], &lost["old"]), (&json!("lost"), &json!("cooldown"), &json!(120_000)));
    let moved = &found[2]["examples"][0];
    assert_eq!((&moved["old"], &moved["new"]), (&json!(0), &json!(130_000)));
    let text = sh.ensue("compare --old old.json --new new.json --events e.jsonl").stdout;
    assert!(text.contains("capped: lost `capped` for u at 1970-01-01T00:02:00Z: now refused, cooldown: "), "{text}");
    // The same on both sides changes nothing; what is refused is said by the exit code.
    let same = sh.ensue("compare --old old.json --new old.json --events e.jsonl --json").objects();
    assert!(same.iter().all(|o| o["old"] == o["same"] && o["examples"] == json!([])), "{same:?}");
    sh.file("bad.json", r#"{"taskArray":[{"id":"x","rule":"EVENT: -"}]}"#);
    let ended = sh.ensue("compare --old bad.json --new old.json --events e.jsonl");
    let noted = "ensue: bad.json: x was refused: taskArray[0].rule: line 1, column 8: expected `!`, a stage or `(`, found `-`\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (1, noted));
    assert!(ended.stdout.contains("moves   0    1    0     1       0     0\n"), "{}", ended.stdout);
    assert_eq!(sh.ensue("compare --old none.json --new old.json --events e.jsonl").code, 2);
    let piped = sh.ensue("compare --old old.json --new old.json --events -");
    assert_eq!(piped.code, 2);
    assert!(piped.stderr.contains("the events are read twice"), "{}", piped.stderr);
}

#[test]
fn what_is_refused_whole_is_compared_with_nothing() {
    let sh = Shell::new();
    let good = r#"{"taskArray":[{"id":"t","rule":"EVENT: a WHERE a.actionType = 'a'","output":{"type":"touch","touch":"t"}}]}"#;
    sh.file("good.json", good).file("torn.json", r#"{"taskArray":["#).file("words.json", r#"{"version":"two"}"#);
    sh.file("e.jsonl", event(0, "u", "a", 0));
    let nothing = "ensue: nothing is compared\n";
    for (old, new, drawn) in [
        ("good.json", "torn.json", 1),
        ("torn.json", "good.json", 1),
        ("good.json", "words.json", 1),
        ("torn.json", "words.json", 2),
    ] {
        for json in ["", " --json"] {
            let ended = sh.ensue(&format!("compare --old {old} --new {new} --events e.jsonl{json}"));
            assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{old} {new}");
            assert_eq!(ended.stderr.matches("error[E").count(), drawn, "{}", ended.stderr);
            for file in [old, new].into_iter().filter(|file| *file != "good.json") {
                assert!(ended.stderr.contains(&format!("ensue: {file} was refused")), "{}", ended.stderr);
            }
            assert!(ended.stderr.ends_with(nothing), "{}", ended.stderr);
        }
    }
}
