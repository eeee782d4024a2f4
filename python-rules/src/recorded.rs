//! What became of a recorded event.

use ensue_engine::Recorded as Core;
use pyo3::prelude::*;

/// What became of a recorded event; true where nothing was lost.
#[pyclass(frozen, module = "ensue")]
#[derive(Debug)]
pub(crate) struct Recorded {
    /// `queued`, `unwanted`, `full`, `rejected`, `opted_out` or `closed`.
    #[pyo3(get)]
    status: &'static str,
    /// Why it is rejected.
    #[pyo3(get)]
    reason: Option<String>,
}

#[pymethods]
impl Recorded {
    fn __bool__(&self) -> bool {
        matches!(self.status, "queued" | "unwanted")
    }

    fn __repr__(&self) -> String {
        match &self.reason {
            None => format!("Recorded({})", self.status),
            Some(reason) => format!("Recorded({}: {reason})", self.status),
        }
    }
}

/// The answers without a reason, made once.
#[derive(Debug)]
pub(crate) struct Answers {
    queued: Py<Recorded>,
    unwanted: Py<Recorded>,
    full: Py<Recorded>,
    opted_out: Py<Recorded>,
    closed: Py<Recorded>,
}

impl Answers {
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        let plain = |status| Py::new(py, Recorded { status, reason: None });
        Ok(Self {
            queued: plain("queued")?,
            unwanted: plain("unwanted")?,
            full: plain("full")?,
            opted_out: plain("opted_out")?,
            closed: plain("closed")?,
        })
    }

    pub(crate) fn of(&self, py: Python<'_>, recorded: Core) -> PyResult<Py<Recorded>> {
        Ok(match recorded {
            Core::Queued => self.queued.clone_ref(py),
            Core::Unwanted => self.unwanted.clone_ref(py),
            Core::Full => self.full.clone_ref(py),
            Core::OptedOut => self.opted_out.clone_ref(py),
            Core::Closed => self.closed.clone_ref(py),
            Core::Rejected(reason) => return rejected(py, reason.as_str().to_owned()),
        })
    }
}

pub(crate) fn rejected(py: Python<'_>, reason: String) -> PyResult<Py<Recorded>> {
    Py::new(py, Recorded { status: "rejected", reason: Some(reason) })
}
