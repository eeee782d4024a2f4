//! `ensue explain`: what a rule does, in the words of its author: stages and their conditions, window, what is kept of
//! the stream, what it costs, and the automaton.
//!
//! Gathers; `explain/text.rs` draws for a person, serde for a program.

mod demand;
mod fragment;
mod groups;
mod notes;
mod stages;
mod text;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use ensue_dsl::{Diagnostic, ReadOptions};
use ensue_matcher::Program;
use ensue_rule::{Dialect, Task, TaskEntry, TaskSet};
use serde::Serialize;

use crate::diagnostics;
use crate::failure::{Failure, Outcome};
use crate::input;
use crate::output::Output;
use crate::subject::{self, Subject};

/// Say what a rule, or each task of a document, does, keeps and costs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print the automaton only, in Graphviz's dot
    #[arg(long)]
    dot: bool,
    /// A rule (text or compiled) or task documents; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What there is to say of one task.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "explanation")]
struct Explanation {
    source: Arc<str>,
    task: Arc<str>,
    rule: String,
    /// All in a few sentences.
    words: Vec<String>,
    /// The dearest tier of its conditions, 1 to 4.
    tier: u8,
    /// How it runs: continuously, or looking back at what.
    runs: String,
    stream: Vec<String>,
    stages: Vec<stages::Explained>,
    /// How stages belong together: groups, alternatives, any order.
    groups: Vec<String>,
    window: String,
    partition: Vec<String>,
    after_match: String,
    returns: Vec<String>,
    on_timeout: Option<Vec<String>>,
    demands: Vec<demand::Explained>,
    notes: Vec<String>,
    automaton: String,
}

/// The automaton of one task.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "automaton")]
struct Automaton<'a> {
    task: &'a str,
    /// For Graphviz.
    dot: &'a str,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let file = input::name(&args.file);
    let sets = match load(args, &file)? {
        Ok(sets) => sets,
        Err(found) => {
            diagnostics::print(out, &file, &found)?;
            return Ok(Outcome::Refused);
        }
    };
    let mut refused = false;
    let entries: Vec<_> = sets.iter().flat_map(|set| set.tasks.iter().map(move |t| (set, t))).collect();
    for (set, entry) in &entries {
        refused |= !explain(args, out, &file, set, entry)?;
    }
    Ok(Outcome::refused(refused))
}

/// Prints one task; returns whether there was a task to explain.
fn explain(args: &Args, out: &mut Output, file: &str, set: &TaskSet, entry: &TaskEntry) -> Result<bool, Failure> {
    let task = match &entry.task {
        Ok(task) => task,
        Err(refused) => {
            let message = format!("task {} is refused: {}", entry.id, refused.message);
            let d = Diagnostic::error(known_code(&refused.code), message).path(refused.path.clone());
            return diagnostics::print(out, file, &[d]).map(|_| false);
        }
    };
    let sound = subject::program(&task.rule).and_then(|p| subject::check_outputs(task).map(|()| p));
    let program = match sound {
        Ok(program) => program,
        Err(refusal) => {
            let message = format!("task {} is refused: {}", entry.id, refusal.message);
            let d = Diagnostic { message, ..refusal };
            return diagnostics::print(out, file, &[d]).map(|_| false);
        }
    };
    if args.dot {
        let dot = program.dot();
        if out.is_json() {
            out.object(&Automaton { task: &task.id, dot: &dot })?;
        } else {
            out.text(&dot)?;
        }
        return Ok(true);
    }
    let explanation = gather(set, task, &program);
    if out.is_json() {
        out.object(&explanation)?;
    } else {
        out.text(&text::draw(&explanation))?;
    }
    Ok(true)
}

/// The code as the diagnostics have it.
fn known_code(code: &str) -> &'static str {
    ensue_dsl::codes::ALL.iter().map(|(c, _)| *c).find(|c| *c == code).unwrap_or_default()
}

fn load(args: &Args, file: &str) -> Result<Result<Vec<TaskSet>, Vec<Diagnostic>>, Failure> {
    let id = input::stem(&args.file);
    let alone = |rule| vec![ensue_dsl::single_task(rule, &id)];
    Ok(match Subject::of(input::read(&args.file)?, file)? {
        Subject::Text(text) => {
            let compiled = subject::compile_text(&text, Dialect::Ensue);
            compiled.rule.map(alone).ok_or(compiled.diagnostics)
        }
        Subject::Rule(json) => subject::compiled_rule(&json).map(alone),
        Subject::Documents(json) => ensue_dsl::read_documents(&json, &ReadOptions::default()).map_err(|d| vec![d]),
    })
}

fn gather(set: &TaskSet, task: &Task, program: &Program) -> Explanation {
    let rule = &task.rule;
    let (tier, demands) = (program.tier(), demand::explain(task));
    Explanation {
        source: set.source.clone(),
        task: task.id.clone(),
        rule: ensue_dsl::format(rule),
        words: words::explain(task, tier, &demands),
        tier: words::number(tier),
        runs: stages::runs(task),
        stream: task.filter.entries.iter().map(stages::filter_entry).collect(),
        stages: stages::explain(rule),
        groups: groups::explain(&rule.pattern),
        window: stages::window(rule),
        partition: rule.partition_by.iter().map(ToString::to_string).collect(),
        after_match: stages::after_match(&rule.after_match),
        returns: fragment::returns(&rule.returns),
        on_timeout: rule.on_timeout.as_deref().map(fragment::returns),
        demands,
        notes: notes::explain(task),
        automaton: program.describe(),
    }
}
