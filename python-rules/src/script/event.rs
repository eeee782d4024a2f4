//! Events of a history, as scripts see them.

use std::sync::Arc;

use ensue_engine::pending::Past;
use ensue_rule::{Attr, Value};
use pyo3::exceptions::{PyAttributeError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList};

use crate::value;

/// An event of the history; `None` under an attribute that it does not have.
#[pyclass(frozen, name = "Event", module = "ensue")]
#[derive(Clone, Debug)]
pub(crate) struct PastEvent(pub(crate) Past);

#[pymethods]
impl PastEvent {
    #[getter(actionType)]
    fn action_type(&self) -> &str {
        &self.0.event().action_type
    }

    #[getter]
    fn scene(&self) -> Option<&str> {
        self.0.event().scene.as_deref()
    }

    #[getter]
    fn source(&self) -> &'static str {
        self.0.event().source.as_str()
    }

    /// Milliseconds since 1970.
    #[getter]
    fn ts(&self) -> i64 {
        self.0.ts().0
    }

    #[getter(userId)]
    fn user_id(&self) -> Option<&str> {
        self.0.event().user_id.as_deref()
    }

    #[getter(utcOffsetMin)]
    fn utc_offset_min(&self) -> Option<i32> {
        self.0.event().utc_offset_min
    }

    /// The label that the host gave it.
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::object(py, self.0.event().id.as_ref().unwrap_or(&Value::Null))
    }

    #[getter]
    fn args(&self) -> Args {
        Args(self.0.clone())
    }

    /// The same, as rules for the cloud engine call it.
    #[getter]
    fn extra_info(&self) -> Args {
        self.args()
    }

    /// An attribute by its path: `event["args.price"]`.
    fn __getitem__<'py>(&self, py: Python<'py>, path: String) -> PyResult<Bound<'py, PyAny>> {
        let attr = Attr::try_from(path).map_err(PyKeyError::new_err)?;
        value::object(py, &self.0.value(&attr))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().0.seq() == self.0.seq())
    }

    fn __hash__(&self) -> u64 {
        self.0.seq()
    }

    fn __repr__(&self) -> String {
        let event = self.0.event();
        let scene = event.scene.as_ref().map_or(String::new(), |scene| format!(" {scene}"));
        let args = Value::Map(Arc::new(event.args.clone()));
        format!("<Event {}{scene} at {} {args}>", event.action_type, self.0.ts().0)
    }
}

/// What else an event has, by name; read as attributes (None where there is none) or as a mapping.
#[pyclass(frozen, module = "ensue")]
#[derive(Debug)]
pub(crate) struct Args(Past);

#[pymethods]
impl Args {
    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        if name.starts_with("__") {
            // Python itself asks for these.
            return Err(PyAttributeError::new_err(name.to_owned()));
        }
        value::object(py, self.0.event().args.get(name).unwrap_or(&Value::Null))
    }

    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let found = self.0.event().args.get(name).ok_or_else(|| PyKeyError::new_err(name.to_owned()))?;
        value::object(py, found)
    }

    #[pyo3(signature = (name, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.0.event().args.get(name) {
            Some(found) => value::object(py, found).map(Some),
            None => Ok(default),
        }
    }

    fn __contains__(&self, name: &str) -> bool {
        self.0.event().args.contains_key(name)
    }

    fn __len__(&self) -> usize {
        self.0.event().args.len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.keys(py)?.try_iter()
    }

    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.0.event().args.keys().map(|name| &**name))
    }

    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let values: PyResult<Vec<_>> = self.0.event().args.values().map(|v| value::object(py, v)).collect();
        PyList::new(py, values?)
    }

    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let pair = |(name, v): (&Arc<str>, &Value)| Ok((name.to_string(), value::object(py, v)?));
        let pairs: PyResult<Vec<_>> = self.0.event().args.iter().map(pair).collect();
        PyList::new(py, pairs?)
    }

    fn __repr__(&self) -> String {
        Value::Map(Arc::new(self.0.event().args.clone())).to_string()
    }
}
