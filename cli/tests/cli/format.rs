//! `ensue format`: canonical text, and whether a file is it.

use crate::shell::Shell;

const LOOSE: &str = "event:a->b where a.actionType='a' and b.actionType='b' within 1 h";

#[test]
fn files_are_brought_into_canonical_form_in_place() {
    let sh = Shell::new();
    let first = sh.file("r.txt", LOOSE).ensue("format r.txt");
    assert_eq!(first.all(), (0, "r.txt\n", ""), "it says which it wrote");
    let written = sh.read("r.txt");
    assert!(written.starts_with("EVENT: a -> b\nWHERE a.actionType = 'a'\n"), "{written}");
    assert_eq!(sh.ensue("format r.txt").all(), (0, "", ""), "what is canonical stays as it is");
    assert_eq!(sh.read("r.txt"), written);
}

#[test]
fn standard_input_is_printed() {
    let sh = Shell::new();
    let printed = sh.ensue_reading("format -", LOOSE);
    assert_eq!(printed.code, 0);
    sh.file("r.txt", LOOSE);
    assert_eq!(sh.ensue("format --print r.txt").stdout, printed.stdout);
    assert_eq!(sh.read("r.txt"), LOOSE, "nothing is written");
    assert_eq!(sh.ensue_reading("format -", &printed.stdout).stdout, printed.stdout);
}

#[test]
fn check_names_the_files_that_are_not_canonical() {
    let sh = Shell::new();
    let canonical = sh.file("r.txt", LOOSE).ensue("format --print r.txt").stdout;
    sh.file("c.txt", canonical);
    assert_eq!(sh.ensue("format --check c.txt").all(), (0, "", ""));
    assert_eq!(sh.ensue("format --check c.txt r.txt").all(), (1, "r.txt\n", ""));
    assert_eq!(sh.read("r.txt"), LOOSE, "nothing is written");
}

#[test]
fn several_texts_have_their_names_before_them() {
    let sh = Shell::new();
    let ended = sh.file("a.txt", LOOSE).file("b.txt", LOOSE).ensue("format --print a.txt b.txt");
    assert!(ended.stdout.starts_with("-- a.txt\nEVENT: ") && ended.stdout.contains("\n-- b.txt\nEVENT: "));
}

#[test]
fn as_objects() {
    let sh = Shell::new();
    let ended = sh.file("r.txt", LOOSE).ensue("format --check r.txt --json");
    assert_eq!((ended.code, &ended.of_kind("formatted")[0]["changed"]), (1, &true.into()));
}

/// A text that can't be read is never written over, nor are those behind it forgotten.
#[test]
fn a_wrong_text_is_left_alone() {
    let sh = Shell::new();
    let ended = sh.file("bad.txt", "EVENT: a ->").file("r.txt", LOOSE).ensue("format bad.txt r.txt");
    assert_eq!((ended.code, sh.read("bad.txt").as_str()), (1, "EVENT: a ->"));
    assert!(sh.read("r.txt").starts_with("EVENT: a -> b\n"));
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
