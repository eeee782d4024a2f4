//! The engine for Kotlin and Swift, by `UniFFI`, and the thin JNI entry for `record`.
//!
//! Conversions and nothing else: what an event, a match or a report is, the engine says; what a task document says,
//! `ensue-dsl` reads. A file an area: `engine` has the calls, `event` and `packed` what goes in, `outcome`, `report` and
//! `stats` what comes out, `listener` who is told, `users` whose events
//! they are, `feedback` what became of decisions, `answers` why, `uplink` what may leave, `replay` recorded events, `error` all that can go wrong.
//!
//! No panic crosses the border: each call catches its own (`error`). Every call gives a `Result`, because a panic in
//! one that does not would end a Swift process. The exported surface is the same on all targets, since checksums cover it.
#![allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "the shape that UniFFI asks for")]

mod answers;
mod config;
mod engine;
mod error;
mod event;
mod feedback;
#[cfg(not(target_os = "ios"))]
mod jni_entry;
mod listener;
mod opened;
mod outcome;
mod packed;
mod replay;
mod report;
mod stats;
#[cfg(test)]
mod tests;
mod uplink;
mod users;
mod value;

pub use answers::{Answer, Whose};
pub use config::Config;
pub use engine::Engine;
pub use error::EnsueError;
pub use event::{Event, Recorded, Source};
pub use feedback::{Feedback, FeedbackKind};
pub use listener::Listener;
pub use outcome::{Binding, Decision, DerivedEvent, Match, Outcome, Refusal, RefusalReason};
pub use replay::{ReplayOptions, replay};
pub use report::{ApplyReport, OpenReport, Remark, SetReport, StoreReport, StoreState, TaskReport, TaskStatus};
pub use stats::{Counter, Stats};
pub use uplink::{Batch, Consent};
pub use value::{Named, Value};

uniffi::setup_scaffolding!();
