//! `ensue check`: what is wrong with rules and task documents, and what their author should know.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ensue_dsl::{Diagnostic, ReadOptions};
use ensue_rule::Dialect;
use serde_json::Value as Json;

use crate::diagnostics::{self, Tally};
use crate::failure::{Failure, Outcome};
use crate::input;
use crate::output::Output;
use crate::subject::{self, Subject};

/// Say what is wrong with rules (text or compiled) and task documents
///
/// Exit code 1 if there is an error, or a warning under --deny-warnings.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Warnings count as errors
    #[arg(long)]
    deny_warnings: bool,
    /// Rule texts or JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let mut all = Tally::default();
    for file in &args.files {
        let tally = check(file, out)?;
        all.errors += tally.errors;
        all.warnings += tally.warnings;
    }
    if !out.is_json() {
        out.line(&summary(args.files.len(), all))?;
    }
    Ok(Outcome::refused(all.errors > 0 || (args.deny_warnings && all.warnings > 0)))
}

fn check(path: &Path, out: &mut Output) -> Result<Tally, Failure> {
    let file = input::name(path);
    let diagnostics = match Subject::of(input::read(path)?, &file)? {
        Subject::Text(text) => subject::compile_text(&text, Dialect::Ensue).diagnostics,
        Subject::Rule(json) => compiled(&json).err().into_iter().collect(),
        Subject::Documents(json) => documents(&json),
    };
    diagnostics::print(out, &file, &diagnostics)
}

fn compiled(json: &[u8]) -> Result<(), Diagnostic> {
    subject::compiled_rule(json).and_then(|rule| subject::program(&rule)).map(drop)
}

/// What the reader says of the documents, and the matcher of their rules.
fn documents(json: &[u8]) -> Vec<Diagnostic> {
    let mut diagnostics = ensue_dsl::check_documents(json, &ReadOptions::default());
    match serde_json::from_slice(json) {
        Ok(Json::Array(list)) => {
            for (i, document) in list.iter().enumerate() {
                refused_rules(document, &format!("[{i}]."), &mut diagnostics);
            }
        }
        Ok(document) => refused_rules(&document, "", &mut diagnostics),
        Err(_) => {} // said by the reader
    }
    diagnostics
}

/// Adds what the matcher refuses among the rules of one document. A rule that can't be read is the reader's to report.
fn refused_rules(document: &Json, prefix: &str, into: &mut Vec<Diagnostic>) {
    let tasks = document.get("taskArray").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    for (i, task) in tasks.iter().enumerate() {
        let refusal = match task.get("rule") {
            Some(Json::String(text)) => {
                let text: Arc<str> = text.as_str().into();
                let rule = ensue_dsl::compile(&text, dialect(task)).rule;
                rule.and_then(|rule| subject::program(&rule).err()).map(|d| d.text(text))
            }
            Some(rule @ Json::Object(_)) => {
                let rule = serde_json::from_value(rule.clone()).ok();
                rule.and_then(|rule| subject::program(&rule).err())
            }
            _ => None,
        };
        into.extend(refusal.map(|d| d.path(format!("{prefix}taskArray[{i}].rule"))));
    }
}

fn dialect(task: &Json) -> Dialect {
    if task.get("dialect").and_then(Json::as_str) == Some("flink") { Dialect::Flink } else { Dialect::Ensue }
}

fn summary(files: usize, tally: Tally) -> String {
    let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    format!("{}: {}, {}", counted(files, "file"), counted(tally.errors, "error"), counted(tally.warnings, "warning"))
}
