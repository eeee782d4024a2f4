//! Documents and the sets that they form.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use ensue_rule::{On, OutputKind, Remark, Task, TaskEntry, TaskSet, Trigger};

use super::json::{self, Node, Object};
use super::task::Around;
use super::{CheckedTask, DEFAULT_SOURCE, ReadOptions, cycle, policy, task, tests};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::lint;
use crate::schema::Schema;
use crate::sink::Sink;

const KEYS: [&str; 7] = ["source", "version", "actionTypeIn", "sceneIn", "taskArray", "policy", "schema"];

/// What was read of documents.
pub(super) struct Read {
    pub(super) sets: Vec<TaskSet>,
    /// All that there is to say, in the order of the documents.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The tasks with which nothing is wrong.
    pub(super) tasks: Vec<CheckedTask>,
}

/// Reads `bytes`; with `lint` says more of sound tasks than loading them asks for.
pub(super) fn read(bytes: &[u8], options: &ReadOptions, lint: bool) -> Result<Read, Diagnostic> {
    let json = json::parse(bytes)?;
    let root = Node { json: &json, path: String::new() };
    let documents = if json.is_array() { root.list()? } else { vec![root] };
    let (schema, bad_policies) = (schema(&documents, options)?, bad_policies(&documents)?);
    let mut builder = Builder { options, lint, schema, bad_policies, sets: Vec::new(), said: Vec::new() };
    for document in &documents {
        builder.document(document)?;
    }
    builder.refuse_idle_policy()?;
    Ok(builder.finish())
}

/// The schema of the options and of all documents together, if there is one.
fn schema(documents: &[Node<'_>], options: &ReadOptions) -> Result<Option<Schema>, Diagnostic> {
    let mut out = options.schema.as_deref().cloned();
    for document in documents {
        if let Some(node) = document.object()?.get("schema") {
            out.get_or_insert_default().extend(&Schema::of(&node)?);
        }
    }
    Ok(out)
}

struct Builder<'o> {
    options: &'o ReadOptions,
    lint: bool,
    schema: Option<Schema>,
    /// What is wrong with the policies of documents.
    bad_policies: Vec<Diagnostic>,
    sets: Vec<Set>,
    /// What was said of each document and task, in order, with the task if it is sound.
    said: Vec<(Vec<Diagnostic>, Option<Accepted>)>,
}

/// A sound task, where it stands among the sets and in the documents.
struct Accepted {
    set: usize,
    entry: usize,
    checked: CheckedTask,
}

/// A set in the making.
struct Set {
    set: TaskSet,
    ids: HashSet<Arc<str>>,
    feeds: cycle::Feeds,
}

impl Builder<'_> {
    fn document(&mut self, node: &Node<'_>) -> Result<(), Diagnostic> {
        let object = node.object()?;
        let mut sink = Sink::default();
        object.warn_unknown(&KEYS, &mut sink);
        let here = object.path_of("policy.");
        self.bad_policies
            .iter()
            .filter(|d| d.path.as_ref().is_some_and(|p| p.starts_with(&here)))
            .for_each(|d| sink.push(d.clone()));
        let source = object.get("source").map_or(Ok(DEFAULT_SOURCE), |n| n.name())?;
        let version = object.get("version").map(|n| n.integer()).transpose()?;
        let trigger = trigger(&object)?;
        let policy = object.get("policy").and_then(|n| policy::read_of_all(&n, &mut Sink::default()));
        let around = Around { trigger: trigger.as_ref(), quiet: policy.as_ref().is_some_and(|p| !p.quiet.is_empty()) };
        let tasks = object.get("taskArray").map_or_else(|| Ok(Vec::new()), |n| n.list())?;
        let at = self.set(source, version, &object, &mut sink);
        let notes = sink.into_vec();
        if let Some(set) = self.sets.get_mut(at) {
            set.set.policies.extend(policy);
            set.set.warnings.extend(notes.iter().filter(|d| !d.is_error()).map(Diagnostic::to_remark));
            self.said.push((notes, None));
            for node in tasks {
                let entry = set.set.tasks.len();
                let mut notes = set.add(&node, around, self.options, &self.bad_policies);
                let task = set.set.tasks.get(entry).and_then(|t| t.task.as_ref().ok());
                let checked = task.map(|task| checked(&node, task, self.lint, &mut notes));
                let accepted = checked.map(|checked| Accepted { set: at, entry, checked });
                self.said.push((notes, accepted));
            }
        }
        Ok(())
    }

    /// The set of a source, made if it is the first document of it.
    fn set(&mut self, source: &str, version: Option<i64>, object: &Object<'_>, sink: &mut Sink) -> usize {
        let Some(at) = self.sets.iter().position(|s| *s.set.source == *source) else {
            let set = TaskSet {
                source: source.into(),
                version,
                tasks: Vec::new(),
                warnings: Vec::new(),
                policies: Vec::new(),
            };
            self.sets.push(Set { set, ids: HashSet::new(), feeds: cycle::Feeds::default() });
            return self.sets.len() - 1;
        };
        if let Some(set) = self.sets.get_mut(at).map(|s| &mut s.set).filter(|s| s.version != version) {
            set.version = set.version.max(version);
            let message = format!("documents of the set `{source}` have different versions: the highest holds");
            sink.push(Diagnostic::warning(codes::VERSIONS_DIFFER, message).path(object.path_of("version")));
        }
        at
    }

    /// Documents that have nothing but a policy with which something is wrong are refused: it would seem to be in force.
    fn refuse_idle_policy(&self) -> Result<(), Diagnostic> {
        let idle = self.sets.iter().all(|s| s.set.tasks.is_empty());
        self.bad_policies.first().filter(|_| idle).map_or(Ok(()), |d| Err(d.clone()))
    }

    fn finish(mut self) -> Read {
        self.derived_types();
        let mut out = Read { sets: Vec::new(), diagnostics: Vec::new(), tasks: Vec::new() };
        for (notes, accepted) in self.said {
            out.diagnostics.extend(notes);
            let Some(Accepted { set, entry, checked }) = accepted else { continue };
            let text = checked.text.as_deref();
            // Nothing is said of a rule that stands in for a script.
            let stand_in = text.is_none() && checked.task.script().is_some();
            let found = match (self.lint, &self.schema) {
                _ if stand_in => Vec::new(),
                (true, schema) => lint::task(&checked.task, text, schema.as_ref()),
                (false, Some(schema)) => lint::against_schema(&checked.task, text, schema),
                (false, None) => Vec::new(),
            };
            let found: Vec<_> = found.into_iter().map(|d| checked.place(d)).collect();
            if let Some(entry) = self.sets.get_mut(set).and_then(|s| s.set.tasks.get_mut(entry)) {
                entry.warnings.extend(found.iter().map(Diagnostic::to_remark));
            }
            // What is wrong with the keys around the tasks is found with each of them.
            let new: Vec<_> = found.into_iter().filter(|d| d.text.is_some() || !out.diagnostics.contains(d)).collect();
            out.diagnostics.extend(new);
            out.tasks.push(checked);
        }
        out.sets = self.sets.into_iter().map(|s| s.set).collect();
        out
    }

    /// What tasks make of matches other tasks may ask for: the schema need not say it.
    fn derived_types(&mut self) {
        let Some(schema) = &mut self.schema else { return };
        let tasks = self.said.iter().filter_map(|(_, accepted)| accepted.as_ref());
        for task in tasks.map(|a| &a.checked.task) {
            for output in &task.outputs {
                let OutputKind::Event { action_type, .. } = &output.kind else { continue };
                let values = match output.on {
                    On::Match => &task.rule.returns[..],
                    On::Timeout => task.rule.on_timeout.as_deref().unwrap_or_default(),
                };
                schema.add(action_type, values.iter().map(|r| r.name.clone()));
            }
        }
    }
}

/// A sound task with what its checking needs besides.
fn checked(node: &Node<'_>, task: &Arc<Task>, lint: bool, notes: &mut Vec<Diagnostic>) -> CheckedTask {
    let mut sink = Sink::default();
    let tests = if lint { tests::read(node, &mut sink) } else { Vec::new() };
    notes.extend(sink.into_vec());
    CheckedTask { task: task.clone(), path: node.path.clone(), text: rule_text(node, task), tests }
}

/// The text that the spans of a task's rule are in: its own, or the canonical one of a compiled rule.
fn rule_text(node: &Node<'_>, task: &Task) -> Option<Arc<str>> {
    match node.json.get("rule")? {
        serde_json::Value::String(text) => Some(text.as_str().into()),
        _ => Some(crate::format(&task.rule).into()),
    }
}

impl Set {
    /// Reads one task into the set; gives what there is to say about it.
    fn add(
        &mut self,
        node: &Node<'_>,
        around: Around<'_>,
        options: &ReadOptions,
        bad_policies: &[Diagnostic],
    ) -> Vec<Diagnostic> {
        let mut sink = Sink::default();
        let (id, task) = task::read(node, around, options, &mut sink);
        let taken = id.as_ref().is_some_and(|id| self.ids.contains(id.as_str()));
        if let Some(id) = id.as_ref().filter(|_| taken) {
            let d = node.error(codes::DUPLICATE_ID, format!("an earlier task of the set has the id `{id}`"));
            sink.push(d.hint("give each task its own `id`"));
        }
        let id: Arc<str> = id.filter(|_| !taken).unwrap_or_else(|| self.free_id()).into();
        let task = task.map(|t| Arc::new(Task { id: id.clone(), ..t })).filter(|_| !sink.has_errors());
        let task = task.filter(|task| {
            let chain = self.feeds.add(task);
            chain.iter().for_each(|chain| sink.push(cycle::refused(chain, node)));
            chain.is_none()
        });
        let notes = sink.into_vec();
        let (errors, warnings): (Vec<_>, Vec<_>) = notes.iter().partition(|d| d.is_error());
        // A control over all touches that can't be applied holds back the tasks that have some, and no others.
        let touches = |t: &Arc<Task>| t.outputs.iter().any(|o| matches!(o.kind, OutputKind::Touch { .. }));
        let held: Vec<&Diagnostic> = bad_policies.iter().filter(|_| task.as_ref().is_some_and(touches)).collect();
        let task = task.filter(|_| held.is_empty()).ok_or_else(|| refused(node, &[errors, held].concat()));
        self.ids.insert(id.clone());
        let warnings = warnings.iter().map(|d| d.to_remark()).collect();
        self.set.tasks.push(TaskEntry { id, task, warnings });
        notes
    }

    /// `source/index`, which no other task of the set has.
    fn free_id(&self) -> String {
        let mut id = format!("{}/{}", self.set.source, self.set.tasks.len());
        while self.ids.contains(id.as_str()) {
            id.push('\'');
        }
        id
    }
}

/// Why a task is refused, in one remark.
fn refused(node: &Node<'_>, errors: &[&Diagnostic]) -> Remark {
    let mut remark = errors.first().map_or_else(|| node.wrong("a task").to_remark(), |d| d.to_remark());
    if let more @ 1.. = errors.len().saturating_sub(1) {
        let _ = write!(remark.message, "; and {more} more");
    }
    remark
}

/// What is wrong with the policies of documents. They hold for the touches of the user, whoever makes them, so tasks with
/// touches must not run without them.
fn bad_policies(documents: &[Node<'_>]) -> Result<Vec<Diagnostic>, Diagnostic> {
    let mut sink = Sink::default();
    for document in documents {
        if let Some(node) = document.object()?.get("policy") {
            node.object()?;
            policy::read_of_all(&node, &mut sink);
        }
    }
    Ok(sink.into_vec())
}

/// The trigger of a document's tasks; none where both lists are empty or absent.
fn trigger(object: &Object<'_>) -> Result<Option<Trigger>, Diagnostic> {
    let names = |key: &str| -> Result<Vec<Arc<str>>, Diagnostic> {
        let list = object.get(key).map_or_else(|| Ok(Vec::new()), |n| n.list())?;
        list.iter().map(|n| n.text().map(Arc::from)).collect()
    };
    let (action_types, scenes) = (names("actionTypeIn")?, names("sceneIn")?);
    Ok((!action_types.is_empty() || !scenes.is_empty()).then_some(Trigger { action_types, scenes }))
}
