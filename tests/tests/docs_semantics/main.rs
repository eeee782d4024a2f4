//! Every example of `docs/semantics.md` and `docs/dsl.md`, run: by the matcher (time moved in one step, then millisecond by millisecond), by
//! the engine, and by the brute-force oracle wherever it knows the construct. All have to say exactly what the page says.
//!
//! The form of an example is described in the page itself, under "How to read the examples".
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod by_engine;
mod by_matcher;
mod by_oracle;
mod example;
mod recorded;
mod show;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use example::{Example, Subject};

fn page() -> String {
    read("semantics.md")
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All answers to an example, each with the name of who gave it and the lines that the page should have for it.
fn answers(example: &Example) -> Vec<(&'static str, Vec<String>, Vec<String>)> {
    let subject = match Subject::new(example) {
        Ok(subject) => subject,
        Err(refused) => return vec![("ensue-dsl", vec![refused], example.expected.clone())],
    };
    let mut out = Vec::new();
    if !subject.needs_host() {
        out.push(("matcher", by_matcher::answer(&subject, false), example.expected.clone()));
        out.push(("matcher, time ms by ms", by_matcher::answer(&subject, true), example.expected.clone()));
        if let Some(answer) = by_oracle::answer(&subject) {
            out.push(("oracle", answer, by_oracle::expected(example)));
        }
    }
    out.push(("engine", by_engine::answer(&subject), by_engine::expected(example)));
    out
}

fn complaints(example: &Example) -> String {
    let mut wrong: BTreeMap<(Vec<String>, Vec<String>), Vec<&str>> = BTreeMap::new();
    for (who, mut got, mut expected) in answers(example) {
        got.sort();
        expected.sort();
        if got != expected {
            wrong.entry((expected, got)).or_default().push(who);
        }
    }
    let mut report = String::new();
    for ((expected, got), who) in wrong {
        let _ = write!(report, "line {}\n{}", example.line, example.rule);
        for (who, lines) in [("the page", expected), (&*who.join(", "), got)] {
            let _ = writeln!(report, "  {who} says:\n    {}", lines.join("\n    "));
        }
    }
    report
}

#[test]
fn every_example_is_answered_as_the_page_says() {
    let examples = Example::all(&page());
    let wrong: Vec<String> = examples.iter().map(complaints).filter(|c| !c.is_empty()).collect();
    assert!(wrong.is_empty(), "{} of {} examples are wrong:\n{}", wrong.len(), examples.len(), wrong.join("\n"));
    assert!(examples.len() > 100, "only {} examples were found", examples.len());
}

/// The page of the language has an example of each construct in the same form.
#[test]
fn every_example_of_the_language_is_answered_as_its_page_says() {
    let examples = Example::all(&read("dsl.md"));
    let wrong: Vec<String> = examples.iter().map(complaints).filter(|c| !c.is_empty()).collect();
    assert!(wrong.is_empty(), "{} of {} examples are wrong:\n{}", wrong.len(), examples.len(), wrong.join("\n"));
    assert!(examples.len() >= 18, "only {} examples were found", examples.len());
}

#[test]
fn the_oracle_covers_most_examples() {
    let examples = Example::all(&page());
    let subjects: Vec<Subject> = examples.iter().filter_map(|e| Subject::new(e).ok()).collect();
    let covered = subjects.iter().filter(|s| !s.needs_host() && by_oracle::covers(s)).count();
    assert!(covered * 10 >= subjects.len() * 7, "the oracle answers {covered} of {} examples", subjects.len());
}

#[test]
fn what_flink_cep_answers_is_what_it_answered() {
    let examples = Example::all(&page());
    let recorded: Vec<&Example> = examples.iter().filter(|e| e.setting("case").is_some()).collect();
    assert!(recorded.len() >= 8, "only {} examples name a recorded case", recorded.len());
    let wrong: Vec<String> = recorded.into_iter().filter_map(|e| recorded::differs(e).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The test itself: one that can't fail would be worth nothing.
#[test]
fn a_wrong_example_is_found() {
    let right = "```example\nEVENT: a -> b\nWITHIN 9 MS\nON TIMEOUT RETURN a.ts AS t\nevents: 1 A, 2 B, 3 A\nadvance: 20\n\
                 match: a=1 b=2 @2\ntimeout: a=3 @12 by time -> t=3\n```\n";
    let check = |text: &str| complaints(&Example::all(text)[0]);
    assert_eq!(check(right), "");
    for (from, to) in [("@2", "@3"), ("b=2", "b=3"), ("t=3", "t=4"), ("by time ", ""), ("match: a=1 b=2 @2\n", "")] {
        assert_ne!(check(&right.replacen(from, to, 1)), "", "`{from}` as `{to}` is not found");
    }
}
