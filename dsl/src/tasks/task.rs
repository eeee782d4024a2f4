//! One task of a document.

use std::sync::Arc;

use ensue_rule::{Dialect, On, Policy, Rule, Task, TaskKind, TaskScope, Trigger};

use super::json::{Node, Object};
use super::{ReadOptions, Script, filter, output, policy, rollout, rule, time};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;

const KEYS: [&str; 12] = [
    "id",
    "taskType",
    "pythonName",
    "filter",
    "rule",
    "scope",
    "dialect",
    "output",
    "policy",
    "rollout",
    "expires",
    "tests",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum TaskType {
    Cep,
    PyBacktrace,
}

/// What the document of a task says of all its tasks.
#[derive(Clone, Copy)]
pub(super) struct Around<'d> {
    pub(super) trigger: Option<&'d Trigger>,
    /// Whether it has quiet hours for all touches.
    pub(super) quiet: bool,
}

/// The id that a task says, and the task, if nothing is wrong with it; its own id is still to be filled in.
pub(super) fn read(
    node: &Node<'_>,
    around: Around<'_>,
    options: &ReadOptions,
    sink: &mut Sink,
) -> (Option<String>, Option<Task>) {
    let Some(object) = keep(node.object(), sink) else { return (None, None) };
    object.warn_unknown(&KEYS, sink);
    let mut reader = Reader { object, around, options, sink };
    let id = reader.read("id", Node::name);
    let python_name = reader.read("pythonName", Node::name);
    let (rule, rule_name) = reader.rule();
    let id = id.or(python_name).map(str::to_owned).or(rule_name);
    let task = reader.task(rule, python_name);
    (id, task)
}

/// The value, or `None` with the error reported.
fn keep<T>(read: Result<T, Diagnostic>, sink: &mut Sink) -> Option<T> {
    read.map_err(|d| sink.push(d)).ok()
}

/// Whether a script runs.
fn is_script(kind: &TaskKind) -> bool {
    matches!(kind, TaskKind::PyBacktrace { hash: Some(_), .. })
}

struct Reader<'a, 'o, 's> {
    object: Object<'a>,
    around: Around<'o>,
    options: &'o ReadOptions,
    sink: &'s mut Sink,
}

impl<'a> Reader<'a, '_, '_> {
    /// A key that may be absent.
    fn read<T>(&mut self, key: &str, read: impl FnOnce(&Node<'a>) -> Result<T, Diagnostic>) -> Option<T> {
        let node = self.object.get(key)?;
        keep(read(&node), self.sink)
    }

    /// The rule, from its own key or from the options, and the name that its own text gives it.
    fn rule(&mut self) -> (Option<Rule>, Option<String>) {
        let dialects = [("ensue", Dialect::Ensue), ("flink", Dialect::Flink)];
        let dialect = self.read("dialect", |n| n.choice(&dialects)).unwrap_or_default();
        match self.object.get("rule") {
            Some(node) => rule::read(&node, dialect, self.sink),
            None => (self.options.default_rule.clone(), None),
        }
    }

    /// Everything else; each key reports for itself.
    fn task(&mut self, rule: Option<Rule>, python_name: Option<&str>) -> Option<Task> {
        let kind = self.kind(rule.is_some(), python_name);
        let scopes = [("user", TaskScope::User), ("device", TaskScope::Device)];
        let scope = self.read("scope", |n| n.choice(&scopes)).unwrap_or_default();
        let filter = self.object.get("filter").and_then(|n| filter::read(&n, self.sink)).unwrap_or_default();
        if !filter.entries.is_empty() {
            // The stream is narrowed already, as that warning asks for.
            self.sink.forget(codes::SEES_EVERYTHING);
        }
        let policy = self.object.get("policy").and_then(|n| policy::read(&n, self.around.quiet, self.sink));
        let outputs = self.object.get("output").map_or_else(Vec::new, |n| output::read(&n, rule.as_ref(), self.sink));
        let expires = self.read("expires", time::read);
        let rollout =
            self.object.get("rollout").and_then(|n| rollout::read(&n, expires, self.sink)).unwrap_or_default();
        let policy = Policy { rollout, ..policy.unwrap_or_default() };
        let trigger = self.around.trigger;
        let alone = rule.is_none() && self.object.get("rule").is_none();
        let rule = if alone && kind.as_ref().is_some_and(is_script) { Rule::of_script() } else { rule? };
        if alone && outputs.iter().any(|o| o.on == On::Timeout) {
            let d = Diagnostic::error(codes::NO_ON_TIMEOUT, "a script reports no timeouts");
            self.sink.push(d.path(self.object.path_of("output")).hint("leave `on` out"));
        }
        self.suits(&rule, trigger);
        if trigger.is_none() && kind.as_ref().is_some_and(is_script) {
            let d = Diagnostic::error(codes::SCRIPT_TRIGGER, "a script runs at a trigger, and there is none");
            self.sink.push(d.path(self.object.path_of("pythonName")).hint("say in `actionTypeIn` when it runs"));
        }
        Some(Task {
            id: "".into(),
            kind: kind?,
            rule,
            trigger: trigger.cloned(),
            filter,
            scope,
            outputs,
            policy,
            expires,
        })
    }

    fn kind(&mut self, has_rule: bool, python_name: Option<&str>) -> Option<TaskKind> {
        let types = [("cep", TaskType::Cep), ("py_backtrace", TaskType::PyBacktrace)];
        let written = self.object.get("rule").is_some();
        match (self.object.get("taskType").map(|n| n.choice(&types)), python_name) {
            (Some(Err(d)), _) => keep(Err(d), self.sink),
            (Some(Ok(TaskType::PyBacktrace)), None) => {
                let named = self.object.get("pythonName").is_some();
                let missing = keep(self.object.require("pythonName"), self.sink);
                // A name of the wrong type has been reported already.
                missing.filter(|_| named).and(None)
            }
            (Some(Ok(TaskType::PyBacktrace)), Some(name)) => self.script(name, has_rule, written),
            (Some(Ok(TaskType::Cep)) | None, _) => {
                if !has_rule && !written {
                    let d = Diagnostic::error(codes::NO_RULE, "the task has no rule").path(self.object.path.as_str());
                    self.sink.push(d.hint("put the text of the rule under `rule`"));
                }
                Some(TaskKind::Cep)
            }
        }
    }

    fn script(&mut self, name: &str, has_rule: bool, written: bool) -> Option<TaskKind> {
        let path = self.object.path_of("pythonName");
        let beside = has_rule || written;
        let found = self.options.scripts.as_ref().map(|scripts| scripts.find(name));
        let refused = match &found {
            None if !beside => Some((codes::NO_PYTHON, format!("no Python runs here for the script `{name}`"))),
            Some(Script::Missing) if !beside => Some((codes::NO_SCRIPT, format!("no script is called `{name}`"))),
            Some(Script::Broken(why)) => {
                let d =
                    Diagnostic::error(codes::SCRIPT_IMPORT, format!("the script `{name}` can't be imported: {why}"));
                self.sink.push(d.path(path));
                return None;
            }
            _ => None,
        };
        if let Some((code, message)) = refused {
            let d = Diagnostic::error(code, message).path(path);
            self.sink.push(d.hint("put a `rule` beside it: it serves where the script can't"));
            return None;
        }
        let hash = match found {
            Some(Script::Sound(hash)) => Some(hash),
            _ => None,
        };
        if self.options.scripts.is_some() && beside {
            let message = match hash {
                Some(_) => format!("the script `{name}` runs, and the rule only where its source was not given"),
                None => format!("the source of the script `{name}` was not given: the rule runs"),
            };
            self.sink.push(Diagnostic::warning(codes::SCRIPT_AND_RULE, message).path(path));
        }
        Some(TaskKind::PyBacktrace { python_name: name.into(), hash })
    }

    /// Whether the rule can be run with or without this trigger.
    fn suits(&mut self, rule: &Rule, trigger: Option<&Trigger>) {
        let path = self.object.path_of("rule");
        let text: Option<Arc<str>> = self.object.get("rule").and_then(|n| n.json.as_str()).map(Arc::from);
        let refused = match trigger {
            None => rule::refused_when_continuous(rule),
            Some(_) => rule::refused_with_trigger(rule),
        };
        if let Some(mut d) = refused {
            d.text = text.filter(|_| d.span.is_known());
            self.sink.push(d.path(path));
        }
    }
}
