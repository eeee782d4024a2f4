//! Texts and their canonical form. `tests/canonical.txt` has the cases: a line `=== name`, the text, a line `---`, and
//! what is printed. With `BLESS=1` in the environment the file is written anew: read the difference before committing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

use std::fmt::Write as _;

use ensue_dsl::{compile, format, format_text};
use ensue_rule::{AfterMatch, Dialect, Rule};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/canonical.txt");

fn rule(text: &str, dialect: Dialect) -> Rule {
    let compiled = compile(text, dialect);
    let drawn: String = compiled.diagnostics.iter().map(|d| d.render("rule")).collect();
    compiled.rule.unwrap_or_else(|| panic!("{text}\n{drawn}"))
}

#[test]
fn texts_have_one_form() {
    let all = std::fs::read_to_string(FILE).unwrap();
    let mut blessed = String::new();
    for case in all.strip_prefix("=== ").unwrap().split("\n=== ") {
        let (name, rest) = case.split_once('\n').unwrap();
        let (text, want) = rest.split_once("\n---\n").unwrap();
        let printed = format_text(text).unwrap_or_else(|d| panic!("{name}: {}", d[0].render("rule")));
        writeln!(blessed, "=== {name}\n{text}\n---\n{printed}").unwrap();
        if std::env::var_os("BLESS").is_none() {
            assert_eq!(printed.trim_end(), want.trim_end(), "{name}");
        }
        for dialect in [Dialect::Ensue, Dialect::Flink] {
            assert_eq!(rule(&printed, dialect), rule(text, dialect), "{name}");
        }
        assert_eq!(format_text(&printed).unwrap(), printed, "{name}");
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(FILE, blessed.trim_end().to_owned() + "\n").unwrap();
    }
}

#[test]
fn a_rule_is_printed_with_its_defaults() {
    let text = format(&rule("EVENT: a -> b", Dialect::Ensue));
    assert_eq!(text, "EVENT: a -> b\nAFTER MATCH CONSUME\n");
    let text = format(&rule("EVENT: a -> b", Dialect::Flink));
    assert_eq!(text, "EVENT: a -> b\nAFTER MATCH NO SKIP NO LIMIT\n");
    let text = format(&rule("EVENT: a -> b RETURN TRENDS COUNT(*) AS n", Dialect::Ensue));
    assert_eq!(text, "EVENT: a -> b\nRETURN TRENDS COUNT(*) AS n\n");
}

#[test]
fn the_dialect_decides_what_is_not_said() {
    let after = |clause: &str, dialect| rule(&format!("EVENT: a -> b {clause}"), dialect).after_match;
    assert_eq!(after("", Dialect::Ensue), AfterMatch::Consume);
    assert_eq!(after("", Dialect::Flink), AfterMatch::NoSkip { limit: None });
    assert_eq!(after("AFTER MATCH NO SKIP", Dialect::Ensue), AfterMatch::NoSkip { limit: Some(100) });
    assert_eq!(after("AFTER MATCH NO SKIP", Dialect::Flink), AfterMatch::NoSkip { limit: None });
    assert_eq!(after("AFTER MATCH NO SKIP LIMIT 7", Dialect::Flink), AfterMatch::NoSkip { limit: Some(7) });
    assert_eq!(after("RETURN TRENDS COUNT(*) AS n", Dialect::Ensue), AfterMatch::NoSkip { limit: None });
}

#[test]
fn short_forms_are_spelled_out_in_the_rule() {
    let same = |short: &str, long: &str| assert_eq!(rule(short, Dialect::Ensue), rule(long, Dialect::Ensue), "{short}");
    same("EVENT: a -> b?", "EVENT: a -> b{1,1} OPTIONAL");
    same("EVENT: a -> b*", "EVENT: a -> b{1,} OPTIONAL");
    same("EVENT: a -> b{0,3}", "EVENT: a -> b{1,3} OPTIONAL");
    same("EVENT: a WHERE a.extra_info.scene = 'x'", "EVENT: a WHERE a.scene = 'x'");
    same("EVENT: a WHERE a.extra_info.price = 1", "EVENT: a WHERE a.args.price = 1");
    same("EVENT: a WHERE HOUR(a) = 1", "EVENT: a WHERE HOUR(a.ts) = 1");
    same("EVENT: a WITHIN 90 SECS", "EVENT: a WITHIN 1 min 30 s");
}
