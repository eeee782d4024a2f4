//! Runs tasks on a device: ingest, store, look-back, dispatch.
//!
//! A host opens an [`Engine`], applies [task sets](ensue_rule::TaskSet), records events from any thread and takes
//! decisions. This crate knows no rule text and no task document (rules come in as values), opens no socket, and reads
//! the system clock in one file only ([`clock`]).
//!
//! One event's way: [`Engine::record`] (the caller's thread) -> a bounded queue -> the worker thread: store, order, match,
//! dispatch, commit -> listeners. What the worker does between two I/O calls is a pure fold over the log, so that a
//! restart, which folds the same log again in silence, comes to the same state.

pub mod answer;
pub mod clock;
pub mod config;
mod counts;
mod dispatch;
mod engine;
pub mod error;
pub mod event_json;
pub mod feedback;
mod fold;
mod identity;
mod ingest;
pub mod iso;
pub mod listener;
mod log;
pub mod outcome;
pub mod pending;
pub mod replay;
mod reply;
pub mod report;
pub mod stats;
mod store;
mod tasks;
mod uplink;
mod worker;

pub use answer::{Question, Whose, Why, WhyNot};
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{Config, Mode, Place, Retention};
pub use counts::Counts;
pub use engine::Engine;
pub use ensue_matcher::Limits;
pub use error::Error;
pub use event_json::{BadEvent, parse_event, read_event};
pub use feedback::{Feedback, FeedbackKind};
pub use ingest::Attributes;
pub use listener::Listener;
pub use outcome::{Decision, DerivedRecord, MatchRecord, Named, Outcome, Reason, Refusal};
pub use pending::Scripts;
pub use replay::Replay;
pub use report::{ApplyReport, OpenReport, Recorded, Rejected, SetReport, Status, StoreReport, StoreState, TaskReport};
pub use stats::Stats;
pub use uplink::{Batch, Consent};
