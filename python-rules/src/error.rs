//! What goes wrong, as the exceptions of `ensue.errors`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ensue_dsl::Diagnostic;
use ensue_engine::Error;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::json;

/// Runs the body of a call from Python; a panic in it becomes an `InternalError`.
pub(crate) fn guarded<T>(py: Python<'_>, body: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(internal(py, &*panic)))
}

/// Panics inside, for the test that no panic crosses.
#[pyfunction]
#[pyo3(name = "_panic_for_test")]
pub(crate) fn panic_for_test(py: Python<'_>, message: String) -> PyResult<()> {
    guarded(py, || py.detach(|| std::panic::resume_unwind(Box::new(message))))
}

fn internal(py: Python<'_>, panic: &(dyn Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic");
    make(py, "InternalError", "panic", text, |_| Ok(()))
}

/// An error of the engine as a whole.
pub(crate) fn engine(py: Python<'_>, error: &Error) -> PyErr {
    make(py, "EngineError", error.code(), &error.to_string(), |_| Ok(()))
}

/// Something is wrong with a rule.
pub(crate) fn rule(py: Python<'_>, diagnostics: &[Diagnostic]) -> PyErr {
    diagnosed(py, "RuleError", "rule", diagnostics)
}

/// A rule that the matcher cannot run.
pub(crate) fn refused_rule(py: Python<'_>, why: &str) -> PyErr {
    make(py, "RuleError", "E0602", why, |_| Ok(()))
}

/// Task documents are malformed as a whole.
pub(crate) fn tasks(py: Python<'_>, diagnostic: &Diagnostic) -> PyErr {
    diagnosed(py, "TaskError", "tasks", std::slice::from_ref(diagnostic))
}

fn diagnosed(py: Python<'_>, class: &str, file: &str, diagnostics: &[Diagnostic]) -> PyErr {
    let first = diagnostics.iter().find(|d| d.is_error()).or(diagnostics.first());
    let Some(first) = first else { return make(py, class, "unknown", "refused", |_| Ok(())) };
    make(py, class, first.code, &first.message, |more| {
        more.set_item("hint", first.hint.as_deref())?;
        more.set_item("path", first.path.as_deref())?;
        if first.text.is_some() {
            let (line, column) = first.line_column();
            more.set_item("line", line)?;
            more.set_item("column", column)?;
        }
        let drawn: Vec<_> = diagnostics.iter().filter(|d| d.is_error()).map(|d| d.render(file)).collect();
        more.set_item("drawn", drawn.join("\n"))?;
        more.set_item("diagnostics", json::diagnostics(py, diagnostics)?)
    })
}

fn make(
    py: Python<'_>,
    class: &str,
    code: &str,
    message: &str,
    more: impl FnOnce(&Bound<'_, PyDict>) -> PyResult<()>,
) -> PyErr {
    let exception = || {
        let named = PyDict::new(py);
        more(&named)?;
        py.import("ensue.errors")?.getattr(class)?.call((code, message), Some(&named))
    };
    exception().map_or_else(|failed| failed, PyErr::from_value)
}
