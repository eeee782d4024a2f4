//! `ensue format`: canonical text, and whether a file is it.

use crate::shell::Shell;

const LOOSE: &str = "event:a->b where a.actionType='a' and b.actionType='b' within 1 h";

#[test]
fn canonical_text_stays_as_it_is() {
    let sh = Shell::new();
    let first = sh.file("r.txt", LOOSE).ensue("format r.txt");
    assert_eq!((first.code, first.stderr.as_str()), (0, ""));
    assert!(first.stdout.starts_with("EVENT: a -> b\n"), "{}", first.stdout);
    let second = sh.file("c.txt", &first.stdout).ensue("format c.txt");
    assert_eq!(second.stdout, first.stdout);
}

#[test]
fn check_names_the_files_that_are_not_canonical() {
    let sh = Shell::new();
    let canonical = sh.file("r.txt", LOOSE).ensue("format r.txt").stdout;
    sh.file("c.txt", canonical);
    assert_eq!(sh.ensue("format --check c.txt").all(), (0, "", ""));
    assert_eq!(sh.ensue("format --check c.txt r.txt").all(), (1, "r.txt\n", ""));
}

#[test]
fn several_files_have_their_names_before_them() {
    let sh = Shell::new();
    let ended = sh.file("a.txt", LOOSE).file("b.txt", LOOSE).ensue("format a.txt b.txt");
    assert!(ended.stdout.starts_with("-- a.txt\nEVENT: ") && ended.stdout.contains("\n-- b.txt\nEVENT: "));
}

#[test]
fn as_objects() {
    let ended = Shell::new().file("r.txt", LOOSE).ensue("format r.txt --json");
    assert_eq!(ended.of_kind("formatted")[0]["changed"], true);
}

#[test]
fn what_is_no_rule_text() {
    let sh = Shell::new();
    sh.file("bad.txt", "EVENT: a ->").file("t.json", "{}");
    let ended = sh.ensue("format bad.txt");
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("error[E01") && ended.stdout.contains("bad.txt:1:"), "{}", ended.stdout);
    assert_eq!(sh.ensue("format t.json").all(), (2, "", "ensue: t.json is JSON; format takes rule texts\n"));
}
