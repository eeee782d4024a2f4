//! What a run is given to run: task documents, a rule text, or a rule for the tasks that have none.

use std::path::{Path, PathBuf};

use ensue_dsl::{Diagnostic, ReadOptions};
use ensue_engine::replay::Report;
use ensue_rule::{Dialect, Remark, Rule, TaskSet};

use crate::failure::Failure;
use crate::input;
use crate::output;
use crate::subject::{self, Subject};

/// Where it is: one of them at least.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Given {
    /// Task documents (JSON)
    #[arg(long, value_name = "T.json")]
    tasks: Option<PathBuf>,
    /// A rule, as text or compiled; beside --tasks it serves the tasks without a rule
    #[arg(long, value_name = "R.txt")]
    rule: Option<PathBuf>,
}

/// What could be read, and what could not.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) sets: Vec<TaskSet>,
    pub(crate) refused: Vec<Report>,
}

/// A rule that was read, with what its author should know.
struct Ready {
    id: String,
    rule: Rule,
    warnings: Vec<Remark>,
}

impl Given {
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        let mut loaded = Loaded::default();
        let rule = match &self.rule {
            Some(path) => read_rule(path, &mut loaded)?,
            None => None,
        };
        match (&self.tasks, rule) {
            (Some(path), rule) => read_tasks(path, rule.map(|r| r.rule), &mut loaded)?,
            (None, Some(ready)) => loaded.sets.push(alone(ready)),
            (None, None) => {}
        }
        Ok(loaded)
    }
}

/// Task documents alone.
pub(crate) fn documents(path: &Path) -> Result<Loaded, Failure> {
    let mut loaded = Loaded::default();
    read_tasks(path, None, &mut loaded)?;
    Ok(loaded)
}

/// Reads the rule, or reports why it is refused.
fn read_rule(path: &Path, loaded: &mut Loaded) -> Result<Option<Ready>, Failure> {
    let file = input::name(path);
    let id = input::stem(path).into_owned();
    let (rule, diagnostics) = match Subject::of(input::read(path)?, &file)? {
        Subject::Text(text) => {
            let compiled = subject::compile_text(&text, Dialect::Ensue);
            (compiled.rule, compiled.diagnostics)
        }
        Subject::Rule(json) => match subject::compiled_rule(&json) {
            Ok(rule) => (Some(rule), Vec::new()),
            Err(found) => (None, found),
        },
        Subject::Documents(_) => return Err(Failure::new(format!("{file} holds task documents: give it as --tasks"))),
    };
    let Some(rule) = rule else {
        draw(&file, &diagnostics);
        let error = diagnostics.iter().find(|d| d.is_error()).map(Diagnostic::to_remark);
        loaded.refused.push(Report::unread(Some(&id), error));
        return Ok(None);
    };
    let warnings = diagnostics.iter().map(Diagnostic::to_remark).collect();
    Ok(Some(Ready { id, rule, warnings }))
}

/// The set of a rule alone.
fn alone(ready: Ready) -> TaskSet {
    let mut set = ensue_dsl::single_task(ready.rule, &ready.id);
    if let Some(entry) = set.tasks.first_mut() {
        entry.warnings.extend(ready.warnings);
    }
    set
}

fn read_tasks(path: &Path, default_rule: Option<Rule>, loaded: &mut Loaded) -> Result<(), Failure> {
    let options = ReadOptions { default_rule, ..ReadOptions::default() };
    match ensue_dsl::read_documents(&input::read(path)?, &options) {
        Ok(sets) => loaded.sets.extend(sets),
        Err(malformed) => {
            draw(&input::name(path), std::slice::from_ref(&malformed));
            loaded.refused.push(Report::unread(None, Some(malformed.to_remark())));
        }
    }
    Ok(())
}

/// What a person needs to see of the text is drawn beside the output.
fn draw(file: &str, diagnostics: &[Diagnostic]) {
    for d in diagnostics {
        output::note(&d.render(file));
    }
}
