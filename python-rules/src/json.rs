//! Objects out, as JSON that Python's own reader reads.

use ensue_dsl::Diagnostic;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use serde::Serialize;

/// As Python objects.
pub(crate) fn object<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let text = serde_json::to_string(value).map_err(|e| PyValueError::new_err(e.to_string()))?;
    LOADS.import(py, "json", "loads")?.call1((text,))
}

/// The object of a diagnostic, as `ensue check --json` has it, without kind and file.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    code: &'a str,
    severity: String,
    message: &'a str,
    hint: Option<&'a str>,
    path: Option<&'a str>,
    start: Option<u32>,
    end: Option<u32>,
    line: Option<usize>,
    column: Option<usize>,
}

/// A list of diagnostics.
pub(crate) fn diagnostics<'py>(py: Python<'py>, diagnostics: &[Diagnostic]) -> PyResult<Bound<'py, PyAny>> {
    let printed: Vec<_> = diagnostics.iter().map(printed).collect();
    object(py, &printed)
}

fn printed(d: &Diagnostic) -> Printed<'_> {
    let placed = d.text.is_some();
    let (line, column) = d.line_column();
    Printed {
        code: d.code,
        severity: d.severity.to_string(),
        message: &d.message,
        hint: d.hint.as_deref(),
        path: d.path.as_deref(),
        start: placed.then_some(d.span.start),
        end: placed.then_some(d.span.end),
        line: placed.then_some(line),
        column: placed.then_some(column),
    }
}
