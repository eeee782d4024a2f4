//! What `check` says of a rule is true of its answers: over all cases.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use ensue_dsl::{Diagnostic, check, codes, format};
use ensue_rule::{Dialect, Element, Pattern, Rule};
use ensue_tests::case::Case;
use ensue_tests::{load, mode, translate};

/// Every case with what is said of its rule under this code.
fn said(code: &str) -> Vec<(Case, Rule, Vec<Diagnostic>)> {
    let cases = load::cases(&load::own_cases()).unwrap_or_else(|e| panic!("{e}"));
    let checked = cases.into_iter().filter_map(|(_, case)| {
        let checked = check(&format(&translate::rule(&case)), Dialect::Ensue, None);
        let found: Vec<_> = checked.diagnostics.into_iter().filter(|d| d.code == code).collect();
        Some((case, checked.rule?, found))
    });
    checked.filter(|(_, _, found)| !found.is_empty()).collect()
}

#[test]
fn a_stage_that_takes_no_event_takes_none() {
    for (case, _, found) in said(codes::STAGE_NEVER) {
        for d in found {
            let Some(stage) = d.message.split(": `").nth(1).and_then(|m| m.strip_suffix("` takes no event")) else {
                continue;
            };
            let bound = case.matches.iter().flatten().any(|m| m.contains_key(stage));
            assert!(!bound, "{}: {}", case.name, d.message);
        }
    }
}

#[test]
fn greedy_that_changes_nothing_changes_nothing() {
    let all = said(codes::GREEDY_IDLE);
    let mut tried = 0;
    for (case, mut rule, found) in all {
        if count(&rule.pattern) == found.len() && !case.is_unanswered() {
            strip(&mut rule.pattern);
            let wrong = mode::check_with(&case, rule);
            assert!(wrong.is_empty(), "{}: without GREEDY {}", case.name, wrong.join("; "));
            tried += 1;
        }
    }
    assert!(tried >= 5, "only {tried} cases say it");
}

fn count(pattern: &Pattern) -> usize {
    pattern.quantifiers().iter().filter(|q| q.greedy).count()
}

fn strip(pattern: &mut Pattern) {
    strip_element(&mut pattern.first);
    pattern.then.iter_mut().for_each(|s| strip_element(&mut s.element));
}

fn strip_element(e: &mut Element) {
    match e {
        Element::Stage(s) => s.quantifier.iter_mut().for_each(|q| q.greedy = false),
        Element::AllOf(all) => all.iter_mut().flat_map(|s| &mut s.quantifier).for_each(|q| q.greedy = false),
        Element::AnyOf(all) => all.iter_mut().for_each(strip_element),
        Element::Group(g) => {
            g.quantifier.iter_mut().for_each(|q| q.greedy = false);
            strip(&mut g.pattern);
        }
        Element::Not(_) => {}
    }
}
