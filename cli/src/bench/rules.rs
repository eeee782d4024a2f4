//! The rules of the workloads, as an author would write them.

use ensue_matcher::{Limits, ProgramSet};
use ensue_rule::{Filter, Rule};

use crate::failure::Failure;

/// A -> B -> C of one user within ten seconds, every A.
pub(super) const W1: &str = "EVENT: a -> b -> c \
     WHERE a.actionType = 'A' AND b.actionType = 'B' AND c.actionType = 'C' WITHIN 10 S AFTER MATCH NO SKIP";

/// Every A, B, C.
pub(super) const W1_ANY: &str = "EVENT: a ->> b ->> c \
     WHERE a.actionType = 'A' AND b.actionType = 'B' AND c.actionType = 'C' WITHIN 10 S AFTER MATCH NO SKIP";

/// Every set of Bs between an A and a C; one row with their number for each C.
pub(super) const W2_TRENDS: &str = "EVENT: a ->> b+ ANY ->> c \
     WHERE a.actionType = 'A' AND b.actionType = 'B' AND c.actionType = 'C' WITHIN 100 MS RETURN TRENDS COUNT(*) AS n";

/// The same, with matches kept; the bench lets one out for each C ([`one`]).
pub(super) const W2_GRAPH: &str = "EVENT: a ->> b+ ANY ->> c \
     WHERE a.actionType = 'A' AND b.actionType = 'B' AND c.actionType = 'C' WITHIN 100 MS AFTER MATCH NO SKIP";

/// Rule `i` of W3.
pub(super) fn w3(i: u32) -> String {
    format!(
        "EVENT: a -> b WHERE a.actionType = 'A' AND a.args.v = {i} AND b.actionType = 'B' AND b.args.v = {i} \
         WITHIN 10 S AFTER MATCH NO SKIP"
    )
}

/// Rule `i` of those that begin alike: every A begins a run of each.
pub(super) fn alike(i: u32) -> String {
    format!(
        "EVENT: a -> b WHERE a.actionType = 'A' AND b.actionType = 'B' AND b.args.v = {i} \
         WITHIN 10 S AFTER MATCH NO SKIP LIMIT 10000"
    )
}

/// Rule `i` of those that look at the same events, each with a window and a name of its own for what it returns.
pub(super) fn varied(i: u32) -> String {
    format!(
        "EVENT: a -> b WHERE a.actionType = 'A' AND b.actionType = 'B' WITHIN {} MS AFTER MATCH NO SKIP \
         RETURN b.args.v AS v{i}",
        10_000 + i
    )
}

/// A text as a rule.
pub(super) fn rule(text: &str) -> Result<Rule, Failure> {
    let compiled = ensue_dsl::compile(text, ensue_rule::Dialect::Ensue);
    let why = || compiled.diagnostics.first().map_or_else(String::new, |d| d.render("bench"));
    compiled.rule.ok_or_else(|| Failure::new(format!("a rule of the bench is refused: {}", why())))
}

/// Of the matches that an event completes one is let out, the rest counted.
pub(super) fn one() -> Limits {
    Limits { matches: 1, ..Limits::default() }
}

/// The programs of these texts.
pub(super) fn programs(texts: impl IntoIterator<Item = String>, limits: Limits) -> Result<ProgramSet, Failure> {
    let mut set = ProgramSet::new(limits);
    for text in texts {
        let added = set.add(&rule(&text)?, &Filter::default());
        added.map_err(|e| Failure::new(format!("a rule of the bench is refused: {e}")))?;
    }
    Ok(set)
}
