//! The grammar of `docs/dsl.md`, read from the page: random texts written by it are read without a syntax error, and every
//! text that compiles is one of its texts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail so"
)]

#[path = "grammar/ebnf.rs"]
mod ebnf;
#[path = "grammar/reader.rs"]
mod reader;
#[path = "grammar/writer.rs"]
mod writer;

use std::collections::BTreeSet;

use ensue_dsl::{compile, format};
use ensue_rule::Dialect;

use ebnf::Grammar;

fn page(name: &str) -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/").to_owned() + name).unwrap()
}

fn grammar() -> Grammar {
    let page = page("dsl.md");
    let block = page.split("```grammar\n").nth(1).unwrap().split("```").next().unwrap();
    Grammar::read(block)
}

#[test]
fn random_texts_of_the_grammar_are_read() {
    let grammar = grammar();
    let (mut whole, mut used) = (0, BTreeSet::new());
    for seed in 0..4_000 {
        let text = writer::write(&grammar, seed, &mut used);
        let compiled = compile(&text, Dialect::Ensue);
        // What the grammar does not say (names known, durations falling, quantifiers sensible) may be wrong with it.
        let syntax = compiled.diagnostics.iter().find(|d| d.code.starts_with("E01") && d.code != "E0106");
        assert!(syntax.is_none(), "{text}\n{}", syntax.unwrap().render("text"));
        if let Some(rule) = compiled.rule {
            whole += 1;
            assert_eq!(compile(&format(&rule), Dialect::Ensue).rule.as_ref(), Some(&rule), "{text}");
        }
    }
    assert!(whole >= 60, "only {whole} of 4,000 texts are whole rules");
    let unused: Vec<_> = grammar.alternatives().into_iter().filter(|a| !used.contains(a)).collect();
    assert!(unused.is_empty(), "never written: {unused:?}");
}

/// Texts that compile: the language's own canonical cases, the table of diagnostics, and the examples of both pages.
fn texts() -> Vec<String> {
    let mut out = Vec::new();
    for file in [
        "canonical.txt",
        "diagnostics/warnings.txt",
        "diagnostics/lint.txt",
        "diagnostics/pattern.txt",
        "diagnostics/names.txt",
    ] {
        let all = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/").to_owned() + file).unwrap();
        let cases = all.split("=== ").filter_map(|c| c.split_once('\n')).map(|(_, rest)| rest.to_owned());
        let parts = cases.flat_map(|c| c.split("\n---").map(str::to_owned).collect::<Vec<_>>());
        out.extend(parts);
    }
    for name in ["semantics.md", "dsl.md"] {
        let settings = [
            "events:",
            "advance:",
            "lateness:",
            "session gap:",
            "trigger:",
            "filter:",
            "case:",
            "flink",
            "refused:",
            "match:",
            "timeout:",
        ];
        for block in page(name).split("```example\n").skip(1).map(|b| b.split("```").next().unwrap()) {
            let rule: Vec<&str> = block.lines().take_while(|l| !settings.iter().any(|s| l.starts_with(s))).collect();
            out.push(rule.join("\n"));
        }
    }
    out.retain(|text| compile(text, Dialect::Ensue).rule.is_some());
    out
}

#[test]
fn every_text_that_compiles_is_a_text_of_the_grammar() {
    let grammar = grammar();
    let texts = texts();
    assert!(texts.len() > 150, "only {} texts", texts.len());
    for text in texts {
        assert!(reader::reads(&grammar, &text), "the grammar does not have\n{text}");
    }
}

/// The test itself: a reader that takes everything would be worth nothing.
#[test]
fn what_is_not_in_the_grammar_is_not_read() {
    let grammar = grammar();
    for text in [
        "EVENT a",
        "EVENT: a b",
        "EVENT: a -> !b+ WHERE",
        "EVENT: a WHERE a.ts = 1 = 2",
        "EVENT: a WITHIN 5",
        "EVENT: a STRICT",
    ] {
        assert!(!reader::reads(&grammar, text), "{text}");
    }
}
