//! Task documents: JSON to checked tasks.
//!
//! What is malformed as a whole applies not at all; inside a good document a bad task is refused alone. No key that
//! controls what reaches the user is ever passed over: what this version can't apply refuses the task by its name.

mod cycle;
mod document;
mod filter;
mod json;
mod output;
mod policy;
mod rule;
mod spans;
mod task;
mod time;

use std::sync::Arc;

use ensue_rule::{Filter, Policy, Rule, Task, TaskEntry, TaskKind, TaskScope, TaskSet};

use crate::diagnostic::Diagnostic;

pub use rule::refused_when_continuous;

/// The source of documents that name none.
const DEFAULT_SOURCE: &str = "default";

/// How task documents are read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Serves the tasks that have no rule of their own.
    pub default_rule: Option<Rule>,
    /// Whether scripts can run here.
    pub python: bool,
}

/// Reads task documents: an object, or a list of them. Documents with equal `source` form one set, in their order;
/// where their versions differ, the set has the highest.
///
/// # Errors
/// What makes the whole malformed: then nothing of it applies.
pub fn read_documents(json: &[u8], options: &ReadOptions) -> Result<Vec<TaskSet>, Diagnostic> {
    document::read(json, options).map(|(sets, _)| sets)
}

/// All that there is to say about task documents, with spans in their rule texts.
pub fn check_documents(json: &[u8], options: &ReadOptions) -> Vec<Diagnostic> {
    document::read(json, options).map_or_else(|d| vec![d], |(_, diagnostics)| diagnostics)
}

/// A rule alone: the set of source `default` with one continuous task without outputs.
pub fn single_task(rule: Rule, id: &str) -> TaskSet {
    let id: Arc<str> = id.into();
    let task = match rule::refused_when_continuous(&rule) {
        Some(d) => Err(d.to_remark()),
        None => Ok(Arc::new(Task {
            id: id.clone(),
            kind: TaskKind::Cep,
            rule,
            trigger: None,
            filter: Filter::default(),
            scope: TaskScope::User,
            outputs: Vec::new(),
            policy: Policy::default(),
            expires: None,
        })),
    };
    let entry = TaskEntry { id, task, warnings: Vec::new() };
    TaskSet { source: DEFAULT_SOURCE.into(), version: None, tasks: vec![entry], warnings: Vec::new() }
}
