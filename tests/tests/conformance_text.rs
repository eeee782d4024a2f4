//! Every case printed as rule text and read again: the text can say all that the cases can, and means the same.
#![allow(clippy::panic, clippy::unwrap_used, reason = "test code")]

use std::fmt::Write as _;

use ensue_rule::{Dialect, Rule};
use ensue_tests::case::Case;
use ensue_tests::{load, mode, translate};

/// The rule of a case after a way through text.
fn through_text(case: &Case) -> Result<Rule, String> {
    let text = ensue_dsl::format(&translate::rule(case));
    let compiled = ensue_dsl::compile(&text, Dialect::Ensue);
    let errors: String = compiled.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.render("case")).collect();
    let rule = compiled.rule.ok_or_else(|| format!("{text}{errors}"))?;
    let again = ensue_dsl::format(&rule);
    if again == text { Ok(rule) } else { Err(format!("{text} is printed anew as\n{again}")) }
}

fn complaints(case: &Case) -> String {
    match through_text(case) {
        Ok(rule) => mode::check_with(case, rule).join("; "),
        Err(why) => why,
    }
}

#[test]
fn every_case_means_the_same_as_text() {
    let cases = load::cases(&load::own_cases()).unwrap_or_else(|e| panic!("{e}"));
    let (mut wrong, mut report) = (0, String::new());
    for (path, case) in &cases {
        let complaints = complaints(case);
        if !complaints.is_empty() {
            wrong += 1;
            if wrong <= 10 {
                let _ = writeln!(report, "{} {}: {complaints}", path.display(), case.name);
            }
        }
    }
    assert!(wrong == 0, "{wrong} of {} cases are wrong as text, the first of them:\n{report}", cases.len());
    assert!(cases.len() > 1_300, "only {} cases found", cases.len());
}

/// As JSON a rule is the same rule, not only one of the same meaning.
#[test]
fn every_case_is_the_same_as_json() {
    for (_, case) in load::cases(&load::own_cases()).unwrap() {
        let rule = translate::rule(&case);
        let json = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), rule, "{}", case.name);
    }
}
