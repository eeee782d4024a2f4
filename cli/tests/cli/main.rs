//! The binary itself, over good and wrong input: what it prints where, and how it ends.

mod arguments;
mod check;
mod compile;
mod example;
mod explain;
mod format;
mod run;
mod shell;
mod store;
