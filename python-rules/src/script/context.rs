//! What a script is handed.

use std::sync::{Arc, Mutex, PoisonError};

use ensue_engine::pending::Call;
use ensue_rule::Rule;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::event::PastEvent;
use super::history::History;
use super::matched::Match;
use crate::error;
use crate::rules;

/// Rules that are kept read.
const KEPT: usize = 32;

/// Rules that scripts have matched, by the object that they gave: a text or a pattern, which never change.
#[derive(Debug, Default)]
pub(crate) struct Rules(Mutex<Vec<(Py<PyAny>, Arc<Rule>)>>);

/// What a script may look at, and what it says: the trigger, the history before it, the matcher over that.
#[pyclass(frozen, module = "ensue")]
#[derive(Debug)]
pub(crate) struct Context {
    call: Arc<Call>,
    rules: Arc<Rules>,
    values: Py<PyDict>,
}

impl Context {
    pub(super) fn new(py: Python<'_>, call: Arc<Call>, rules: Arc<Rules>) -> Self {
        Self { call, rules, values: PyDict::new(py).unbind() }
    }
}

#[pymethods]
impl Context {
    /// The event at which the script is asked.
    #[getter]
    fn trigger(&self) -> PastEvent {
        PastEvent(self.call.trigger.clone())
    }

    /// What passed the task's filter in its window, oldest first, the trigger last if it is among it.
    #[getter]
    fn history(&self) -> History {
        History::new(self.call.clone(), None)
    }

    /// What a match that is returned as True says.
    #[getter]
    pub(crate) fn values<'py>(&self, py: Python<'py>) -> Bound<'py, PyDict> {
        self.values.bind(py).clone()
    }

    /// The task's id.
    #[getter]
    fn task(&self) -> &str {
        &self.call.task
    }

    /// Whose events these are; None: the anonymous user's, or all of the device.
    #[getter]
    fn user(&self) -> Option<&str> {
        self.call.user.as_deref()
    }

    /// What a rule (a Pattern, text, or compiled) finds in the history, as a look-back would; absences are judged at the trigger.
    #[pyo3(name = "match")]
    fn find(&self, py: Python<'_>, rule: &Bound<'_, PyAny>) -> PyResult<Vec<Match>> {
        let rule = self.rules.read(py, rule)?;
        let found = py.detach(|| self.call.history.find(&rule)).map_err(|e| error::engine(py, &e))?;
        let found = found.map_err(|why| error::refused_rule(py, &why))?;
        found.into_iter().map(|one| Match::new(py, one, self.call.clone())).collect()
    }

    fn __repr__(&self) -> String {
        format!("<Context of {} at {}>", self.call.task, self.call.trigger.ts().0)
    }
}

impl Rules {
    fn read(&self, py: Python<'_>, given: &Bound<'_, PyAny>) -> PyResult<Arc<Rule>> {
        if let Some(rule) = self.known(py, given) {
            return Ok(rule);
        }
        let read = if let Ok(text) = given.cast::<PyString>() {
            rules::read_text(&text.to_cow()?, "ensue").map(|(rule, _)| rule)
        } else {
            let compiled = match given.hasattr("to_rule")? {
                true => given.call_method0("to_rule")?,
                false if given.is_instance_of::<PyDict>() => given.clone(),
                false => return Err(PyTypeError::new_err("a Pattern, the text of a rule, or a compiled rule")),
            };
            let json: String = py.import("ensue._json")?.call_method1("dumps", (compiled,))?.extract()?;
            rules::read_rule(&json)
        };
        let rule = Arc::new(read.map_err(|found| error::rule(py, &found))?);
        if !given.is_instance_of::<PyDict>() {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= KEPT {
                kept.remove(0);
            }
            kept.push((given.clone().unbind(), rule.clone()));
        }
        Ok(rule)
    }

    fn known(&self, py: Python<'_>, given: &Bound<'_, PyAny>) -> Option<Arc<Rule>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |(of, _): &&(Py<PyAny>, Arc<Rule>)| of.bind(py).is(given);
        kept.iter().find(same).map(|(_, rule)| rule.clone())
    }
}
