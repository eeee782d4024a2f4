//! Rule text and task JSON to rules, with diagnostics that point at the spot.

#![allow(unused_variables, reason = "the face comes first")]

pub mod codes;
mod diagnostic;

use ensue_rule::{Dialect, Expr, Rule, TaskSet};

pub use diagnostic::{Diagnostic, Severity};

/// What became of a rule text.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The rule; `None` exactly where some diagnostic is an error.
    pub rule: Option<Rule>,
    /// What there is to say about the text, in its order.
    pub diagnostics: Vec<Diagnostic>,
}

/// How task documents are read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Serves the tasks that have no rule of their own.
    pub default_rule: Option<Rule>,
    /// Whether scripts can run here.
    pub python: bool,
}

/// Reads a rule text.
pub fn compile(text: &str, dialect: Dialect) -> Compiled {
    Compiled { rule: None, diagnostics: vec![Diagnostic::error(codes::SYNTAX, "not built")] }
}

/// The canonical text of a rule: `compile(&format(&rule), _)` gives the rule again, in every dialect.
pub fn format(rule: &Rule) -> String {
    String::new()
}

/// The canonical text of a rule text.
pub fn format_text(text: &str) -> Result<String, Vec<Diagnostic>> {
    Ok(String::new())
}

/// Reads the `when` of an output: bare names are values of RETURN.
pub fn compile_expr(text: &str) -> Result<Expr, Vec<Diagnostic>> {
    Err(vec![Diagnostic::error(codes::SYNTAX, "not built")])
}

/// Reads task documents: an object or a list of them. Documents with equal `source` form one set.
///
/// `Err` where the whole is malformed: then nothing of it applies.
pub fn read_documents(json: &[u8], options: &ReadOptions) -> Result<Vec<TaskSet>, Diagnostic> {
    Err(Diagnostic::error(codes::JSON, "not built"))
}

/// What [`read_documents`] has to say, with spans in the rule texts: for `check`.
pub fn check_documents(json: &[u8], options: &ReadOptions) -> Vec<Diagnostic> {
    Vec::new()
}

/// A rule alone: the one set of source `default` with one continuous task without outputs.
pub fn single_task(rule: Rule, id: &str) -> TaskSet {
    TaskSet { source: "default".into(), version: None, tasks: Vec::new(), warnings: Vec::new() }
}
