//! `ensue bench` on streams that are short enough for a test: its counts, its form, its end.

use serde_json::Value as Json;

use crate::shell::Shell;

#[test]
fn every_count_is_right_and_every_line_an_object() {
    let shell = Shell::new();
    let ended = shell.ensue("bench --events 3000 --only w1,w1any,w2,w3,alike,json,load,restart --json");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let lines: Vec<Json> = ended.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let of = |bench: &str| lines.iter().filter(|l| l["bench"] == bench).count();
    let benches = ["w1", "w1any", "w2", "w3", "alike", "json", "load", "restart"];
    assert_eq!(benches.map(of), [2, 2, 8, 8, 9, 1, 3, 1]);
    for line in &lines {
        assert_eq!(line["wrong"], false, "{line}");
        assert_eq!(line["matches"], line["expected"], "{line}");
    }
    let counted = |l: &&Json| l["matches"].as_i64() > Some(0);
    assert!(lines.iter().filter(counted).count() >= 12, "{}", ended.stdout);
}

#[test]
fn wrong_arguments_are_refused() {
    let shell = Shell::new();
    for args in ["bench --only w4", "bench --events 0"] {
        assert_eq!(shell.ensue(args).code, 2, "{args}");
    }
}

#[test]
fn a_table_is_for_a_person() {
    let ended = Shell::new().ensue("bench --events 1000 --only w1");
    assert_eq!(ended.code, 0);
    assert!(ended.stdout.starts_with("w1 owned"), "{}", ended.stdout);
    assert!(ended.stdout.contains("ev/s"), "{}", ended.stdout);
}
