//! `ensue compile`: there and back.

use crate::shell::Shell;

const RULE: &str = "EVENT: a -> b WHERE a.actionType = 'a' AND b.actionType = 'b' WITHIN 1 H\n";

#[test]
fn there_and_back() {
    let sh = Shell::new();
    let json = sh.file("r.txt", RULE).ensue("compile r.txt");
    assert_eq!((json.code, json.stderr.as_str()), (0, ""));
    assert!(json.stdout.starts_with("{\n  \"format\": 1,\n"), "{}", json.stdout);
    let text = sh.file("r.json", &json.stdout).ensue("compile r.json --to text");
    let spelled_out =
        "EVENT: a -> b\nWHERE a.actionType = 'a'\n  AND b.actionType = 'b'\nWITHIN 1 H\nAFTER MATCH CONSUME\n";
    assert_eq!(text.all(), (0, spelled_out, ""));
    assert_eq!(sh.ensue("compile r.json").stdout, json.stdout);
    assert_eq!(sh.ensue("compile r.txt --to text").stdout, spelled_out);
}

#[test]
fn into_a_file() {
    let sh = Shell::new();
    let json = sh.file("r.txt", RULE).ensue("compile r.txt").stdout;
    assert_eq!(sh.ensue("compile r.txt -o out.json").all(), (0, "", ""));
    assert_eq!(std::fs::read_to_string(sh.path().join("out.json")).unwrap(), json);
}

#[test]
fn what_does_not_compile() {
    let sh = Shell::new();
    let ended = sh.file("bad.txt", "EVENT: a -> a\n").ensue("compile bad.txt -o out.json");
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(ended.stderr.contains("error[E0201]") && ended.stderr.contains("bad.txt:1:"), "{}", ended.stderr);
    assert!(!sh.path().join("out.json").exists(), "nothing is written");
    let ended = sh.ensue("compile bad.txt --json");
    assert_eq!((ended.code, ended.of_kind("diagnostic").len()), (1, 1), "{ended:?}");
    sh.file("t.json", r#"{"taskArray":[]}"#);
    let expected = "ensue: t.json holds task documents; compile takes one rule\n";
    assert_eq!(sh.ensue("compile t.json").all(), (2, "", expected));
}

#[test]
fn as_an_object_a_line() {
    let sh = Shell::new();
    sh.file("r.txt", "EVENT: a -> b WHERE a.actionType = 'a' WITHIN 1 H");
    let compiled = sh.ensue("compile r.txt --json");
    assert_eq!(compiled.stdout.lines().count(), 1, "{}", compiled.stdout);
    let object = compiled.of_kind("compiled").remove(0);
    assert_eq!((&object["file"], &object["rule"]["format"]), (&"r.txt".into(), &1.into()));
    sh.file("c.json", object["rule"].to_string());
    let text = sh.ensue("compile c.json --to text --json").of_kind("compiled").remove(0);
    assert_eq!(text["text"], "EVENT: a -> b\nWHERE a.actionType = 'a'\nWITHIN 1 H\nAFTER MATCH CONSUME\n");
}

/// A compiled rule passes the checks of its text, whoever reads it.
#[test]
fn a_compiled_rule_that_says_nonsense_is_refused() {
    let sh = Shell::new();
    let stage = r#""format":1,"pattern":{"first":{"stage":{"name":"a"}}},"after_match":"consume""#;
    let returns = r#""returns":[{"name":"x","expr":{"attr":{"stage":"b","attr":"ts"}}}]"#;
    sh.file("r.json", format!("{{{stage},{returns}}}")).file("f.json", format!("{{{}}}", stage.replace('1', "2")));
    sh.file("e.jsonl", "");
    for command in ["compile --to text", "compile", "check", "explain", "run --events e.jsonl --rule"] {
        let ended = sh.ensue(&format!("{command} r.json"));
        let said = format!("{}{}", ended.stderr, ended.stdout);
        assert_eq!(
            (ended.code, said.lines().next().unwrap()),
            (1, "error[E0401]: no stage is called `b`"),
            "{command}"
        );
    }
    let other = sh.ensue("check f.json").stdout;
    let expected =
        "error[E0512]: this compiled rule can't be read: rule format 2 is not supported; this version reads 1";
    assert_eq!(other.lines().next().unwrap(), expected);
}
