//! Everything that checks what Ensue answers and spans crates.
//!
//! - [`case`]: the format of conformance cases; [`load`] finds them, [`translate`] makes rules and events of them.
//! - [`mode`]: ways to run a case through the product; [`answer`] compares what came out with what was expected.
//! - [`recorded`]: a case as any face can be given it: task document, recorded events, answer.
//! - [`kill`]: stores whose process is ended at any moment.
//! - [`random`]: seeded numbers; [`told`]: what an engine tells, kept; [`watch`]: runs what may panic or never end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: what is wrong here has to stop the test at once"
)]

pub mod answer;
pub mod case;
pub mod check;
pub mod fatigue;
pub mod generate;
pub mod kill;
pub mod load;
pub mod mode;
pub mod oracle;
pub mod random;
pub mod recorded;
pub mod shrink;
pub mod told;
pub mod translate;
pub mod watch;
pub mod world;
