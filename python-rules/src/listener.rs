//! Callbacks of Python as the engine's listener.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use ensue_engine::{Decision, Feedback, Listener, Outcome, StoreReport, StoreState};
use pyo3::prelude::*;
use serde::Serialize;

use crate::json;

/// Who is called, shared by the Python object and the engine's thread.
///
/// Nobody waits for the interpreter while holding its lock.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    state: Mutex<State>,
    idle: Condvar,
}

/// Callables of the host.
#[derive(Debug, Default)]
pub(crate) struct Callbacks {
    /// Is called with each decision.
    pub(crate) decision: Option<Py<PyAny>>,
    /// Is called with how the store is, when that changes.
    pub(crate) store: Option<Py<PyAny>>,
    /// Is called with each feedback to an id that no decision has.
    pub(crate) stranger: Option<Py<PyAny>>,
}

impl Callbacks {
    /// Whether there is any.
    pub(crate) fn is_some(&self) -> bool {
        self.all().next().is_some()
    }

    fn all(&self) -> impl Iterator<Item = &Py<PyAny>> {
        [&self.decision, &self.store, &self.stranger].into_iter().flatten()
    }
}

#[derive(Debug, Default)]
struct State {
    callbacks: Callbacks,
    /// The thread that delivers at this moment.
    busy: Option<ThreadId>,
}

impl Slot {
    /// Puts other callbacks in place; gives those before, to be dropped by who holds the interpreter.
    pub(crate) fn put(&self, callbacks: Callbacks) -> Callbacks {
        std::mem::replace(&mut self.lock().callbacks, callbacks)
    }

    /// Waits, without the interpreter, until a delivery under way is over; not one that this very call comes from.
    pub(crate) fn wait(&self) {
        let here = std::thread::current().id();
        let mut state = self.lock();
        while state.busy.is_some_and(|busy| busy != here) {
            state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Calls `visit` with each callback, unless the lock is taken (then they are in use, and so alive).
    pub(crate) fn visit<E>(&self, visit: impl Fn(&Py<PyAny>) -> Result<(), E>) -> Result<(), E> {
        let Ok(state) = self.state.try_lock() else { return Ok(()) };
        state.callbacks.all().try_for_each(visit)
    }

    fn callback(&self, py: Python<'_>, which: impl FnOnce(&Callbacks) -> &Option<Py<PyAny>>) -> Option<Py<PyAny>> {
        which(&self.lock().callbacks).as_ref().map(|callback| callback.clone_ref(py))
    }

    /// Takes the turn to deliver, if there is anyone to deliver to.
    fn begin(&self) -> Option<Turn<'_>> {
        let mut state = self.lock();
        state.callbacks.is_some().then_some(())?;
        state.busy = Some(std::thread::current().id());
        Some(Turn(self))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A delivery under way.
struct Turn<'a>(&'a Slot);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().busy = None;
        self.0.idle.notify_all();
    }
}

/// Calls the callback with each decision.
#[derive(Debug)]
pub(crate) struct Deliverer(pub(crate) Arc<Slot>);

impl Listener for Deliverer {
    fn on_decisions(&self, decisions: &[Decision]) {
        let Some(_turn) = self.0.begin() else { return };
        // Where the interpreter is gone nobody is told; the decisions stay in the outbox.
        let _ = Python::try_attach(|py| {
            for decision in decisions {
                let Some(callback) = self.0.callback(py, |c| &c.decision) else { return };
                deliver(py, callback.bind(py), &Outcome::Decision(decision.clone()));
            }
        });
    }

    fn wants_outcomes(&self) -> bool {
        false
    }

    fn on_unknown_feedback(&self, feedback: &[Feedback]) {
        let Some(_turn) = self.0.begin() else { return };
        let _ = Python::try_attach(|py| {
            for Feedback { decision, kind, ts, .. } in feedback {
                let Some(callback) = self.0.callback(py, |c| &c.stranger) else { return };
                let told = Stranger { decision, feedback: kind.as_str(), ts: ts.map(|ts| ts.0) };
                deliver(py, callback.bind(py), &told);
            }
        });
    }

    fn on_store(&self, report: &StoreReport) {
        let Some(_turn) = self.0.begin() else { return };
        let _ = Python::try_attach(|py| {
            let Some(callback) = self.0.callback(py, |c| &c.store) else { return };
            let state = match report.state {
                StoreState::Failing => "failing",
                StoreState::Working => "working",
                StoreState::Afresh => "afresh",
            };
            deliver(py, callback.bind(py), &Told { state, detail: &report.detail, unwritten: report.unwritten });
        });
    }
}

/// How the store is, as an object.
#[derive(Serialize)]
struct Told<'a> {
    state: &'static str,
    detail: &'a str,
    unwritten: u64,
}

/// Feedback to an id that no decision has, as an object.
#[derive(Serialize)]
struct Stranger<'a> {
    decision: &'a str,
    feedback: &'static str,
    ts: Option<i64>,
}

/// An exception of the callback is told to `sys.unraisablehook`, and goes no further.
fn deliver(py: Python<'_>, callback: &Bound<'_, PyAny>, told: &impl Serialize) {
    if let Err(error) = json::object(py, told).and_then(|given| callback.call1((given,))) {
        error.write_unraisable(py, Some(callback));
    }
}
