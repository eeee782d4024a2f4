//! Compiled rules as they were shipped: `tests/formats/rule-v1.jsonl` has a rule a line, its canonical text and its JSON.
//! What is there never changes: a rule pushed years ago is read as the same rule, and the same text still gives that JSON.
//! With `FREEZE=1` in the environment texts that are not in the file yet are added behind the others.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::path::{Path, PathBuf};

use ensue_dsl::{compile, format};
use ensue_rule::{Dialect, Rule};
use serde_json::{Value, json};

fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn frozen() -> Vec<Value> {
    let text = std::fs::read_to_string(path("formats/rule-v1.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The canonical texts of the language's own cases: every construct is among them.
fn canonical_texts() -> Vec<String> {
    let all = std::fs::read_to_string(path("../dsl/tests/canonical.txt")).unwrap();
    let cases = all.strip_prefix("=== ").unwrap().split("\n=== ");
    let rules =
        cases.map(|c| compile(c.split_once('\n').unwrap().1.split_once("\n---\n").unwrap().0, Dialect::Ensue).rule);
    rules.map(|rule| format(&rule.unwrap())).collect()
}

#[test]
fn rules_of_format_1_are_what_they_were() {
    if std::env::var_os("FREEZE").is_some() {
        freeze();
    }
    let frozen = frozen();
    assert!(frozen.len() >= 35, "{}", frozen.len());
    for kept in &frozen {
        let text = kept["text"].as_str().unwrap();
        let rule: Rule = serde_json::from_value(kept["rule"].clone()).unwrap_or_else(|e| panic!("{text}{e}"));
        assert_eq!(format(&rule), text);
        let again = compile(text, Dialect::Ensue).rule.unwrap_or_else(|| panic!("{text}"));
        assert_eq!(again, rule, "{text}");
        assert_eq!(serde_json::to_value(&again).unwrap(), kept["rule"], "{text}");
    }
}

#[test]
fn every_construct_is_frozen() {
    let frozen = frozen();
    let missing: Vec<_> = canonical_texts().into_iter().filter(|t| !frozen.iter().any(|k| k["text"] == **t)).collect();
    assert!(missing.is_empty(), "run this test with FREEZE=1 for\n{}", missing.join("\n"));
}

fn freeze() {
    let mut all = frozen();
    for text in canonical_texts() {
        if !all.iter().any(|k| k["text"] == *text) {
            let rule = compile(&text, Dialect::Ensue).rule.unwrap();
            all.push(json!({"text": text, "rule": rule}));
        }
    }
    let lines: Vec<String> = all.iter().map(|k| k.to_string() + "\n").collect();
    std::fs::write(path("formats/rule-v1.jsonl"), lines.concat()).unwrap();
}
