//! What `ctx.match` finds.

use std::sync::Arc;

use ensue_engine::pending::{Answered, Call};
use ensue_rule::Value;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::event::PastEvent;
use crate::value;

/// A match of a pattern over the history: stages with their events, and values, which may be added to.
#[pyclass(frozen, module = "ensue")]
#[derive(Debug)]
pub(crate) struct Match {
    found: Answered,
    call: Arc<Call>,
    values: Py<PyDict>,
}

impl Match {
    pub(crate) fn new(py: Python<'_>, found: Answered, call: Arc<Call>) -> PyResult<Self> {
        let values = value::dict(py, found.values())?.unbind();
        Ok(Self { found, call, values })
    }

    /// The answer that it is, with the values that it has now.
    pub(crate) fn answered(&self, values: Vec<(Arc<str>, Value)>) -> Answered {
        self.found.clone().with_values(values)
    }

    pub(crate) fn is_of(&self, call: &Arc<Call>) -> bool {
        Arc::ptr_eq(&self.call, call)
    }

    fn events(&self, seqs: &[u64]) -> Vec<PastEvent> {
        seqs.iter().filter_map(|seq| self.call.history.event(*seq)).map(PastEvent).collect()
    }
}

#[pymethods]
impl Match {
    /// Stage names with their events; unbound stages are left out.
    #[getter]
    fn bindings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (stage, seqs) in self.found.bindings() {
            dict.set_item(&**stage, self.events(seqs))?;
        }
        Ok(dict)
    }

    /// What the pattern returns, and what is added here.
    #[getter]
    pub(crate) fn values<'py>(&self, py: Python<'py>) -> Bound<'py, PyDict> {
        self.values.bind(py).clone()
    }

    /// This match with values added: `m.returns(views=len(m["v"]))`.
    #[pyo3(signature = (**values))]
    fn returns<'py>(slf: Bound<'py, Self>, values: Option<&Bound<'py, PyDict>>) -> PyResult<Bound<'py, Self>> {
        if let Some(values) = values {
            slf.get().values.bind(slf.py()).update(values.as_mapping())?;
        }
        Ok(slf)
    }

    /// The events of a stage; an empty list where it is not bound.
    fn __getitem__<'py>(&self, py: Python<'py>, stage: &str) -> PyResult<Bound<'py, PyList>> {
        if stage.is_empty() {
            return Err(PyKeyError::new_err("a stage has a name"));
        }
        let bound = self.found.bindings().iter().find(|(name, _)| **name == *stage);
        PyList::new(py, bound.map(|(_, seqs)| self.events(seqs)).unwrap_or_default())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let stages = self.found.bindings().iter().map(|(stage, seqs)| format!("{stage}={}", seqs.len()));
        Ok(format!("<Match {} {}>", stages.collect::<Vec<_>>().join(" "), self.values.bind(py).repr()?))
    }
}
