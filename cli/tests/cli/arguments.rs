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
        ("run --rule r.txt --events e.jsonl --lateness -1", "error: unexpected argument '-1' found"),
        ("run --rule r.txt --events e.jsonl --colour", "error: unexpected argument '--colour' found"),
        ("nonsense", "error: unrecognized subcommand 'nonsense'"),
    ];
    for (args, expected) in cases {
        let ended = sh.ensue(args);
        assert_eq!((ended.code, ended.stdout.as_str(), first_line(&ended.stderr)), (2, "", expected), "{args}");
    }
    assert_eq!(sh.ensue("").code, 2);
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
    sh.file("b.txt", b"EVENT: \xff\xfe");
    assert_eq!(sh.ensue("check b.txt").all(), (2, "", "ensue: cannot read b.txt: not UTF-8\n"));
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
