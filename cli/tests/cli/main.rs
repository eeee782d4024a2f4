//! The binary itself, over good and wrong input: what it prints where, and how it ends.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed, and says where")]

mod arguments;
mod bench;
mod check;
mod compile;
mod errors;
mod example;
mod explain;
mod format;
mod run;
mod shell;
mod store;
mod why;
