//! The history of a call as a sequence that is read from its end.

use std::sync::{Arc, Mutex, PoisonError};

use ensue_engine::pending::{Call, Past};
use pyo3::exceptions::{PyIndexError, PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PySlice};

use super::event::PastEvent;
use crate::error;

/// What passed the task's filter before the trigger, oldest first; or of that what has an alias. Nothing of it is read before it
/// is asked for, and the end first: `history[-1]` costs the same however long it is.
#[pyclass(frozen, module = "ensue")]
#[derive(Debug)]
pub(crate) struct History {
    call: Arc<Call>,
    alias: Option<Arc<str>>,
    /// With an alias: how far from the end those are that have it, and how many events were looked at.
    called: Mutex<(Vec<usize>, usize)>,
}

impl History {
    pub(crate) fn new(call: Arc<Call>, alias: Option<Arc<str>>) -> Self {
        Self { call, alias, called: Mutex::default() }
    }

    /// The `n`th event of the call from the end.
    fn back(&self, py: Python<'_>, n: usize) -> PyResult<Option<Past>> {
        if let Some(past) = self.call.history.at_hand(n) {
            return Ok(Some(past));
        }
        py.detach(|| self.call.history.back(n)).map_err(|e| error::engine(py, &e))
    }

    /// The `n`th event from the end, of those with the alias.
    fn newest(&self, py: Python<'_>, n: usize) -> PyResult<Option<Past>> {
        let Some(alias) = &self.alias else { return self.back(py, n) };
        loop {
            let (known, next) = {
                let called = self.called.lock().unwrap_or_else(PoisonError::into_inner);
                (called.0.get(n).copied(), called.1)
            };
            if let Some(known) = known {
                return self.back(py, known);
            }
            let Some(past) = self.back(py, next)? else { return Ok(None) };
            let has = self.call.history.is_called(&past, alias);
            let mut called = self.called.lock().unwrap_or_else(PoisonError::into_inner);
            // Another thread may have come by.
            if called.1 == next {
                called.1 += 1;
                called.0.extend(has.then_some(next));
            }
        }
    }

    fn size(&self, py: Python<'_>) -> PyResult<usize> {
        if self.alias.is_none() {
            return py.detach(|| self.call.history.len()).map_err(|e| error::engine(py, &e));
        }
        self.newest(py, usize::MAX)?;
        Ok(self.called.lock().unwrap_or_else(PoisonError::into_inner).0.len())
    }

    /// The `n`th from the beginning, of `size`.
    fn oldest(&self, py: Python<'_>, n: usize, size: usize) -> PyResult<Option<Past>> {
        match size.checked_sub(n + 1) {
            Some(n) => self.newest(py, n),
            None => Ok(None),
        }
    }

    fn at(&self, py: Python<'_>, index: isize) -> PyResult<PastEvent> {
        let found = match usize::try_from(index) {
            Ok(n) => self.oldest(py, n, self.size(py)?)?,
            Err(_) => self.newest(py, index.unsigned_abs() - 1)?,
        };
        found.map(PastEvent).ok_or_else(|| PyIndexError::new_err("the history is not so long"))
    }

    fn called(&self, alias: &str) -> PyResult<Self> {
        let known: Vec<&str> = self.call.history.aliases().map(|a| &**a).collect();
        if !known.contains(&alias) || self.alias.is_some() {
            let known = known.join(", ");
            return Err(PyKeyError::new_err(format!("the filter has no alias {alias}; it has: {known}")));
        }
        Ok(Self::new(self.call.clone(), Some(alias.into())))
    }
}

#[pymethods]
impl History {
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.size(py)
    }

    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.newest(py, 0)?.is_some())
    }

    /// By index, from either end; a list by slice; what has an alias by its name.
    fn __getitem__<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(index) = key.extract::<isize>() {
            return Ok(Bound::new(py, self.at(py, index)?)?.into_any());
        }
        if let Ok(alias) = key.extract::<String>() {
            return Ok(Bound::new(py, self.called(&alias)?)?.into_any());
        }
        let slice = key.cast::<PySlice>().map_err(|_| PyTypeError::new_err("an index, a slice or an alias"))?;
        let size = self.size(py)?;
        let part = slice.indices(isize::try_from(size).unwrap_or(isize::MAX))?;
        let mut events = Vec::with_capacity(part.slicelength);
        let mut at = part.start;
        for _ in 0..part.slicelength {
            let n = usize::try_from(at).unwrap_or_default();
            events.extend(self.oldest(py, n, size)?.map(PastEvent));
            at += part.step;
        }
        Ok(PyList::new(py, events)?.into_any())
    }

    fn __iter__(slf: &Bound<'_, Self>) -> PyResult<Events> {
        let left = slf.get().size(slf.py())?;
        Ok(Events { history: slf.clone().unbind(), next: Mutex::new(left), backward: false })
    }

    /// From the end: reads only as far as it comes.
    fn __reversed__(slf: &Bound<'_, Self>) -> Events {
        Events { history: slf.clone().unbind(), next: Mutex::new(0), backward: true }
    }

    /// Up to which times (ms) events of the window were lost. Where there are any, that something is not here says nothing.
    #[getter]
    fn lost(&self, py: Python<'_>) -> PyResult<Vec<i64>> {
        let lost = py.detach(|| self.call.history.lost()).map_err(|e| error::engine(py, &e))?;
        Ok(lost.into_iter().map(|ts| ts.0).collect())
    }

    fn __repr__(&self) -> String {
        let of = self.alias.as_ref().map_or(String::new(), |alias| format!(" of {alias}"));
        format!("<History{of} before {}>", self.call.trigger.ts().0)
    }
}

/// The events of a history one after another.
#[pyclass(frozen, module = "ensue._ensue")]
#[derive(Debug)]
pub(crate) struct Events {
    history: Py<History>,
    /// Backward: how many were given; forward: how many are left.
    next: Mutex<usize>,
    backward: bool,
}

#[pymethods]
impl Events {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PastEvent>> {
        let n = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let n = if self.backward { Some(*next) } else { next.checked_sub(1) };
            *next = if self.backward { *next + 1 } else { next.saturating_sub(1) };
            n
        };
        let Some(n) = n else { return Ok(None) };
        Ok(self.history.get().newest(py, n)?.map(PastEvent))
    }
}
