//! How opening the store went: told once by the worker, waited for by whoever asks.

use std::sync::{Condvar, Mutex, PoisonError};

use super::lock;
use crate::error::Error;
use crate::report::OpenReport;

/// How opening went, once it is known.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    result: Mutex<Option<Result<OpenReport, Error>>>,
    known: Condvar,
}

impl Opening {
    /// Says how it went; only the first time counts.
    pub(crate) fn tell(&self, result: Result<OpenReport, Error>) {
        lock(&self.result).get_or_insert(result);
        self.known.notify_all();
    }

    pub(super) fn wait(&self) -> Result<OpenReport, Error> {
        let mut result = lock(&self.result);
        loop {
            match &*result {
                Some(known) => return known.clone(),
                None => result = self.known.wait(result).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
