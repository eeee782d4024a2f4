//! Documents and the sets that they form.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use ensue_rule::{Task, TaskEntry, TaskSet, Trigger};

use super::json::{self, Node, Object};
use super::{DEFAULT_SOURCE, ReadOptions, cycle, task};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;

const KEYS: [&str; 7] = ["source", "version", "actionTypeIn", "sceneIn", "taskArray", "policy", "schema"];

/// The sets of `json`, and all that there is to say about it.
pub(super) fn read(bytes: &[u8], options: &ReadOptions) -> Result<(Vec<TaskSet>, Vec<Diagnostic>), Diagnostic> {
    let json = json::parse(bytes)?;
    let root = Node { json: &json, path: String::new() };
    let documents = if json.is_array() { root.list()? } else { vec![root] };
    let mut builder = Builder { options, sets: Vec::new(), diagnostics: Vec::new() };
    for document in documents {
        builder.document(&document)?;
    }
    Ok((builder.sets.into_iter().map(|s| s.set).collect(), builder.diagnostics))
}

struct Builder<'o> {
    options: &'o ReadOptions,
    sets: Vec<Set>,
    diagnostics: Vec<Diagnostic>,
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
        if object.get("schema").is_some() {
            let d =
                Diagnostic::warning(codes::NOT_CHECKED, "`schema` is not built into this version: it is passed over");
            sink.push(d.path(object.path_of("schema")));
        }
        no_policy(&object)?;
        let source = object.get("source").map_or(Ok(DEFAULT_SOURCE), |n| n.name())?;
        let version = object.get("version").map(|n| n.integer()).transpose()?;
        let trigger = trigger(&object)?;
        let tasks = object.get("taskArray").map_or_else(|| Ok(Vec::new()), |n| n.list())?;
        let set = self.set(source, version, &object, &mut sink);
        let notes = sink.into_vec();
        if let Some(set) = self.sets.get_mut(set) {
            set.set.warnings.extend(notes.iter().map(Diagnostic::to_remark));
            self.diagnostics.extend(notes);
            for node in tasks {
                self.diagnostics.extend(set.add(&node, trigger.as_ref(), self.options));
            }
        }
        Ok(())
    }

    /// The set of a source, made if it is the first document of it.
    fn set(&mut self, source: &str, version: Option<i64>, object: &Object<'_>, sink: &mut Sink) -> usize {
        let Some(at) = self.sets.iter().position(|s| *s.set.source == *source) else {
            let set = TaskSet { source: source.into(), version, tasks: Vec::new(), warnings: Vec::new() };
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
}

impl Set {
    /// Reads one task into the set; gives what there is to say about it.
    fn add(&mut self, node: &Node<'_>, trigger: Option<&Trigger>, options: &ReadOptions) -> Vec<Diagnostic> {
        let mut sink = Sink::default();
        let (id, task) = task::read(node, trigger, options, &mut sink);
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
        let refused = || {
            let mut remark = errors.first().map_or_else(|| node.wrong("a task").to_remark(), |d| d.to_remark());
            if let more @ 1.. = errors.len().saturating_sub(1) {
                let _ = write!(remark.message, "; and {more} more");
            }
            remark
        };
        self.ids.insert(id.clone());
        let warnings = warnings.iter().map(|d| d.to_remark()).collect();
        self.set.tasks.push(TaskEntry { id, task: task.ok_or_else(refused), warnings });
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

/// Across tasks no control is built yet: a document with one is refused, as its tasks would run without it.
fn no_policy(object: &Object<'_>) -> Result<(), Diagnostic> {
    const NOT_BUILT: [&str; 4] = ["caps", "minGap", "quiet", "onePerMoment"];
    let Some(policy) = object.get("policy") else { return Ok(()) };
    let mut sink = Sink::default();
    policy.object()?.refuse_unknown(&[], &NOT_BUILT, &mut sink);
    sink.into_vec().into_iter().next().map_or(Ok(()), Err)
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
