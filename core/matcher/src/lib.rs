//! Rules compiled to automata, and the live runs of a stream through them.
//!
//! Pure: no clock, no thread, no I/O, no SQL. A host keeps one [`ProgramSet`] for all rules and one [`Runs`] per rule
//! and key (user and partition); it turns each event into an [`Observation`] once, steps the runs that the observation
//! names, and moves time with [`Runs::advance_to`].
//!
//! - [`Program`]: a rule compiled; immutable, shared by all keys.
//! - [`ProgramSet`]: what programs share: the predicate index that says which programs an event concerns.
//! - [`Runs`]: the partial matches of one program for one key, as run classes over a shared buffer.
//! - [`Tracer`] and [`Trace`]: the same stream looked at run by run, to say how far a rule came and why no further.

mod aged;
mod buffer;
mod error;
mod expr;
mod limits;
mod observation;
mod output;
mod program;
mod registers;
mod runs;
mod set;
mod table;
mod trace;
mod trends;

pub use error::Error;
pub use limits::Limits;
pub use observation::{Arrival, Hit, Observation, Position};
pub use output::{Cause, Found, Match, Seqs};
pub use program::{Program, Tier};
pub use runs::Runs;
pub use set::{Arguments, Armed, Attribute, Interned, Late, ProgramId, ProgramSet, Symbol};
pub use trace::{Awaited, Awaits, Bound, Ending, Failed, Furthest, NearMiss, Trace, Tracer};

/// Evaluates an expression over named values (the `when` of an output over the values of RETURN). Names that there are
/// not, and anything that needs an event, are null; so is an expression that [`check_values`] refuses.
pub fn evaluate(expr: &ensue_rule::Expr, values: &[(std::sync::Arc<str>, ensue_rule::Value)]) -> ensue_rule::Value {
    expr::evaluate(expr, values)
}

/// Whether an expression over named values (the `when` of an output) can be computed: its MATCHES have regular
/// expressions that can be used. Asked where a task is let in, because [`evaluate`] has no one to tell.
///
/// # Errors
/// What [`Program::compile`] would say against it in WHERE.
pub fn check_values(expr: &ensue_rule::Expr) -> Result<(), Error> {
    expr::check_values(expr)
}

#[cfg(test)]
mod tests {
    use ensue_rule::{Expr, ExprKind, UnaryOp, Value};

    #[test]
    fn an_expression_with_a_regex_that_cannot_be_used_is_refused_and_holds_neither_way() {
        let matches = |regex: &str| Expr::from(ExprKind::Matches(Box::new(Expr::literal("abc")), regex.into()));
        assert_eq!(super::check_values(&matches("b")), Ok(()));
        for regex in [r"\p{L}(", r"\p{L}", "(?=a)", "a{1000}{1000}"] {
            let not = Expr::from(ExprKind::Unary(UnaryOp::Not, Box::new(matches(regex))));
            assert!(super::check_values(&not).is_err(), "{regex}");
            assert_eq!(super::evaluate(&not, &[]), Value::Null, "{regex}");
        }
    }
}
