//! Tasks: a rule with its trigger, filter, outputs and policy; what the cloud pushes, checked and typed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Attr;
use crate::expr::Expr;
use crate::policy::{Policy, TouchPolicy};
use crate::rule::Rule;
use crate::time::Timestamp;
use crate::value::Value;

/// All tasks of one source: what one apply puts in place of the source's previous set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSet {
    /// Whose set it is.
    pub source: Arc<str>,
    /// Guards against going back; a set without one always applies.
    pub version: Option<i64>,
    /// The tasks in document order, those that could not be read among them.
    pub tasks: Vec<TaskEntry>,
    /// Notes on the document as a whole (unknown keys).
    pub warnings: Vec<Remark>,
    /// What its documents ask of the user's touches, whoever makes them.
    #[serde(default)]
    pub policies: Vec<TouchPolicy>,
}

/// One task of a set, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskEntry {
    /// Its id: unique in the set.
    pub id: Arc<str>,
    /// The task, or the reason why it is refused.
    pub task: Result<Arc<Task>, Refused>,
    /// What its author should know.
    pub warnings: Vec<Remark>,
}

/// Something to say about a place in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// The JSON path, as `taskArray[0].policy.caps[1].per`.
    pub path: String,
    /// The stable code of the diagnostic.
    pub code: String,
    /// One sentence for a person.
    pub message: String,
}

/// Why a task is refused.
pub type Refused = Remark;

/// A rule with its trigger, filter, outputs and policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Unique in its source.
    pub id: Arc<str>,
    /// How it is evaluated.
    pub kind: TaskKind,
    /// What to find; where a [script](Task::script) does that, its window, and the names of what it returns.
    pub rule: Rule,
    /// Makes the task look back; `None`: a continuous task.
    pub trigger: Option<Trigger>,
    /// Which events form its stream.
    pub filter: Filter,
    /// Whose events form one stream.
    pub scope: Scope,
    /// What a match opens, in order; empty: the task only emits.
    pub outputs: Vec<Output>,
    /// What its touches obey.
    pub policy: Policy,
    /// No decision at or after this time.
    pub expires: Option<Timestamp>,
}

/// How a task is evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// By its rule.
    Cep,
    /// By a Python script, where its source was given; else by its rule.
    PyBacktrace {
        /// The script's name.
        python_name: Arc<str>,
        /// Which text of the script runs: the SHA-256 of its source in hex. `None`: the source was not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hash: Option<Arc<str>>,
    },
}

impl TaskSet {
    /// These tasks, of a source without versions.
    pub fn of(source: impl Into<Arc<str>>, tasks: impl IntoIterator<Item = Task>) -> Self {
        let entry = |t: Task| TaskEntry { id: t.id.clone(), task: Ok(Arc::new(t)), warnings: Vec::new() };
        Self {
            source: source.into(),
            version: None,
            tasks: tasks.into_iter().map(entry).collect(),
            warnings: Vec::new(),
            policies: Vec::new(),
        }
    }
}

impl Task {
    /// A continuous task of this rule, by user, that only emits.
    pub fn of(id: impl Into<Arc<str>>, rule: Rule) -> Self {
        Self {
            id: id.into(),
            kind: TaskKind::Cep,
            rule,
            trigger: None,
            filter: Filter::default(),
            scope: Scope::User,
            outputs: Vec::new(),
            policy: Policy::default(),
            expires: None,
        }
    }

    /// Name and hash of the script that finds what this task looks for; `None`: its rule does.
    pub fn script(&self) -> Option<(&Arc<str>, &Arc<str>)> {
        match &self.kind {
            TaskKind::PyBacktrace { python_name, hash: Some(hash) } => Some((python_name, hash)),
            TaskKind::PyBacktrace { hash: None, .. } | TaskKind::Cep => None,
        }
    }
}

/// Which event makes a task look back: its action type is one of these, and its scene one of those (empty: any).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trigger {
    /// Action types; empty: any.
    pub action_types: Vec<Arc<str>>,
    /// Scenes; empty: any.
    pub scenes: Vec<Arc<str>>,
}

impl Trigger {
    /// Whether an event of this action type and scene triggers.
    pub fn passes(&self, action_type: &str, scene: Option<&str>) -> bool {
        (self.action_types.is_empty() || self.action_types.iter().any(|a| &**a == action_type))
            && (self.scenes.is_empty() || scene.is_some_and(|s| self.scenes.iter().any(|x| &**x == s)))
    }
}

/// Which events form a task's stream: those that pass at least one entry; with no entry all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Filter {
    /// The entries.
    pub entries: Vec<FilterEntry>,
}

/// Equalities that an event must all pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FilterEntry {
    /// The name under which scripts see these events; means nothing to a rule.
    pub alias: Option<Arc<str>>,
    /// What must equal one of which values.
    pub tests: Vec<EntryTest>,
}

/// An attribute and the values it may have.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EntryTest {
    /// What of the event.
    pub attr: Attr,
    /// Any of these.
    pub values: Vec<Value>,
}

impl Filter {
    /// Whether an event passes, by its attributes.
    pub fn passes(&self, mut value: impl FnMut(&Attr) -> Value) -> bool {
        self.entries.is_empty() || self.entries.iter().any(|e| e.passes(&mut value))
    }
}

impl FilterEntry {
    /// Whether an event passes all tests, by its attributes.
    pub fn passes(&self, mut value: impl FnMut(&Attr) -> Value) -> bool {
        self.tests.iter().all(|t| {
            let v = value(&t.attr);
            t.values.iter().any(|x| x.equals(&v))
        })
    }
}

/// Whose events form one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Each user's apart.
    #[default]
    User,
    /// All users' together.
    Device,
}

/// What a match opens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// A match, or a partial match that timed out.
    pub on: On,
    /// Opens it; over the values of RETURN (or of ON TIMEOUT RETURN).
    pub when: Option<Expr>,
    /// What it is.
    pub kind: OutputKind,
}

/// What opens an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// A match.
    #[default]
    Match,
    /// A partial match whose window ended.
    Timeout,
}

/// What an output is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// Reaches the user; obeys the task's policy.
    Touch {
        /// The app's name for it.
        touch: Arc<str>,
        /// Handed to the app as it is.
        payload: Value,
    },
    /// A derived event, read again by tasks; obeys only `when`.
    Event {
        /// Its action type.
        action_type: Arc<str>,
        /// Its scene.
        scene: Option<Arc<str>>,
    },
}

/// Which after-match a rule text without the clause gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// CONSUME.
    #[default]
    Ensue,
    /// NO SKIP, without a limit of its own.
    Flink,
}
