//! Pieces of a rule as rule text: one expression, one duration, the values of RETURN.
//!
//! The language has one printer, for whole rules; a piece is printed as part of the smallest rule that holds it.

use ensue_rule::{Condition, Duration, Element, Expr, Moment, Pattern, Return, Rule};

/// An expression.
pub(super) fn expr(expr: &Expr) -> String {
    let mut rule = Rule::new(Pattern { first: Element::stage("x"), then: Vec::new() });
    rule.conditions.push(Condition { stage: "x".into(), moment: Moment::Take, expr: expr.clone() });
    let text = ensue_dsl::format(&rule);
    text.lines().find_map(|line| line.strip_prefix("WHERE ")).unwrap_or_default().to_owned()
}

/// The values of a RETURN.
pub(super) fn returns(returns: &[Return]) -> Vec<String> {
    returns.iter().map(|r| format!("{} AS {}", expr(&r.expr), r.name)).collect()
}

/// A length of time in falling units: `1 H 30 MIN`.
pub(super) fn duration(d: Duration) -> String {
    let units = [(86_400_000, "D"), (3_600_000, "H"), (60_000, "MIN"), (1_000, "S"), (1, "MS")];
    let (mut rest, mut parts) = (d.0, Vec::new());
    for (ms, name) in units {
        if rest >= ms {
            parts.push(format!("{} {name}", rest / ms));
            rest %= ms;
        }
    }
    if parts.is_empty() { "0 MS".to_owned() } else { parts.join(" ") }
}
