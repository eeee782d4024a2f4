//! What a file holds: the text of a rule, a compiled rule, or task documents. Told apart by the first character.

use std::sync::Arc;

use ensue_dsl::{Compiled, Diagnostic, Schema, codes};
use ensue_matcher::{Error, Limits, Program};
use ensue_rule::{Dialect, Rule, Task};

/// The content of a file that was given to a command.
#[derive(Debug)]
pub(crate) enum Subject {
    /// The text of one rule.
    Text(Arc<str>),
    /// One compiled rule, as JSON.
    Rule(Vec<u8>),
    /// Task documents, as JSON.
    Documents(Vec<u8>),
}

impl Subject {
    pub(crate) fn of(bytes: Vec<u8>, file: &str) -> Result<Self, crate::failure::Failure> {
        match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
            Some(b'{' | b'[') if is_compiled_rule(&bytes) => Ok(Self::Rule(bytes)),
            Some(b'{' | b'[') => Ok(Self::Documents(bytes)),
            _ => match String::from_utf8(bytes) {
                Ok(text) => Ok(Self::Text(text.into())),
                Err(_) => Err(crate::failure::Failure::new(format!("cannot read {file}: not UTF-8"))),
            },
        }
    }
}

/// An object with a pattern and no tasks.
fn is_compiled_rule(json: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Keys {
        pattern: Option<serde::de::IgnoredAny>,
        #[serde(rename = "taskArray")]
        tasks: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Keys>(json).is_ok_and(|keys| keys.pattern.is_some() && keys.tasks.is_none())
}

/// Reads a compiled rule, which passes the checks of its text.
pub(crate) fn compiled_rule(json: &[u8]) -> Result<Rule, Vec<Diagnostic>> {
    ensue_dsl::read_compiled(json).map(|(rule, _)| rule)
}

/// Compiles a rule text as far as to its automaton: what the matcher refuses is a diagnostic as any other.
pub(crate) fn compile_text(text: &Arc<str>, dialect: Dialect) -> Compiled {
    as_far_as_the_automaton(ensue_dsl::compile(text, dialect), text)
}

/// The same, saying also what works and is probably not meant.
pub(crate) fn check_text(text: &Arc<str>, schema: Option<&Schema>) -> Compiled {
    as_far_as_the_automaton(ensue_dsl::check(text, Dialect::Ensue, schema), text)
}

/// The task that a rule alone is, if it can be one.
pub(crate) fn task_of(rule: Rule, id: &str) -> Option<Arc<Task>> {
    ensue_dsl::single_task(rule, id).tasks.pop()?.task.ok()
}

fn as_far_as_the_automaton(mut compiled: Compiled, text: &Arc<str>) -> Compiled {
    if let Some(refusal) = compiled.rule.as_ref().and_then(|rule| program(rule).err()) {
        compiled.diagnostics.push(refusal.text(text.clone()));
        compiled.rule = None;
    }
    compiled
}

/// The automaton of a rule, or what the matcher says against it.
pub(crate) fn program(rule: &Rule) -> Result<Program, Diagnostic> {
    Program::compile(rule, &Limits::default()).map_err(|e| refusal(&e).at(e.span()))
}

/// What the matcher says against the outputs of a task, at its path behind that of the task.
pub(crate) fn check_outputs(task: &Task) -> Result<(), Diagnostic> {
    let at = |i: usize| if task.outputs.len() > 1 { format!("[{i}]") } else { String::new() };
    // The spans are of the text of `when`, which is not kept.
    let refused = |i: usize, e: &Error| refusal(e).path(format!("output{}.when", at(i)));
    let mut whens = task.outputs.iter().enumerate().filter_map(|(i, o)| Some((i, o.when.as_ref()?)));
    whens.try_for_each(|(i, when)| ensue_matcher::check_values(when).map_err(|e| refused(i, &e)))
}

fn refusal(e: &Error) -> Diagnostic {
    let code = if e.is_limit() { codes::TOO_MANY_STATES } else { codes::REFUSED_BY_MATCHER };
    Diagnostic::error(code, e.to_string()).hint(e.hint())
}
