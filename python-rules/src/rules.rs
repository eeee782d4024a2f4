//! Rules between text, compiled JSON and Python.

use ensue_dsl::Diagnostic;
use ensue_rule::{Dialect, Rule};
use pyo3::prelude::*;

use crate::engine::options;
use crate::error::{self, guarded};
use crate::json;
use crate::script::Host;

/// The compiled rule of a text, and the warnings.
#[pyfunction]
pub(crate) fn compile_text<'py>(
    py: Python<'py>,
    text: &str,
    dialect: &str,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    guarded(py, || {
        let (rule, diagnostics) = read_text(text, dialect).map_err(|d| error::rule(py, &d))?;
        Ok((json::object(py, &rule)?, json::diagnostics(py, &diagnostics)?))
    })
}

/// A compiled rule checked as its text is checked: the rule with every condition at its stage.
#[pyfunction]
pub(crate) fn compile_rule<'py>(py: Python<'py>, rule: &str) -> PyResult<Bound<'py, PyAny>> {
    guarded(py, || {
        let rule = read_rule(rule).map_err(|d| error::rule(py, &d))?;
        json::object(py, &rule)
    })
}

/// The canonical text of a text; comments are kept.
#[pyfunction]
pub(crate) fn format_text(py: Python<'_>, text: &str) -> PyResult<String> {
    guarded(py, || ensue_dsl::format_text(text).map_err(|d| error::rule(py, &d)))
}

/// The canonical text of a compiled rule.
#[pyfunction]
pub(crate) fn format_rule(py: Python<'_>, rule: &str) -> PyResult<String> {
    guarded(py, || read_rule(rule).map(|rule| ensue_dsl::format(&rule)).map_err(|d| error::rule(py, &d)))
}

/// The automaton of a compiled rule, in Graphviz's dot.
#[pyfunction]
pub(crate) fn automaton_dot(py: Python<'_>, rule: &str) -> PyResult<String> {
    guarded(py, || {
        let rule = read_rule(rule).map_err(|d| error::rule(py, &d))?;
        let program = ensue_matcher::Program::compile(&rule, &ensue_engine::Limits::default());
        program.map(|program| program.dot()).map_err(|e| error::refused_rule(py, &e.to_string()))
    })
}

/// All that there is to say about a rule text.
#[pyfunction]
pub(crate) fn check_rule<'py>(py: Python<'py>, text: &str, dialect: &str) -> PyResult<Bound<'py, PyAny>> {
    guarded(py, || json::diagnostics(py, &ensue_dsl::check(text, self::dialect(dialect), None).diagnostics))
}

/// All that there is to say about task documents.
#[pyfunction]
#[pyo3(signature = (tasks, scripts=None))]
pub(crate) fn check_tasks<'py>(
    py: Python<'py>,
    tasks: &str,
    scripts: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    guarded(py, || {
        let host = scripts.map(Host::new).transpose()?;
        let checked = ensue_dsl::check_documents(tasks.as_bytes(), &options(host.as_ref()));
        json::diagnostics(py, &checked.diagnostics)
    })
}

/// The milliseconds of a duration as the rule language writes it.
#[pyfunction]
pub(crate) fn duration_ms(py: Python<'_>, text: &str) -> PyResult<i64> {
    guarded(py, || {
        let alone = text.chars().all(|c| c.is_ascii_alphanumeric() || c.is_ascii_whitespace());
        let text = if alone { format!("EVENT: a WITHIN {text}") } else { "EVENT: a WITHIN".to_owned() };
        let compiled = ensue_dsl::compile(&text, Dialect::Ensue);
        let within = compiled.rule.as_ref().and_then(|rule| rule.within);
        within.map(|w| w.duration.0).ok_or_else(|| error::rule(py, &compiled.diagnostics))
    })
}

/// `flink` is flink-cep's default after a match; anything else is ours.
pub(crate) fn dialect(name: &str) -> Dialect {
    if name == "flink" { Dialect::Flink } else { Dialect::Ensue }
}

/// The rule of a text with its warnings, or all that is wrong with it.
pub(crate) fn read_text(text: &str, dialect: &str) -> Result<(Rule, Vec<Diagnostic>), Vec<Diagnostic>> {
    let compiled = ensue_dsl::compile(text, self::dialect(dialect));
    match compiled.rule {
        Some(rule) => Ok((rule, compiled.diagnostics)),
        None => Err(compiled.diagnostics),
    }
}

/// A compiled rule, which passes the checks of its text.
pub(crate) fn read_rule(json: &str) -> Result<Rule, Vec<Diagnostic>> {
    ensue_dsl::read_compiled(json.as_bytes()).map(|(rule, _)| rule)
}
