//! `ensue check`: what is wrong with rules and task documents, what their author should know, and whether the tests
//! inside tasks get what they expect.
//!
//! Rules and documents are looked at by `ensue-dsl`, automata by the matcher; `check/data.rs` holds rules against
//! recorded events, `check/tests.rs` runs tests.

mod data;
mod tests;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ensue_dsl::{CheckedTask, Diagnostic, ReadOptions, Schema};

use crate::diagnostics::{self, Tally};
use crate::failure::{Failure, Outcome};
use crate::input;
use crate::output::Output;
use crate::subject::{self, Subject};
use data::Data;

/// Say what is wrong with rules (text or compiled) and task documents, and run the tests in them
///
/// Exit code 1 if there is an error, or a warning under --deny-warnings.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Known action types and attributes (JSON): names and types are checked against it
    #[arg(long, value_name = "F")]
    schema: Option<PathBuf>,
    /// Recorded events, one JSON object a line: says what of the rules never occurs in them
    #[arg(long, value_name = "E.jsonl")]
    events: Option<PathBuf>,
    /// Warnings count as errors
    #[arg(long)]
    deny_warnings: bool,
    /// Rule texts or JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let schema = match &args.schema {
        Some(path) => match Schema::read(&input::read(path)?) {
            Ok(schema) => Some(Arc::new(schema)),
            Err(d) => return diagnostics::print(out, &input::name(path), &[d]).map(|_| Outcome::Refused),
        },
        None => None,
    };
    let mut read = Vec::new();
    for file in &args.files {
        read.push(Read::of(file, schema.clone())?);
    }
    if let Some(path) = &args.events {
        let data = Data::read(path, read.iter().flat_map(|r| &r.tasks))?;
        read.iter_mut().for_each(|r| r.against(&data));
    }
    let (mut all, mut ran) = (Tally::default(), tests::Ran::default());
    for r in &read {
        let tests = tests::run(&r.tasks)?;
        all.add(diagnostics::print(out, &r.file, &r.diagnostics)?);
        all.add(diagnostics::print(out, &r.file, &tests.diagnostics)?);
        ran.count += tests.count;
        ran.failed += tests.failed;
    }
    if !out.is_json() {
        out.line(&summary(args.files.len(), all, &ran))?;
    }
    Ok(Outcome::refused(all.errors > 0 || (args.deny_warnings && all.warnings > 0)))
}

/// A file that was read.
struct Read {
    file: String,
    diagnostics: Vec<Diagnostic>,
    tasks: Vec<CheckedTask>,
}

impl Read {
    fn of(path: &Path, schema: Option<Arc<Schema>>) -> Result<Self, Failure> {
        let file = input::name(path);
        let (diagnostics, tasks) = match Subject::of(input::read(path)?, &file)? {
            Subject::Text(text) => rule_text(&text, schema.as_deref()),
            Subject::Rule(json) => match subject::compiled_rule(&json) {
                Ok(rule) => rule_text(&ensue_dsl::format(&rule).into(), schema.as_deref()),
                Err(found) => (found, Vec::new()),
            },
            Subject::Documents(json) => documents(&json, schema),
        };
        Ok(Self { file, diagnostics, tasks })
    }

    fn against(&mut self, data: &Data) {
        for d in self.tasks.iter().flat_map(|task| data.never(task)) {
            // What is about a trigger is found with each task that it triggers.
            if d.text.is_some() || !self.diagnostics.contains(&d) {
                self.diagnostics.push(d);
            }
        }
    }
}

/// What is said of a rule text, and the task that it is alone.
fn rule_text(text: &Arc<str>, schema: Option<&Schema>) -> (Vec<Diagnostic>, Vec<CheckedTask>) {
    let checked = subject::check_text(text, schema);
    let task = checked.rule.and_then(|rule| subject::task_of(rule, "rule"));
    let alone = |task| CheckedTask { task, path: String::new(), text: Some(text.clone()), tests: Vec::new() };
    (checked.diagnostics, task.map(alone).into_iter().collect())
}

/// What the reader says of the documents, and the matcher of their rules and outputs.
fn documents(json: &[u8], schema: Option<Arc<Schema>>) -> (Vec<Diagnostic>, Vec<CheckedTask>) {
    let options = ReadOptions { schema, ..ReadOptions::default() };
    let mut checked = ensue_dsl::check_documents(json, &options);
    checked.tasks.retain(|task| {
        let refused = [subject::program(&task.task.rule).err(), subject::check_outputs(&task.task).err()];
        let sound = refused.iter().all(Option::is_none);
        checked.diagnostics.extend(refused.into_iter().flatten().map(|d| task.place(d)));
        sound
    });
    (checked.diagnostics, checked.tasks)
}

fn summary(files: usize, tally: Tally, ran: &tests::Ran) -> String {
    let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut text = format!(
        "{}: {}, {}",
        counted(files, "file"),
        counted(tally.errors, "error"),
        counted(tally.warnings, "warning")
    );
    if ran.count > 0 {
        let _ = write!(text, "; {}, {} failed", counted(ran.count, "test"), ran.failed);
    }
    text
}
