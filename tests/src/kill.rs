//! The kill test: stores whose process is ended at any moment lose nothing and double nothing.
//!
//! [`life`] says what a store lives through.

pub mod life;
