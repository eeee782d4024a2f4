//! The time that scripts may take: a thread that looks now and then which ran too long, and ends them.
//!
//! An exception is raised in the thread of the script (`PyThreadState_SetAsyncExc`, by `interrupt` of `ensue/scripts.py`), again and
//! again until it has ended: what catches it is interrupted again. It is raised between two steps of the interpreter; a call
//! into C that does not return is not ended by it.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;

/// How often in its budget a script is looked at.
const LOOKS: u32 = 10;

/// Watches over the time that scripts take.
#[pyclass(frozen, module = "ensue._ensue")]
#[derive(Debug)]
pub(crate) struct Watch(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    begun: Condvar,
    /// Between two looks.
    pause: Duration,
    /// Called with the thread to interrupt, and whether to take it back.
    interrupt: Py<PyAny>,
}

#[derive(Debug, Default)]
struct State {
    running: BTreeMap<u64, Running>,
    last: u64,
    /// The watching thread is there, and asleep.
    idle: bool,
    started: bool,
    over: bool,
}

#[derive(Debug)]
struct Running {
    /// As Python numbers threads.
    thread: u64,
    looks: u32,
    interrupted: bool,
}

#[pymethods]
impl Watch {
    #[new]
    fn new(budget_ms: u64, interrupt: Py<PyAny>) -> Self {
        let pause = Duration::from_millis(budget_ms.max(1)) / LOOKS;
        Self(Arc::new(Shared { state: Mutex::default(), begun: Condvar::new(), pause, interrupt }))
    }

    /// A script begins on this thread; gives its number.
    pub(crate) fn begin(&self, thread: u64) -> u64 {
        let mut state = self.0.lock();
        state.last += 1;
        let n = state.last;
        state.running.insert(n, Running { thread, looks: 0, interrupted: false });
        if !state.started {
            state.started = true;
            let shared = self.0.clone();
            let watching = std::thread::Builder::new().name("ensue-watch".to_owned());
            // Without a thread nobody watches; scripts run all the same.
            drop(watching.spawn(move || shared.watch()));
        } else if std::mem::take(&mut state.idle) {
            drop(state);
            self.0.begun.notify_one();
        }
        n
    }

    /// It has ended. Whether it was interrupted: then that is taken back, if it has not come yet.
    pub(crate) fn end(&self, py: Python<'_>, n: u64) -> bool {
        let ended = self.0.lock().running.remove(&n);
        let Some(Running { thread, interrupted: true, .. }) = ended else { return false };
        // It may come in this very call: then it has come.
        let _ = self.0.interrupt.call1(py, (thread, true));
        true
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.begun.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        loop {
            let mut state = self.lock();
            while state.running.is_empty() && !state.over {
                state.idle = true;
                state = self.begun.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state = self.begun.wait_timeout(state, self.pause).unwrap_or_else(PoisonError::into_inner).0;
            if state.over {
                return;
            }
            let mut late = false;
            for running in state.running.values_mut() {
                running.looks += 1;
                late |= running.looks > LOOKS;
            }
            drop(state);
            if late {
                self.interrupt_late();
            }
        }
    }

    /// Whoever holds the interpreter runs alone: what is in the list now has not ended.
    fn interrupt_late(&self) {
        Python::try_attach(|py| {
            let late: Vec<u64> = {
                let mut state = self.lock();
                let late = state.running.values_mut().filter(|r| r.looks > LOOKS);
                late.map(|running| {
                    running.interrupted = true;
                    running.thread
                })
                .collect()
            };
            for thread in late {
                if let Err(error) = self.interrupt.call1(py, (thread, false)) {
                    error.write_unraisable(py, None);
                }
            }
        });
    }
}
