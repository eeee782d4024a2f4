//! The callback of Python as the engine's listener.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use ensue_engine::{Decision, Listener, Outcome};
use pyo3::prelude::*;

use crate::json;

/// Who is called, shared by the Python object and the engine's thread.
///
/// Nobody waits for the interpreter while holding its lock.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Debug, Default)]
struct State {
    callback: Option<Py<PyAny>>,
    /// The thread that delivers at this moment.
    busy: Option<ThreadId>,
}

impl Slot {
    /// Puts another callback in place; gives the one before, to be dropped by who holds the interpreter.
    pub(crate) fn put(&self, callback: Option<Py<PyAny>>) -> Option<Py<PyAny>> {
        std::mem::replace(&mut self.lock().callback, callback)
    }

    /// Waits, without the interpreter, until a delivery under way is over; not one that this very call comes from.
    pub(crate) fn wait(&self) {
        let here = std::thread::current().id();
        let mut state = self.lock();
        while state.busy.is_some_and(|busy| busy != here) {
            state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Calls `visit` with the callback, unless the lock is taken (then it is in use, and so alive).
    pub(crate) fn visit<T>(&self, visit: impl FnOnce(&Py<PyAny>) -> T) -> Option<T> {
        self.state.try_lock().ok()?.callback.as_ref().map(visit)
    }

    fn callback(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.lock().callback.as_ref().map(|callback| callback.clone_ref(py))
    }

    /// Takes the turn to deliver, if there is anyone to deliver to.
    fn begin(&self) -> Option<Turn<'_>> {
        let mut state = self.lock();
        state.callback.as_ref()?;
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
                let Some(callback) = self.0.callback(py) else { return };
                deliver(py, callback.bind(py), decision);
            }
        });
    }
}

/// An exception of the callback is told to `sys.unraisablehook`, and goes no further.
fn deliver(py: Python<'_>, callback: &Bound<'_, PyAny>, decision: &Decision) {
    let given = json::object(py, &Outcome::Decision(decision.clone()));
    if let Err(error) = given.and_then(|given| callback.call1((given,))) {
        error.write_unraisable(py, Some(callback));
    }
}
