//! Recording, in whatever form Python gives an event: its parts by name, an object, or JSON.
//!
//! Where nothing waits the interpreter is kept: the call is shorter than handing it over, and another thread would make it
//! wait. What is wrong with an event is an answer, and raises nothing.

use ensue_engine::{Feedback, Recorded as Core};
use ensue_rule::{EventRef, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::engine::Engine;
use crate::event::{self, Unfit};
use crate::recorded::{Recorded, rejected};

impl Engine {
    /// An event by its parts.
    pub(crate) fn record_parts(
        &self,
        py: Python<'_>,
        action_type: &Bound<'_, PyAny>,
        scene: Option<&Bound<'_, PyAny>>,
        args: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<Recorded>> {
        let texts = || {
            let action_type = event::text(action_type).map_err(|unfit| format!("`actionType`: {unfit}"))?;
            let scene = scene.map(event::text).transpose().map_err(|unfit| format!("`scene`: {unfit}"))?;
            Ok((action_type, scene))
        };
        match texts() {
            Ok((action_type, scene)) => {
                let head = EventRef { action_type, scene, ..EventRef::default() };
                self.record_reading(py, &head, args, false)
            }
            Err(unfit) => self.refuse(py, unfit),
        }
    }

    /// An event, or feedback, in its JSON form: an object, or text. Durable: waits until it is on the disk.
    pub(crate) fn record_form(
        &self,
        py: Python<'_>,
        given: &Bound<'_, PyAny>,
        durable: bool,
    ) -> PyResult<Py<Recorded>> {
        if let Ok(line) = given.cast::<PyBytes>() {
            return self.record_line(py, line.as_bytes(), durable);
        }
        if given.is_instance_of::<PyString>() {
            return match event::text(given) {
                Ok(line) => self.record_line(py, line.as_bytes(), durable),
                Err(unfit) => self.refuse(py, unfit),
            };
        }
        let Some(object) = event::object(given) else {
            let found = event::type_name(given);
            return self.refuse(py, format!("an event is an object, or JSON as str or bytes, not {found}"));
        };
        let keys: Vec<_> = object.iter().collect();
        let (mut draft, args) = event::draft(&keys);
        match draft.finish() {
            Ok(None) => draft.lend(|head| self.record_reading(py, head, args.as_ref(), durable)),
            Ok(Some(feedback)) => self.record_line(py, line_of(&feedback).as_bytes(), durable),
            Err(bad) => self.refuse(py, bad.to_string()),
        }
    }

    fn record_line(&self, py: Python<'_>, line: &[u8], durable: bool) -> PyResult<Py<Recorded>> {
        let record = || self.core.record_json(line);
        let recorded = if durable {
            self.wait(py, |core| core.record_durable_json(line))?
        } else if self.replay {
            py.detach(record)
        } else {
            record()
        };
        self.said(py, recorded.map_err(|bad| bad.to_string()))
    }

    /// An event whose attributes are read where some task wants it; all of them where the interpreter is let go: in replay a
    /// full queue waits for the worker, which may need the interpreter to get on.
    fn record_reading(
        &self,
        py: Python<'_>,
        head: &EventRef<'_>,
        args: Option<&Bound<'_, PyDict>>,
        durable: bool,
    ) -> PyResult<Py<Recorded>> {
        if !durable && !self.replay {
            return self.said(py, self.core.record_reading(head, |attributes| event::read(args, attributes)));
        }
        let args = match event::all(args) {
            Ok(args) => args,
            Err(unfit) => return self.refuse(py, unfit),
        };
        let args: Vec<(&str, Value)> = args.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let event = EventRef { args: &args, ..*head };
        let recorded = if durable {
            self.wait(py, |core| core.record_durable(&event))?
        } else {
            py.detach(|| self.core.record(&event))
        };
        self.answers.of(py, recorded)
    }

    /// What the engine said of an event; what it could not read it has counted.
    fn said(&self, py: Python<'_>, recorded: Result<Core, Unfit>) -> PyResult<Py<Recorded>> {
        match recorded {
            Ok(recorded) => self.answers.of(py, recorded),
            Err(unfit) => rejected(py, unfit),
        }
    }

    fn refuse(&self, py: Python<'_>, reason: Unfit) -> PyResult<Py<Recorded>> {
        self.core.reject();
        rejected(py, reason)
    }
}

/// Feedback as a line of JSON.
fn line_of(feedback: &Feedback) -> String {
    let Feedback { decision, kind, ts, .. } = feedback;
    serde_json::json!({"feedback": kind.as_str(), "decision": &**decision, "ts": ts.map(|t| t.0)}).to_string()
}
