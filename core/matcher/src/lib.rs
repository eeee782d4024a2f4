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
/// not, and anything that needs an event, are null.
pub fn evaluate(expr: &ensue_rule::Expr, values: &[(std::sync::Arc<str>, ensue_rule::Value)]) -> ensue_rule::Value {
    expr::evaluate(expr, values)
}
