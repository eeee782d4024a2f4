//! What a rule is: the contract between those who write rules and those who run them.
//!
//! This crate holds data and its plain meaning only: [events](event) and their [values](value), [expressions](expr),
//! [patterns](pattern), [rules](rule), [tasks](task) with their outputs and policies, and what a task
//! [demands](demand) to be kept. It parses no text, compiles no automaton, does no I/O and reads no clock.
//!
//! A writer (the rule language, the Python pattern API, a JSON document) makes these values; a runner (the matcher,
//! the engine) takes them; the two never meet. Everything here that travels is `serde`; [`Rule`] serialised is
//! the *compiled rule* of a task document, with [`FORMAT`] as its version.

pub mod demand;
pub mod event;
pub mod expr;
pub mod pattern;
pub mod policy;
pub mod rule;
pub mod span;
pub mod task;
pub mod time;
pub mod value;

pub use demand::{Demand, EventDemand, Wanted};
pub use event::{Attr, Event, EventRef, Source, UTC_OFFSETS};
pub use expr::{AggFn, BinaryOp, Expr, ExprKind, Func, Scope, UnaryOp};
pub use pattern::{Bound, Contiguity, Element, Group, Name, Pattern, Quantifier, Stage, StageRef, Step};
pub use policy::{Backoff, Cap, Counted, Per, Policy, QuietHours, QuietMode, Rollout, SdkVersion, Share, TouchPolicy};
pub use rule::{AfterMatch, Condition, Format, Moment, PlaceError, Return, Rule, Within, WithinKind};
pub use span::Span;
pub use task::{
    Dialect, EntryTest, Filter, FilterEntry, On, Output, OutputKind, Refused, Remark, Scope as TaskScope, Task,
    TaskEntry, TaskKind, TaskSet, Trigger,
};
pub use time::{Duration, Timestamp};
pub use value::Value;

/// Version of the serialised [`Rule`]; a document that carries another number is refused by name.
pub const FORMAT: u32 = 1;
