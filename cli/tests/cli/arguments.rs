//! Arguments, and files that can't be read: exit code 2, and one line that says why.

use crate::shell::Shell;

const RULE: &str = "EVENT: a -> b WHERE a.actionType = 'a' AND b.actionType = 'b' WITHIN 1 H\n";

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[test]
fn help_and_version_are_well() {
    let sh = Shell::new();
    for args in ["--help", "run --help", "--version", "help check"] {
        let ended = sh.ensue(args);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{args}");
        assert!(ended.stdout.contains("ensue"), "{args}");
    }
}

#[test]
fn all_commands_are_listed() {
    let help = Shell::new().ensue("--help").stdout;
    for command in ["run", "check", "format", "compile", "explain", "bench", "completions", "why", "compare"] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
    }
}

#[test]
fn missing_and_wrong_arguments() {
    let sh = Shell::new();
    sh.file("r.txt", RULE).file("e.jsonl", "");
    let cases = [
        ("run --rule r.txt", "error: the following required arguments were not provided:"),
        ("run --events e.jsonl", "error: the following required arguments were not provided:"),
        ("check", "error: the following required arguments were not provided:"),
        ("explain", "error: the following required arguments were not provided:"),
        ("compile r.txt --to yaml", "error: invalid value 'yaml' for '--to <TO>'"),
        (
            "run --rule r.txt --events e.jsonl --now soon",
            "error: invalid value 'soon' for '--now <MS>': invalid digit found in string",
        ),
        (
            "run --rule r.txt --events e.jsonl --lateness -1",
            "error: invalid value '-1' for '--lateness <MS>': -1 is not in 0..9223372036854775807",
        ),
        ("run --rule r.txt --events e.jsonl --colour", "error: unexpected argument '--colour' found"),
        ("nonsense", "error: unrecognized subcommand 'nonsense'"),
    ];
    for (args, expected) in cases {
        let ended = sh.ensue(args);
        assert_eq!((ended.code, ended.stdout.as_str(), first_line(&ended.stderr)), (2, "", expected), "{args}");
    }
    assert_eq!(sh.ensue("").code, 2);
    let ended = sh.ensue("why --events e.jsonl");
    assert!(ended.stderr.contains("<--tasks <T.json>|--rule <R.txt>>"), "{}", ended.stderr);
}

#[test]
fn standard_input_is_read_once() {
    let sh = Shell::new();
    sh.file("r.txt", RULE).file("t.json", "[]");
    let twice = "ensue: standard input is named twice, and can be read only once\n";
    for args in [
        "run --rule - --events -",
        "run --tasks - --events -",
        "run --tasks - --rule - --events r.txt",
        "why --rule - --events -",
        "compare --old - --new - --events r.txt",
        "check - -",
        "check --schema - -",
        "check --events - -",
        "format --print - -",
    ] {
        assert_eq!(sh.ensue_reading(args, r#"{"schema":{}}"#).code, 2, "{args}");
    }
    assert_eq!(sh.ensue_reading("run --rule - --events -", RULE).all(), (2, "", twice));
    assert_eq!(sh.ensue_reading("check - -", RULE).all(), (2, "", twice));
    let both = "ensue: the events are read twice, which standard input can't be; write them to a file first\n";
    assert_eq!(sh.ensue("compare --old t.json --new t.json --events -").all(), (2, "", both));
    let explained = sh.ensue_reading("explain --json -", RULE).of_kind("explanation");
    assert_eq!(explained[0]["task"], "rule");
}

#[test]
fn files_that_are_not_there_or_not_files() {
    let sh = Shell::new();
    sh.file("r.txt", RULE).file("e.jsonl", "");
    std::fs::create_dir(sh.path().join("d")).unwrap();
    let cases = [
        ("check no.txt", "ensue: cannot read no.txt: no such file or directory\n"),
        ("check d", "ensue: cannot read d: is a directory\n"),
        ("format no.txt", "ensue: cannot read no.txt: no such file or directory\n"),
        ("compile d", "ensue: cannot read d: is a directory\n"),
        ("explain no.txt", "ensue: cannot read no.txt: no such file or directory\n"),
        ("run --rule no.txt --events e.jsonl", "ensue: cannot read no.txt: no such file or directory\n"),
        ("run --tasks d --events e.jsonl", "ensue: cannot read d: is a directory\n"),
        ("run --rule r.txt --events no.jsonl", "ensue: cannot read no.jsonl: no such file or directory\n"),
        ("run --rule r.txt --events d", "ensue: cannot read d: is a directory\n"),
        ("compile r.txt -o d", "ensue: cannot write d: is a directory\n"),
        ("compile r.txt -o no/f.json", "ensue: cannot write no/f.json: no such file or directory\n"),
    ];
    for (args, expected) in cases {
        assert_eq!(sh.ensue(args).all(), (2, "", expected), "{args}");
    }
}

#[cfg(unix)]
#[test]
fn files_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let sh = Shell::new();
    sh.file("secret.txt", RULE);
    let path = sh.path().join("secret.txt");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&path).is_ok() {
        return; // root may read everything
    }
    let expected = "ensue: cannot read secret.txt: permission denied\n";
    assert_eq!(sh.ensue("check secret.txt").all(), (2, "", expected));
    assert_eq!(sh.ensue("run --rule secret.txt --events secret.txt").all(), (2, "", expected));
}

#[test]
fn files_that_are_not_text() {
    let sh = Shell::new();
    sh.file("b.txt", b"EVENT: \xff\xfe").file("e.jsonl", "");
    for command in
        ["check", "format", "compile", "explain", "run --events e.jsonl --rule", "why --events e.jsonl --rule"]
    {
        let args = format!("{command} b.txt");
        assert_eq!(sh.ensue(&args).all(), (2, "", "ensue: cannot read b.txt: not UTF-8\n"), "{args}");
    }
}

/// What is no rule and no document is refused by what is wrong with it, and drawn where it can be.
#[test]
fn files_that_hold_something_else() {
    let sh = Shell::new();
    let long = format!("{{\"x\":\"{}\"}}\n[]", "a".repeat(10_000_000));
    sh.file("empty", "")
        .file("bytes", b"\x00\xff\x7fELF")
        .file("long", long)
        .file("utf.json", b"{\"taskArray\":\"\xff\"}");
    sh.file("e.jsonl", "").file("t.json", "[]").file("r.txt", RULE);
    let cases = [
        ("empty", "check", 1, "error[E0110]: the rule has no EVENT"),
        ("empty", "explain", 1, "error[E0110]: the rule has no EVENT"),
        ("empty", "run --events e.jsonl --rule", 1, "error[E0110]: the rule has no EVENT"),
        ("empty", "why --events e.jsonl --rule", 1, "error[E0110]: the rule has no EVENT"),
        ("empty", "run --events e.jsonl --tasks", 1, "error[E0501]: not JSON: the text is empty"),
        ("empty", "compare --events e.jsonl --old t.json --new", 1, "error[E0501]: not JSON: the text is empty"),
        ("empty", "check r.txt --schema", 1, "error[E0501]: not JSON: the text is empty"),
        ("bytes", "run --events e.jsonl --tasks", 1, "error[E0501]: not JSON: expected value, at line 1, column 1"),
        ("utf.json", "check", 1, "error[E0501]: not JSON: invalid unicode code point, at line 1, column 15"),
        ("utf.json", "explain", 1, "error[E0501]: not JSON: invalid unicode code point, at line 1, column 15"),
        ("utf.json", "compile", 2, "ensue: utf.json holds task documents; compile takes one rule"),
        ("utf.json", "format", 2, "ensue: utf.json is JSON; format takes rule texts"),
        ("long", "check", 1, "error[E0501]: not JSON: trailing characters"),
        ("long", "run --events e.jsonl --tasks", 1, "error[E0501]: not JSON: trailing characters"),
    ];
    for (file, command, code, expected) in cases {
        let args = format!("{command} {file}");
        let ended = sh.ensue(&args);
        let said = format!("{}{}", ended.stderr, ended.stdout);
        assert_eq!((ended.code, first_line(&said)), (code, expected), "{args}");
        assert!(said.len() < 2_000, "{args}: {} bytes", said.len());
    }
    let refused = sh.ensue("why --events e.jsonl --rule empty");
    assert_eq!(refused.stderr.lines().last(), Some("ensue: empty was refused"));
}

/// Lines that are no events stop nothing; where they are not printed it is said how many they are.
#[test]
fn events_that_are_something_else() {
    let sh = Shell::new();
    let long = format!("{{\"actionType\":\"a\",\"args\":{{\"x\":\"{}\"}}}}\n", "a".repeat(10_000_000));
    sh.file("bytes", b"\x00\xff\n\x7fELF\n{\"actionType\":\"\xff\"}\n").file("long", long + "{\"actionType\":\"b\"}\n");
    sh.file("t.json", "[]").file("r.txt", RULE);
    for (file, events, rejected) in [("bytes", 0, 3), ("long", 1, 1)] {
        let summary = sh.ensue(&format!("run --rule r.txt --json --events {file}")).summary();
        assert_eq!((&summary["events"], &summary["rejected"]), (&events.into(), &rejected.into()), "{file}");
        let lines = if rejected == 1 { "1 line of long is no event" } else { "3 lines of bytes are no events" };
        let note = format!("ensue: {lines}; `ensue run` says why\n");
        for command in ["why --rule r.txt", "compare --old t.json --new t.json", "check r.txt"] {
            let ended = sh.ensue(&format!("{command} --events {file}"));
            assert_eq!((ended.code, &ended.stderr), (0, &note), "{command}");
        }
    }
}

#[test]
fn completions_are_a_script() {
    let sh = Shell::new();
    for shell in ["bash", "zsh", "fish"] {
        let ended = sh.ensue(&format!("completions {shell}"));
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        assert!(ended.stdout.contains("ensue"));
    }
    assert_eq!(sh.ensue("completions tcl").code, 2);
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_printed_is_said() {
    let sh = Shell::new();
    sh.file("r.txt", RULE);
    for args in ["check r.txt", "explain r.txt", "compile r.txt", "completions bash", "format --print r.txt"] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = sh.command(args).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let expected = "ensue: cannot write to standard output: no space left on device\n";
        assert_eq!((output.status.code(), &*said), (Some(2), expected), "{args}");
    }
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_error() {
    let sh = Shell::new();
    sh.file("r.txt", "EVENT: a WHERE a.actionType = 'a' WITHIN 1 H\n");
    let line = "{\"ts\":1,\"actionType\":\"a\"}\n";
    sh.file("e.jsonl", line.repeat(50_000));
    let mut child = sh.command("run --rule r.txt --events e.jsonl --json").spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}
