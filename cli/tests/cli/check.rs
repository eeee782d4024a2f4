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
        (with(r#""id":"t","policy":{"holdout":0.1}"#), "E0507", "taskArray[0].policy.holdout"),
        (with(r#""id":"t","policy":{"colour":1}"#), "E0506", "taskArray[0].policy.colour"),
        (with(r#""id":"t","rollout":{"percent":20}"#), "E0507", "taskArray[0].rollout"),
        (with(r#""id":"t","output":{"type":"model","model":"m"}"#), "E0507", "taskArray[0].output"),
        (with(r#""id":"t","output":{"type":"sms"}"#), "E05", "taskArray[0].output.type"),
        (with(r#""id":3"#), "E0502", "taskArray[0].id"),
        (r#"{"taskArray":[{"taskType":"sql","rule":"x"}]}"#.to_owned(), "E05", "taskArray[0].taskType"),
        (r#"{"taskArray":[{"taskType":"py_backtrace","pythonName":"p"}]}"#.to_owned(), "E0509", "taskArray[0]"),
        (r#"{"taskArray":[{"taskType":"cep"}]}"#.to_owned(), "E0508", "taskArray[0]"),
        (r#"{"taskArray":[{"taskType":"cep","rule":"EVENT: ->"}]}"#.to_owned(), "E01", "taskArray[0].rule"),
        (r#"{"policy":{"minGap":"1h"},"taskArray":[]}"#.to_owned(), "E0507", "policy.minGap"),
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
