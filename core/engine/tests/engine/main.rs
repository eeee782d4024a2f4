//! The engine from outside, by its public face only.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails a test")]

mod answers;
mod applying;
mod crowds;
mod faces;
mod files;
mod gaps;
mod remembering;
mod reopening;
mod retention;
mod scripts;
mod streams;
mod support;
mod threads;
mod time;
mod uplink;
mod users;
