//! A compiled rule, read from its JSON. It says the same as its text, so it passes the same checks: those of its canonical
//! text, which also puts its conditions where they belong.

use ensue_rule::{Dialect, Expr, Rule};
use serde_json::Value as Json;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::format::format;
use crate::tasks::json;
use crate::text::{self, Compiled};

/// Reads a compiled rule from its JSON: the rule, with what its author should know.
///
/// # Errors
/// What is wrong with it; what is wrong with the rule that it says is drawn in the rule's canonical text.
pub fn read_compiled(bytes: &[u8]) -> Result<(Rule, Vec<Diagnostic>), Vec<Diagnostic>> {
    let json = json::parse(bytes).map_err(|d| vec![d])?;
    match of(&json) {
        Compiled { rule: Some(rule), diagnostics } => Ok((rule, diagnostics)),
        Compiled { rule: None, diagnostics } => Err(diagnostics),
    }
}

/// The same of a value that was read.
pub(crate) fn of(json: &Json) -> Compiled {
    let given: Rule = match serde::Deserialize::deserialize(json) {
        Ok(rule) => rule,
        Err(error) => return unreadable(&serde_json::Error::to_string(&error)),
    };
    let compiled = text::compile(&format(&given), Dialect::Ensue);
    match &compiled.rule {
        Some(rule) if said(&given) != said(rule) => {
            unreadable("a list, a map or a number that is not finite has no text")
        }
        _ => compiled,
    }
}

fn unreadable(why: &str) -> Compiled {
    let d = Diagnostic::error(codes::COMPILED_RULE, format!("this compiled rule can't be read: {why}"));
    Compiled { rule: None, diagnostics: vec![d] }
}

/// A rule without what its text leaves to the reader: at which stage and moment a condition is asked.
fn said(rule: &Rule) -> (Rule, Vec<Expr>) {
    let conditions = rule.conditions.iter().flat_map(|c| c.expr.clone().conjuncts()).collect();
    (Rule { conditions: Vec::new(), ..rule.clone() }, conditions)
}
