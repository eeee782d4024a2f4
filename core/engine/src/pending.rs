//! What is asked outside the fold: calls of scripts, which answer what a trigger has found.
//!
//! The fold only notes that there is something to ask. The worker asks after the commit, one call after another, on a
//! thread of its own; what the host answers is written with what follows from it, so that it is never asked again. A host
//! gives a [`Scripts`], is handed a [`Call`] and reads of its [`History`] what it likes.
//!
//! Nothing here decides anything, and nothing reads the store: a history asks the worker for its pages.

mod answer;
mod find;
mod history;

use std::fmt::Debug;
use std::sync::Arc;

pub use answer::{Answer, Answered};
pub(crate) use find::Automata;
pub(crate) use history::{FIRST, Gaps, Page, Reach, Wish, Wishes};
pub use history::{History, Past};

/// Runs the scripts that tasks name.
pub trait Scripts: Debug + Send + Sync {
    /// Runs the script of a call and says what it found. Called on one thread at a time, under no lock; a panic in it is
    /// a failure. It must come to an end: nothing else is asked meanwhile, though events are taken.
    fn run(&self, call: &Arc<Call>) -> Answer;
}

/// One call of a script: who asks, and what it may look at. Over when [`Scripts::run`] returns.
#[derive(Debug)]
pub struct Call {
    /// The script's name.
    pub script: Arc<str>,
    /// Which text of it the task was applied with: the SHA-256 of its source in hex.
    pub hash: Arc<str>,
    /// The task.
    pub task: Arc<str>,
    /// Whose events these are; `None`: anonymous, or all of the device.
    pub user: Option<Arc<str>>,
    /// The event that made the task look back.
    pub trigger: Past,
    /// What passed the task's filter in its window, up to the trigger.
    pub history: History,
}
