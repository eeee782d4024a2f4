//! `ensue check`: what is said, where it points, and the exit code.

use crate::shell::Shell;

const GOOD: &str = "EVENT: a -> b WHERE a.actionType = 'a' AND b.actionType = 'b' WITHIN 1 H\n";

#[test]
fn a_good_rule() {
    let sh = Shell::new();
    sh.file("r.txt", GOOD);
    assert_eq!(sh.ensue("check r.txt").all(), (0, "1 file: 0 errors, 0 warnings\n", ""));
    assert_eq!(sh.ensue("check r.txt --json").all(), (0, "", ""));
    assert_eq!(sh.ensue_reading("check -", GOOD).all(), (0, "1 file: 0 errors, 0 warnings\n", ""));
}

#[test]
fn an_error_is_drawn_with_a_caret() {
    let sh = Shell::new();
    sh.file("r.txt", "EVENT: v -> l WHERE w.actionType = 'pv' WITHIN 1 H\n");
    let ended = sh.ensue("check r.txt");
    let expected = "error[E0401]: no stage is called `w`\n --> r.txt:1:21\n  |\n\
                    1 | EVENT: v -> l WHERE w.actionType = 'pv' WITHIN 1 H\n  |                     ^";
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains(expected), "{}", ended.stdout);
    assert!(ended.stdout.ends_with("1 file: 1 error, 0 warnings\n"), "{}", ended.stdout);
}

#[test]
fn an_error_as_an_object_has_its_place() {
    let sh = Shell::new();
    sh.file("r.txt", "EVENT: v -> l\nWHERE 'ü' = w.actionType WITHIN 1 H\n");
    let ended = sh.ensue("check r.txt --json");
    let found = ended.of_kind("diagnostic");
    assert_eq!((ended.code, found.len()), (1, 1), "{ended:?}");
    let d = &found[0];
    assert_eq!((&d["code"], &d["severity"], &d["file"]), (&"E0401".into(), &"error".into(), &"r.txt".into()));
    assert_eq!((&d["line"], &d["column"]), (&2.into(), &13.into()), "{d}");
    assert_eq!(d["start"], 14 + 13, "bytes, and `ü` has two: {d}");
    assert!(ended.stdout.starts_with(r#"{"kind":"diagnostic","code":"#), "{}", ended.stdout);
}

#[test]
fn several_files_are_all_looked_at() {
    let sh = Shell::new();
    sh.file("a.txt", GOOD).file("b.txt", "EVENT:").file("c.txt", "nonsense");
    let ended = sh.ensue("check a.txt b.txt c.txt");
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("b.txt:1:") && ended.stdout.contains("c.txt:1:"), "{}", ended.stdout);
    assert!(ended.stdout.contains("\n3 files: "), "{}", ended.stdout);
}

#[test]
fn warnings_are_errors_only_where_they_are_denied() {
    let sh = Shell::new();
    sh.file("r.txt", "EVENT: a -> b WHERE a.actionType = 'a' AND b.actionType = 'b'\n");
    let ended = sh.ensue("check r.txt");
    assert_eq!(ended.code, 0);
    assert!(ended.stdout.contains("warning[W0301]"), "{}", ended.stdout);
    assert!(ended.stdout.ends_with("1 file: 0 errors, 1 warning\n"), "{}", ended.stdout);
    assert_eq!(sh.ensue("check r.txt --deny-warnings").code, 1);
}

#[test]
fn what_only_the_matcher_refuses_is_found_too() {
    let sh = Shell::new();
    sh.file("r.txt", "EVENT: a{600} -> b WHERE a.actionType = 'a' AND b.actionType = 'b' WITHIN 1 H\n");
    let ended = sh.ensue("check r.txt");
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("error[E0601]: the pattern needs more than 512 states"), "{}", ended.stdout);
    let rule = "EVENT: a{600} -> b WHERE a.actionType = 'a' AND b.actionType = 'b' WITHIN 1 H";
    sh.file("t.json", format!(r#"{{"taskArray":[{{"id":"x","taskType":"cep","rule":"{rule}"}}]}}"#));
    let found = sh.ensue("check t.json --json").of_kind("diagnostic");
    assert_eq!((&found[0]["code"], &found[0]["path"]), (&"E0601".into(), &"taskArray[0].rule".into()), "{found:?}");
}

#[test]
fn a_when_with_a_regex_that_cannot_be_used_is_refused_wherever_its_task_goes() {
    let sh = Shell::new();
    let rule = "EVENT: a WHERE a.actionType = 'a' WITHIN 1 H RETURN LAST(a.args.s) AS s";
    let when = r"s NOT MATCHES '\\\\p{L}('";
    let touch = |when: &str| format!(r#"{{"type":"touch","touch":"t"{when}}}"#);
    let task =
        |id: &str, output: &str| format!(r#"{{"id":"{id}","taskType":"cep","rule":"{rule}","output":{output}}}"#);
    let bad = touch(&format!(r#","when":"{when}""#));
    let second = format!("[{},{bad}]", touch(""));
    sh.file("t.json", format!(r#"{{"taskArray":[{},{}]}}"#, task("x", &bad), task("y", &second)));
    let ended = sh.ensue("check t.json --json");
    let found = ended.of_kind("diagnostic");
    let told: Vec<_> = found.iter().map(|d| (d["code"].as_str().unwrap(), d["path"].as_str().unwrap())).collect();
    let paths = ["taskArray[0].output.when", "taskArray[1].output[1].when"];
    assert_eq!((ended.code, told), (1, paths.map(|path| ("E0602", path)).to_vec()));
    sh.file("e.jsonl", r#"{"ts":1,"actionType":"a","args":{"s":"abc"}}"#);
    let ended = sh.ensue("run --tasks t.json --events e.jsonl");
    assert!(!ended.stdout.contains("\"decision\""), "{}", ended.stdout);
    for path in paths {
        assert!(ended.stdout.contains(path), "{path}: {}", ended.stdout);
    }
    assert!(sh.ensue("explain t.json").stdout.contains("task x is refused: MATCHES has"));
}

#[test]
fn a_compiled_rule_is_checked() {
    let sh = Shell::new();
    sh.file("r.txt", GOOD);
    assert_eq!(sh.ensue("compile r.txt -o r.json").code, 0);
    assert_eq!(sh.ensue("check r.json").all(), (0, "1 file: 0 errors, 0 warnings\n", ""));
    let other = std::fs::read_to_string(sh.path().join("r.json")).unwrap().replace("\"format\": 1", "\"format\": 2");
    let ended = sh.file("r2.json", other).ensue("check r2.json");
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("rule format 2 is not supported"), "{}", ended.stdout);
}

#[test]
fn what_is_wrong_with_a_document_has_its_path() {
    let sh = Shell::new();
    let rule = GOOD.trim_end();
    let with = |task: &str| format!(r#"{{"taskArray":[{{"taskType":"cep","rule":"{rule}",{task}}}]}}"#);
    let cases = [
        (with(r#""id":"t","policy":{"exclusive":"x"}"#), "E0517", "taskArray[0].policy.exclusive"),
        (with(r#""id":"t","policy":{"colour":1}"#), "E0506", "taskArray[0].policy.colour"),
        (with(r#""id":"t","rollout":{"percent":200}"#), "E0503", "taskArray[0].rollout"),
        (with(r#""id":"t","output":{"type":"model","model":"m"}"#), "E0507", "taskArray[0].output"),
        (with(r#""id":"t","output":{"type":"sms"}"#), "E05", "taskArray[0].output.type"),
        (with(r#""id":3"#), "E0502", "taskArray[0].id"),
        (r#"{"taskArray":[{"taskType":"sql","rule":"x"}]}"#.to_owned(), "E05", "taskArray[0].taskType"),
        (r#"{"taskArray":[{"taskType":"py_backtrace","pythonName":"p"}]}"#.to_owned(), "E0509", "taskArray[0]"),
        (r#"{"taskArray":[{"taskType":"cep"}]}"#.to_owned(), "E0508", "taskArray[0]"),
        (r#"{"taskArray":[{"taskType":"cep","rule":"EVENT: ->"}]}"#.to_owned(), "E01", "taskArray[0].rule"),
        (r#"{"policy":{"minGap":"1w"},"taskArray":[]}"#.to_owned(), "E0503", "policy.minGap"),
    ];
    for (document, code, path) in cases {
        let ended = sh.file("t.json", &document).ensue("check t.json --json");
        let found = ended.of_kind("diagnostic");
        let hit = found.iter().any(|d| {
            d["code"].as_str().unwrap().starts_with(code) && d["path"].as_str().unwrap_or("").starts_with(path)
        });
        assert!(hit && ended.code == 1, "{document}: {ended:?}");
    }
}

#[test]
fn an_unknown_key_elsewhere_warns() {
    let sh = Shell::new();
    let rule = GOOD.trim_end();
    sh.file(
        "t.json",
        format!(r#"{{"colour":1,"taskArray":[{{"id":"t","taskType":"cep","rule":"{rule}","mood":2}}]}}"#),
    );
    let ended = sh.ensue("check t.json --json");
    let codes: Vec<_> = ended.of_kind("diagnostic").iter().map(|d| d["code"].clone()).collect();
    assert_eq!((ended.code, codes), (0, vec!["W0501".into(), "W0501".into()]), "{ended:?}");
}

#[test]
fn json_that_is_none() {
    let sh = Shell::new();
    for text in ["{", "[1,]", r#"{"taskArray":[}"#, r#"{"taskArray":7}"#, "[3]"] {
        let ended = sh.file("t.json", text).ensue("check t.json");
        assert_eq!((ended.code, ended.stderr.as_str()), (1, ""), "{text}: {ended:?}");
        assert!(ended.stdout.contains("error[E05"), "{text}: {ended:?}");
    }
}

const TESTED: &str = r#"{"taskArray": [{"id": "t",
  "rule": "EVENT: v{2,} -> l WHERE v.actionType = 'pv' AND l.actionType = 'leave' WITHIN 10 MIN RETURN COUNT(v) AS views",
  "output": {"type": "touch", "touch": "coupon", "when": "views < 3"},
  "tests": [
    {"name": "two views", "events": EVENTS, "matches": [{"at": 3, "bindings": {"v": ["x", 2]}, "values": {"views": 2}}],
     "decisions": [{"touch": "coupon"}], "refusals": [], "timeouts": [], "derived": []},
    {"name": "wrong", "events": EVENTS, "matches": [{"values": {"views": 3, "view": 1}, "by": "event"}], "refusals": [{"reason": "when"}]},
    {"events": [{"actionType": "pv"}, {"action": "pv"}], "drain": true}
  ]}]}"#;

const TWO_VIEWS: &str =
    r#"[{"ts": 1, "id": "x", "actionType": "pv"}, {"ts": 2, "actionType": "pv"}, {"ts": 3, "actionType": "leave"}]"#;

#[test]
fn tests_inside_tasks_are_run() {
    let sh = Shell::new();
    sh.file("t.json", TESTED.replace("EVENTS", TWO_VIEWS));
    let ended = sh.ensue("check t.json");
    let expected = "\
error[E0701]: test `wrong`: expected 1, got no `view`
 --> t.json: taskArray[0].tests[1].matches[0].values.view
 = hint: did you mean `views`?
error[E0701]: test `wrong`: expected 3, got 2
 --> t.json: taskArray[0].tests[1].matches[0].values.views
error[E0701]: test `wrong`: expected 1 in `refusals`, got 0
 --> t.json: taskArray[0].tests[1].refusals
 = hint: nothing of the kind came out; `ensue explain` says what the rule waits for
error[E0702]: test `3`: this is no event: the event has no `actionType`
 --> t.json: taskArray[0].tests[2].events[1]
";
    let got = ended.stdout.replace("\n\n", "\n");
    assert!(got.starts_with(expected), "{got}");
    assert!(got.ends_with("1 file: 4 errors, 0 warnings; 3 tests, 2 failed\n"), "{got}");
    assert_eq!(ended.code, 1);
}

/// Tests are for tools: a wrong one does not keep the task from running.
#[test]
fn the_engine_passes_tests_over() {
    let sh = Shell::new();
    sh.file("t.json", TESTED.replace("EVENTS", "7"));
    sh.file("e.jsonl", TWO_VIEWS.trim_matches(['[', ']']).replace("}, ", "}\n"));
    let ended = sh.ensue("run --tasks t.json --events e.jsonl --json");
    assert_eq!((ended.code, ended.of_kind("match").len()), (0, 1), "{ended:?}");
    assert_eq!(sh.ensue("check t.json").code, 1);
}

#[test]
fn what_never_occurs_in_the_data_is_said() {
    let sh = Shell::new();
    let rule = "EVENT: v -> l -> b WHERE v.actionType = 'pv' AND v.scene IN ('home', 'hom') AND v.args.itme > 1\n\
                AND l.actionType = 'leaves' AND l.args.anything = 1 AND b.actionType = 'buy' AND b.args.to.town = 'Rome'\n\
                WITHIN 1 H\n";
    let events = r#"{"ts":1,"actionType":"pv","scene":"home","args":{"item":2}}
{"ts":1,"actionType":"leave","args":{}}
no event
{"ts":1,"actionType":"buy","args":{"to":{"city":"Rome"}}}
"#;
    sh.file("r.txt", rule).file("e.jsonl", events);
    let ended = sh.ensue("check r.txt --events e.jsonl --json");
    let of = |d: &serde_json::Value| format!("{} {}: {}", d["code"], d["message"], d["hint"]).replace('"', "");
    let said: Vec<String> = ended.of_kind("diagnostic").iter().map(of).collect();
    let expected = [
        "W0603 in the data no buy event has `args.to.town`: there are `args.to`, `args.to.city`",
        "W0603 in the data no pv event has `args.itme`: did you mean `args.item`?",
        "W0604 in the data no event has the `actionType` 'leaves': did you mean 'leave'?",
        "W0604 in the data no pv event has the `scene` 'hom': did you mean 'home'?",
    ];
    let mut sorted = said.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected, "{said:?}");
    assert_eq!((ended.code, &*ended.stderr), (0, "ensue: 1 line of e.jsonl is no event; `ensue run` says why\n"));
    assert_eq!(sh.ensue("check r.txt --events e.jsonl --deny-warnings").code, 1);
    assert_eq!(sh.ensue("check r.txt --events nowhere.jsonl").code, 2);
}

#[test]
fn a_schema_is_held_against_rules_and_tasks() {
    let sh = Shell::new();
    sh.file("s.json", r#"{"schema": {"pv": {"item": "string"}, "leave": {}}}"#).file("bad.json", r#"{"pv": {}}"#);
    sh.file("r.txt", "EVENT: v WHERE v.actionType = 'pv' AND v.args.itme = '1' WITHIN 1 H");
    sh.file("t.json", r#"{"taskArray": [{"id": "t", "rule": "EVENT: v WHERE v.actionType = 'pvs' WITHIN 1 H"}]}"#);
    let ended = sh.ensue("check --schema s.json r.txt t.json --json");
    let found = ended.of_kind("diagnostic");
    let codes: Vec<_> = found.iter().map(|d| (d["code"].clone(), d["hint"].clone(), d["path"].clone())).collect();
    let expected = [
        ("W0602".into(), "did you mean `args.item`?".into(), serde_json::Value::Null),
        ("W0601".into(), "did you mean `pv`?".into(), "taskArray[0].rule".into()),
    ];
    assert_eq!(codes, expected);
    let ended = sh.ensue("check --schema bad.json r.txt");
    assert!(ended.code == 1 && ended.stdout.contains("the key `schema` is missing"), "{ended:?}");
}

/// What tasks derive no recording has, and it is not missed.
#[test]
fn derived_events_are_not_missed_in_the_data() {
    let sh = Shell::new();
    let events = crate::shell::repository("examples/rental/events.jsonl");
    sh.file("t.json", std::fs::read(crate::shell::repository("examples/rental/tasks.json")).unwrap());
    let ended = sh.ensue(&format!("check t.json --json --events {}", events.display()));
    let codes: Vec<_> = ended.of_kind("diagnostic").iter().map(|d| d["code"].clone()).collect();
    assert_eq!(codes, ["W0301"], "{ended:?}");
}
