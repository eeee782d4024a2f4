//! Runs something that may panic or never end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended<T> {
    /// With a value.
    With(T),
    /// With a panic and its message.
    Panicked(String),
    /// Not within the time; its thread is left behind.
    NotYet,
}

/// Runs `work` on a thread of its own and waits for it so long.
pub fn within<T: Send + 'static>(time: Duration, work: impl FnOnce() -> T + Send + 'static) -> Ended<T> {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(work)).map_err(|payload| message(&*payload));
        // The receiver may have given up already.
        let _ = done.send(result);
    });
    match wait.recv_timeout(time) {
        Ok(Ok(value)) => Ended::With(value),
        Ok(Err(panic)) => Ended::Panicked(panic),
        Err(_) => Ended::NotYet,
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}
