//! What is said about wrong texts, in full. `tests/diagnostics/*.txt` has the cases: a line `=== name`, the text, a line
//! `---`, and everything that is drawn. With `BLESS=1` in the environment the files are written anew: read the
//! difference before committing it.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use std::fmt::Write as _;
use std::path::PathBuf;

use ensue_dsl::{Diagnostic, ReadOptions, Schema, check, check_documents, codes, compile, compile_expr};
use ensue_rule::Dialect;

struct Case {
    name: String,
    text: String,
    drawn: String,
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics").join(name)
}

fn cases(name: &str) -> Vec<Case> {
    let all = std::fs::read_to_string(file(name)).unwrap();
    let cases = all.strip_prefix("=== ").unwrap().split("\n=== ");
    let case = |c: &str| {
        let (name, rest) = c.split_once('\n').unwrap();
        let (text, drawn) = rest.split_once("\n---").unwrap();
        Case {
            name: name.to_owned(),
            text: text.to_owned(),
            drawn: drawn.trim_start_matches('\n').trim_end().to_owned(),
        }
    };
    cases.map(case).collect()
}

/// Characters that no file should have stand in the cases by name.
fn spelled_out(text: &str) -> String {
    text.replace("{NUL}", "\0").replace("{RLO}", "\u{202e}")
}

/// Compares all that `read` says about each text with what the file says; counts the cases.
fn compare(name: &str, read: impl Fn(&str) -> Vec<Diagnostic>) -> usize {
    let cases = cases(name);
    let drawn = |c: &Case| {
        read(&spelled_out(&c.text)).iter().map(|d| d.render("rule.txt")).collect::<String>().trim_end().to_owned()
    };
    if std::env::var_os("BLESS").is_some() {
        let mut all = String::new();
        for c in &cases {
            writeln!(all, "=== {}\n{}\n---\n{}\n", c.name, c.text, drawn(c)).unwrap();
        }
        std::fs::write(file(name), all.trim_end().to_owned() + "\n").unwrap();
        return cases.len();
    }
    for c in &cases {
        assert!(!c.drawn.is_empty(), "{}: nothing said", c.name);
        assert_eq!(drawn(c), c.drawn, "{}", c.name);
    }
    cases.len()
}

const RULES: [&str; 5] = ["text.txt", "pattern.txt", "time.txt", "names.txt", "warnings.txt"];

#[test]
fn rule_texts() {
    let read = |text: &str| compile(text, Dialect::Ensue).diagnostics;
    let count: usize = RULES.iter().map(|f| compare(f, read)).sum();
    assert!(count >= 120, "{count}");
}

#[test]
fn what_is_probably_not_meant() {
    compare("lint.txt", |text| check(text, Dialect::Ensue, None).diagnostics);
}

/// What the cases of `schema.txt` are checked against.
const SCHEMA: &str = r#"{"schema": {
    "pv": {"item": "string", "price": "float", "address": {"city": "string", "zip": "int"}},
    "leave": {"ms": "int"},
    "buy": {"item": "string", "price": "float", "paid": "bool"},
    "*": {"abTest": "string"}
}}"#;

#[test]
fn names_that_a_schema_does_not_have() {
    let schema = Schema::read(SCHEMA.as_bytes()).unwrap();
    compare("schema.txt", |text| check(text, Dialect::Ensue, Some(&schema)).diagnostics);
}

#[test]
fn conditions_of_outputs() {
    compare("when.txt", |text| compile_expr(text).err().unwrap_or_default());
}

#[test]
fn documents() {
    compare("documents.txt", |json| check_documents(json.as_bytes(), &ReadOptions::default()).diagnostics);
}

/// What is over a limit of the matcher is said by those who call it.
const NOT_FROM_HERE: [&str; 5] =
    [codes::REFUSED_BY_MATCHER, codes::TEST_FAILED, codes::TEST_EVENT, codes::DATA_ATTRIBUTE, codes::DATA_VALUE];

#[test]
fn every_code_has_a_case() {
    let files = RULES.iter().chain(&["when.txt", "documents.txt", "lint.txt", "schema.txt"]);
    let mut all: String = files.map(|f| std::fs::read_to_string(file(f)).unwrap()).collect();
    // Too long for a case, and only where Python runs: tests of their own have these.
    all.push_str("[E0101] [W0502] [E0514] [E0515] [E0516]");
    for (code, title) in codes::ALL.iter().filter(|(code, _)| !NOT_FROM_HERE.contains(code)) {
        assert!(all.contains(&format!("[{code}]")), "no case for {code}: {title}");
    }
}

#[test]
fn every_code_is_explained() {
    let docs = std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md")).unwrap();
    for (code, title) in codes::ALL {
        assert!(docs.contains(&format!("### {code}")), "docs/errors.md does not explain {code}: {title}");
    }
}
