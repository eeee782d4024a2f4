//! The engine as Python sees it.

use std::path::PathBuf;
use std::sync::Arc;

use ensue_dsl::ReadOptions;
use ensue_engine::{Config, Consent, Error, OpenReport, Outcome, Place, Question, Whose};
use ensue_rule::{Duration, Timestamp};
use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{self, guarded};
use crate::json;
use crate::listener::{Callbacks, Deliverer, Slot};
use crate::recorded::{Answers, Recorded};
use crate::report::{Applied, Opened};
use crate::script::Host;

/// For how long events stay at least and at most, in ms; how many of them; how many bytes.
type Kept = (Option<i64>, Option<i64>, Option<u64>, Option<u64>);

/// Runs tasks over events.
#[pyclass(frozen, subclass, module = "ensue._ensue")]
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) core: ensue_engine::Engine,
    opened: OpenReport,
    /// In replay a full queue makes the caller wait.
    pub(crate) replay: bool,
    slot: Arc<Slot>,
    pub(crate) answers: Answers,
    /// The scripts that tasks may name.
    host: Option<Arc<Host>>,
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (path=None, *, lateness_ms=None, session_gap_ms=None, window_ms=None, queue=None, early=None,
                        event_bytes=None, users=None, retention=None, replay=false, scripts=None))]
    #[allow(clippy::too_many_arguments, reason = "they are named in Python")]
    fn new(
        py: Python<'_>,
        path: Option<PathBuf>,
        lateness_ms: Option<i64>,
        session_gap_ms: Option<i64>,
        window_ms: Option<i64>,
        queue: Option<usize>,
        early: Option<usize>,
        event_bytes: Option<usize>,
        users: Option<usize>,
        retention: Option<Kept>,
        replay: bool,
        scripts: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guarded(py, || {
            let host = scripts.map(Host::new).transpose()?;
            let mut config = self::config(path, lateness_ms, session_gap_ms);
            config.limits.default_window = window_ms.map_or(config.limits.default_window, Duration);
            config.queue = queue.unwrap_or(config.queue);
            config.early = early.unwrap_or(config.early);
            config.event_bytes = event_bytes.unwrap_or(config.event_bytes);
            config.users = users.unwrap_or(config.users);
            let mut config = if replay { config.replay() } else { config };
            config.scripts = host.clone().map(|host| host as Arc<dyn ensue_engine::Scripts>);
            if let Some((at_least, age, rows, bytes)) = retention {
                let kept = &mut config.retention;
                kept.at_least = at_least.map_or(kept.at_least, Duration);
                kept.age = age.map_or(kept.age, Duration);
                kept.rows = rows.unwrap_or(kept.rows);
                kept.bytes = bytes.unwrap_or(kept.bytes);
            }
            let opened = py.detach(|| {
                let core = ensue_engine::Engine::open(config)?;
                core.ready().map(|opened| (core, opened))
            });
            let (core, opened) = opened.map_err(|e| error::engine(py, &e))?;
            let answers = Answers::new(py)?;
            Ok(Self { core, opened, replay, slot: Arc::default(), answers, host })
        })
    }

    /// How opening went.
    #[getter]
    fn opened<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guarded(py, || json::object(py, &Opened::of(&self.opened)))
    }

    fn _apply<'py>(&self, py: Python<'py>, tasks: &str) -> PyResult<Bound<'py, PyAny>> {
        guarded(py, || {
            let sets = ensue_dsl::read_documents(tasks.as_bytes(), &options(self.host.as_ref()));
            let sets = sets.map_err(|d| error::tasks(py, &d))?;
            let report = self.wait(py, move |core| core.apply(sets))?;
            json::object(py, &Applied::of(&report))
        })
    }

    /// Takes an event. It neither waits nor raises for what is wrong with the event: it says what became of it.
    #[pyo3(signature = (action_type, scene=None, **args))]
    fn record(
        &self,
        py: Python<'_>,
        action_type: &Bound<'_, PyAny>,
        scene: Option<&Bound<'_, PyAny>>,
        args: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<Recorded>> {
        guarded(py, || self.record_parts(py, action_type, scene, args))
    }

    /// Takes an event in its JSON form, as an object or as text; as `record` it says what became of it.
    fn record_event(&self, py: Python<'_>, event: &Bound<'_, PyAny>) -> PyResult<Py<Recorded>> {
        guarded(py, || self.record_form(py, event, false))
    }

    /// Takes an event as `record_event` does, and waits until it and all before it are on the disk.
    fn record_durable(&self, py: Python<'_>, event: &Bound<'_, PyAny>) -> PyResult<Py<Recorded>> {
        guarded(py, || self.record_form(py, event, true))
    }

    /// Whose the later events without a user are; None: the anonymous user's.
    fn identify(&self, py: Python<'_>, user: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        guarded(py, || {
            self.core.identify(named(user)?.as_deref());
            Ok(())
        })
    }

    /// Erases all that is of a user (None: the anonymous one), also from the file, and waits until that is done.
    fn forget(&self, py: Python<'_>, user: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        guarded(py, || {
            let user = named(user)?;
            self.wait(py, move |core| core.forget(user.as_deref()))
        })
    }

    /// Erases all that is of any user and takes nothing from now on, also after a restart, until `opt_in`.
    fn opt_out(&self, py: Python<'_>) -> PyResult<()> {
        guarded(py, || self.wait(py, ensue_engine::Engine::opt_out))
    }

    /// Takes events again, with no history.
    fn opt_in(&self, py: Python<'_>) -> PyResult<()> {
        guarded(py, || self.wait(py, ensue_engine::Engine::opt_in))
    }

    fn _export_user(&self, py: Python<'_>, user: Option<&Bound<'_, PyAny>>) -> PyResult<String> {
        guarded(py, || {
            let user = named(user)?;
            self.wait(py, move |core| core.export_user(user.as_deref()))
        })
    }

    /// Why there is a decision, or a refusal: JSON, and text.
    fn _why(&self, py: Python<'_>, id: &str) -> PyResult<(String, String)> {
        guarded(py, || {
            let why = self.wait(py, |core| core.why(id))?;
            Ok((why.to_json(), why.text()))
        })
    }

    /// Why there is none, of each task asked about: JSON, and text.
    #[allow(clippy::too_many_arguments, reason = "they are named in Python")]
    fn _why_not(
        &self,
        py: Python<'_>,
        task: Option<&str>,
        everyone: bool,
        user: Option<&Bound<'_, PyAny>>,
        since_ms: Option<i64>,
    ) -> PyResult<Vec<(String, String)>> {
        guarded(py, || {
            let user = if everyone { Whose::Everyone } else { Whose::User(named(user)?.map(Arc::from)) };
            let (task, since) = (task.map(Arc::from), since_ms.map(Timestamp));
            let question = Question { task, user, since, wording: ensue_dsl::format_expr };
            let answers = self.wait(py, move |core| core.why_not(question))?;
            Ok(answers.iter().map(|a| (a.to_json(), a.text())).collect())
        })
    }

    /// What may leave and was not fetched yet: JSON, cursor, whether there is more.
    fn _drain(&self, py: Python<'_>, since: Option<&str>, max_bytes: usize) -> PyResult<(String, String, bool)> {
        guarded(py, || {
            let batch = self.wait(py, |core| core.drain(since, max_bytes))?;
            Ok((batch.json, batch.cursor, batch.more))
        })
    }

    /// Whether decisions, feedback and counters may leave.
    fn _consent(&self, py: Python<'_>) -> PyResult<(bool, bool, bool)> {
        guarded(py, || {
            let c = self.wait(py, ensue_engine::Engine::consent)?;
            Ok((c.decisions, c.feedback, c.counters))
        })
    }

    fn _set_consent(&self, py: Python<'_>, decisions: bool, feedback: bool, counters: bool) -> PyResult<()> {
        guarded(py, || self.wait(py, |core| core.set_consent(Consent { decisions, feedback, counters })))
    }

    fn _stats_report(&self, py: Python<'_>) -> PyResult<String> {
        guarded(py, || self.wait(py, ensue_engine::Engine::stats_report))
    }

    /// Begins the counters of all tasks anew.
    fn reset_stats(&self, py: Python<'_>) -> PyResult<()> {
        guarded(py, || self.wait(py, ensue_engine::Engine::reset_stats))
    }

    /// Waits until all that was recorded before is committed.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        guarded(py, || self.wait(py, ensue_engine::Engine::flush))
    }

    /// Moves the time of all users to `ms` and waits until what that completes is committed.
    fn advance_to(&self, py: Python<'_>, ms: i64) -> PyResult<()> {
        guarded(py, || self.wait(py, |core| core.advance_to(Timestamp(ms))))
    }

    /// When something is next due, in ms; None: never, as things are, and never where the engine is closed.
    fn next_wakeup(&self, py: Python<'_>) -> PyResult<Option<i64>> {
        guarded(py, || Ok(self.core.next_wakeup().map(|t| t.0)))
    }

    fn _decisions<'py>(&self, py: Python<'py>, limit: Option<usize>) -> PyResult<Bound<'py, PyAny>> {
        guarded(py, || {
            let waiting = self.wait(py, |core| core.decisions(limit.unwrap_or(usize::MAX)))?;
            let waiting: Vec<_> = waiting.into_iter().map(Outcome::Decision).collect();
            json::object(py, &waiting)
        })
    }

    fn _ack(&self, py: Python<'_>, ids: Vec<String>) -> PyResult<usize> {
        guarded(py, || {
            self.wait(py, move |core| {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                core.ack(&ids)
            })
        })
    }

    /// Who is called from now on, on a thread of the engine: `callback` with each decision, `on_store` with how the store is
    /// when that changes, `on_unknown_feedback` with each feedback to an id that no decision has; None: nobody.
    #[pyo3(signature = (callback, on_store=None, on_unknown_feedback=None))]
    fn set_listener(
        &self,
        py: Python<'_>,
        callback: Option<Py<PyAny>>,
        on_store: Option<Py<PyAny>>,
        on_unknown_feedback: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        guarded(py, || {
            let callbacks = Callbacks { decision: callback, store: on_store, stranger: on_unknown_feedback };
            let some = callbacks.is_some();
            drop(self.slot.put(callbacks));
            let deliverer = || -> Arc<dyn ensue_engine::Listener> { Arc::new(Deliverer(self.slot.clone())) };
            let listener = some.then(deliverer);
            py.detach(|| self.core.set_listener(listener));
            Ok(())
        })
    }

    /// Says what became of a decision.
    fn _feedback(&self, py: Python<'_>, decision: &str, kind: &str, ts_ms: Option<i64>) -> PyResult<Py<Recorded>> {
        guarded(py, || {
            let Some(kind) = ensue_engine::FeedbackKind::from_name(kind) else {
                let known = ensue_engine::FeedbackKind::ALL.map(ensue_engine::FeedbackKind::as_str).join(", ");
                return Err(PyValueError::new_err(format!("`{kind}` is no feedback: {known}")));
            };
            let tell = || self.core.feedback(decision, kind, ts_ms.map(Timestamp));
            let recorded = if self.replay { py.detach(tell) } else { tell() };
            self.answers.of(py, recorded)
        })
    }

    /// The counters.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, || {
            let dict = PyDict::new(py);
            self.core.stats().by_name().try_for_each(|(name, count)| dict.set_item(name, count))?;
            Ok(dict)
        })
    }

    /// Commits what was recorded and ends; every later call finds the engine closed. A callback under way is waited for.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        guarded(py, || {
            py.detach(|| self.core.shutdown());
            drop(self.slot.put(Callbacks::default()));
            py.detach(|| self.slot.wait());
            Ok(())
        })
    }

    #[allow(clippy::needless_pass_by_value, reason = "the shape that PyO3 asks for")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.slot.visit(|callback| visit.call(callback))
    }

    fn __clear__(&self) {
        drop(self.slot.put(Callbacks::default()));
    }
}

impl Engine {
    pub(crate) fn wait<T: Send>(
        &self,
        py: Python<'_>,
        ask: impl FnOnce(&ensue_engine::Engine) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        py.detach(|| ask(&self.core)).map_err(|e| error::engine(py, &e))
    }
}

/// A user by their name; a number is its digits.
fn named(user: Option<&Bound<'_, PyAny>>) -> PyResult<Option<String>> {
    let user = user.map(PyAnyMethods::str).transpose()?;
    user.as_ref().map(|name| name.to_cow().map(std::borrow::Cow::into_owned)).transpose()
}

/// The worker may wait for a callback, and that for the interpreter.
impl Drop for Engine {
    fn drop(&mut self) {
        if Python::try_attach(|py| py.detach(|| self.core.shutdown())).is_none() {
            self.core.shutdown();
        }
    }
}

/// The defaults, with what is given put in.
pub(crate) fn config(path: Option<PathBuf>, lateness_ms: Option<i64>, session_gap_ms: Option<i64>) -> Config {
    let defaults = Config::in_memory();
    Config {
        place: path.map_or(Place::Memory, Place::at),
        lateness: lateness_ms.map_or(defaults.lateness, Duration),
        session_gap: session_gap_ms.map_or(defaults.session_gap, Duration),
        ..defaults
    }
}

/// How documents are read where these scripts run.
pub(crate) fn options(host: Option<&Arc<Host>>) -> ReadOptions {
    let scripts = host.map(|host| host.clone() as Arc<dyn ensue_dsl::Scripts>);
    ReadOptions { scripts, ..ReadOptions::default() }
}
