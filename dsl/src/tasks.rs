//! Task documents: JSON to checked tasks.
//!
//! What is malformed as a whole applies not at all; inside a good document a bad task is refused alone. No key that
//! controls what reaches the user is ever passed over: what this version can't apply refuses the task by its name.

mod cycle;
mod document;
mod filter;
pub(crate) mod json;
mod output;
mod policy;
mod rollout;
mod rule;
mod spans;
mod task;
mod tests;
mod time;

use std::sync::Arc;

use ensue_rule::{Rule, Task, TaskEntry, TaskSet};

use crate::diagnostic::Diagnostic;
use crate::schema::Schema;

pub use rule::refused_when_continuous;
pub use tests::{Expected, TaskTest};

/// The source of documents that name none.
const DEFAULT_SOURCE: &str = "default";

/// How task documents are read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Serves the tasks that have no rule of their own.
    pub default_rule: Option<Rule>,
    /// The scripts that can run here; `None`: none can.
    pub scripts: Option<Arc<dyn Scripts>>,
    /// What is known of the events, besides what the documents say under `schema`.
    pub schema: Option<Arc<Schema>>,
}

/// The scripts that a host has.
pub trait Scripts: std::fmt::Debug {
    /// What it has under this name.
    fn find(&self, name: &str) -> Script;
}

/// What a host has under the name of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// Nothing.
    Missing,
    /// A source that cannot be imported: why and where, in one sentence.
    Broken(String),
    /// A script that runs: the SHA-256 of its source in hex.
    Sound(Arc<str>),
}

/// What there is to say about task documents, and the tasks with which nothing is wrong.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// In the order of the documents.
    pub diagnostics: Vec<Diagnostic>,
    /// In the order of the documents.
    pub tasks: Vec<CheckedTask>,
}

/// A sound task and where it was read.
#[derive(Clone, Debug)]
pub struct CheckedTask {
    /// The task.
    pub task: Arc<Task>,
    /// Its JSON path: `taskArray[0]`; empty for a rule alone.
    pub path: String,
    /// The text that the spans of its rule are in; `None` where the rule is not the document's.
    pub text: Option<Arc<str>>,
    /// Its tests.
    pub tests: Vec<TaskTest>,
}

impl CheckedTask {
    /// A diagnostic about this task, put at its place: in the rule text where it has a span, else at its path, read as
    /// one behind that of the task, or, with `/` before it, of its document.
    pub fn place(&self, d: Diagnostic) -> Diagnostic {
        let text = self.text.clone().filter(|_| d.span.is_known());
        let within = d.path.as_deref().unwrap_or("rule");
        let path = match (self.path.as_str(), within) {
            ("", _) => None,
            (task, within) => Some(match within.strip_prefix('/') {
                Some(key) => format!("{}{key}", task.split("taskArray").next().unwrap_or_default()),
                None => format!("{task}.{within}"),
            }),
        };
        Diagnostic { path, text, ..d }
    }
}

/// Reads task documents: an object, or a list of them. Documents with equal `source` form one set, in their order;
/// where their versions differ, the set has the highest.
///
/// # Errors
/// What makes the whole malformed: then nothing of it applies.
pub fn read_documents(json: &[u8], options: &ReadOptions) -> Result<Vec<TaskSet>, Diagnostic> {
    document::read(json, options, false).map(|read| read.sets)
}

/// All that there is to say about task documents, with spans in their rule texts. Says more of sound tasks than
/// [`read_documents`]: what works and is probably not meant.
pub fn check_documents(json: &[u8], options: &ReadOptions) -> Checked {
    match document::read(json, options, true) {
        Ok(read) => Checked { diagnostics: read.diagnostics, tasks: read.tasks },
        Err(d) => Checked { diagnostics: vec![d], tasks: Vec::new() },
    }
}

/// A rule alone: the set of source `default` with one continuous task without outputs.
pub fn single_task(rule: Rule, id: &str) -> TaskSet {
    let id: Arc<str> = id.into();
    let task = match rule::refused_when_continuous(&rule) {
        Some(d) => Err(d.to_remark()),
        None => Ok(Arc::new(Task::of(id.clone(), rule))),
    };
    let entry = TaskEntry { id, task, warnings: Vec::new() };
    TaskSet { tasks: vec![entry], ..TaskSet::of(DEFAULT_SOURCE, []) }
}
