//! Ensue for Python: conversions between Python objects and the engine, and nothing else. The other half of the package,
//! the pattern API and what needs no Rust, is Python in `python/ensue`.
//!
//! The crate is in the workspace, with the feature `extension-module` of `PyO3` always on and the stable ABI: so it links no libpython and
//! needs no interpreter to build, and formatting, lints and tests of the workspace reach it on any machine. It has no Rust
//! tests (a test binary would have to link Python): what it does is tested from Python, `test.sh`.
//!
//! INVARIANT (border): every call from Python runs in `error::guarded`, so that a panic becomes an exception of this
//! package. INVARIANT (interpreter): what may wait runs detached; a thread of the engine attaches only to deliver.
//!
//! Objects go out as JSON read by Python's own reader: what Python sees is what `ensue run --json` prints.

mod engine;
mod error;
mod event;
mod json;
mod listener;
mod record;
mod recorded;
mod replay;
mod report;
mod rules;
mod script;
mod value;

use pyo3::prelude::*;

#[pymodule]
mod _ensue {
    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::error::panic_for_test;
    #[pymodule_export]
    use super::recorded::Recorded;
    #[pymodule_export]
    use super::replay::Replay;
    #[pymodule_export]
    use super::rules::{
        automaton_dot, check_rule, check_tasks, compile_rule, compile_text, duration_ms, format_rule, format_text,
    };
    #[pymodule_export]
    use super::script::{Args, Context, Events, History, Match, PastEvent, Watch};
}
