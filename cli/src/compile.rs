//! `ensue compile`: a rule from text to its compiled JSON, and back.

use std::path::PathBuf;

use clap::ValueEnum;
use ensue_dsl::Diagnostic;
use ensue_rule::{Dialect, Rule};
use serde::Serialize;

use crate::diagnostics;
use crate::failure::{Failure, Outcome};
use crate::input;
use crate::output::{self, Output};
use crate::subject::{self, Subject};

/// Turn a rule text into the compiled rule (JSON), or a compiled rule into text
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to make of it
    #[arg(long, value_enum, default_value = "json")]
    to: Form,
    /// Write it to this file
    #[arg(short, long, value_name = "F")]
    output: Option<PathBuf>,
    /// A rule, as text or compiled; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// The compiled rule, with every default spelled out
    Json,
    /// The canonical text
    Text,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let file = input::name(&args.file);
    match rule(args, &file)? {
        Ok(rule) => {
            match &args.output {
                None if out.is_json() => out.object(&compiled(args.to, &file, &rule))?,
                _ => write(args, out, &form(args.to, &rule)?)?,
            }
            Ok(Outcome::Well)
        }
        Err(found) => {
            say(out, &file, &found)?;
            Ok(Outcome::Refused)
        }
    }
}

/// The object of `--json`.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "compiled")]
struct Compiled<'a> {
    file: &'a str,
    /// As text or as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a Rule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

fn compiled<'a>(to: Form, file: &'a str, rule: &'a Rule) -> Compiled<'a> {
    match to {
        Form::Json => Compiled { file, rule: Some(rule), text: None },
        Form::Text => Compiled { file, rule: None, text: Some(ensue_dsl::format(rule)) },
    }
}

/// The diagnostics go beside the rule, not into it.
fn say(out: &mut Output, file: &str, found: &[Diagnostic]) -> Result<(), Failure> {
    if out.is_json() {
        return diagnostics::print(out, file, found).map(drop);
    }
    for d in found {
        output::note(&d.render(file));
    }
    Ok(())
}

fn rule(args: &Args, file: &str) -> Result<Result<Rule, Vec<Diagnostic>>, Failure> {
    match Subject::of(input::read(&args.file)?, file)? {
        Subject::Text(text) => {
            let compiled = subject::compile_text(&text, Dialect::Ensue);
            Ok(compiled.rule.ok_or(compiled.diagnostics))
        }
        Subject::Rule(json) => Ok(subject::compiled_rule(&json)),
        Subject::Documents(_) => Err(Failure::new(format!("{file} holds task documents; compile takes one rule"))),
    }
}

fn form(to: Form, rule: &Rule) -> Result<String, Failure> {
    let mut text = match to {
        Form::Json => serde_json::to_string_pretty(rule).map_err(|e| Failure::new(e.to_string()))?,
        Form::Text => ensue_dsl::format(rule),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

fn write(args: &Args, out: &mut Output, text: &str) -> Result<(), Failure> {
    match &args.output {
        None => out.text(text),
        Some(path) => std::fs::write(path, text).map_err(|e| Failure::io("write", &path.display().to_string(), &e)),
    }
}
