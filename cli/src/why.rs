//! `ensue why`: how far each task comes in recorded events, and of one task why it came no further; or where one decision or
//! refusal came from.

use std::path::Path;

use ensue_engine::replay::Report;
use ensue_engine::{Question, Replay, Whose, WhyNot};
use ensue_rule::Duration;
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::input;
use crate::output::{self, Output};
use crate::recording::Recording;
use crate::run::tasks;

/// Say how far tasks come in recorded events, and why no further
///
/// Exit code 0: ran to the end; 1: a task or rule was refused; 2: wrong arguments (a task or decision that there is not) or
/// unreadable files.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    given: tasks::Given,
    /// Tell the story of this task, rather than a table of all
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// Look at this user's events only
    #[arg(long, value_name = "U")]
    user: Option<String>,
    /// Say where this decision or refusal came from
    #[arg(long, value_name = "ID", conflicts_with_all = ["task", "user"])]
    decision: Option<String>,
    #[command(flatten)]
    recording: Recording,
}

/// An answer as a line of JSON.
#[derive(Serialize)]
struct Object<'a, T> {
    kind: &'static str,
    #[serde(flatten)]
    answer: &'a T,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let loaded = args.given.load()?;
    let lines = args.recording.open()?;
    let mut config = args.recording.config();
    // The whole of the recorded events is asked about.
    config.retention.at_least = Duration(i64::MAX);
    let (mut replay, _) = Replay::open(config)?;
    let idle = loaded.sets.is_empty();
    let mut reports = loaded.refused;
    reports.extend(replay.apply(loaded.sets)?);
    let refused: Vec<_> = reports.iter().filter(|r| r.is_refusal()).collect();
    refused.iter().for_each(|r| output::note(&refusal(None, r)));
    if !idle {
        let rejected = args.recording.feed_aside(lines, &mut replay, |_| {})?;
        args.recording.note(rejected);
        tell(args, &replay, out)?;
    }
    Ok(Outcome::refused(!refused.is_empty()))
}

fn tell(args: &Args, replay: &Replay, out: &mut Output) -> Result<(), Failure> {
    if let Some(id) = &args.decision {
        let why = replay.why(id)?;
        return if out.is_json() { out.object(&Object { kind: "why", answer: &why }) } else { out.text(&why.text()) };
    }
    let user = args.user.as_deref().map_or(Whose::Everyone, |u| Whose::User(Some(u.into())));
    let task = args.task.as_deref().map(Into::into);
    let answers = replay.why_not(Question { task, user, since: None, wording: ensue_dsl::format_expr })?;
    if out.is_json() {
        return answers.iter().try_for_each(|answer| out.object(&Object { kind: "why_not", answer }));
    }
    if args.task.is_some() {
        return answers.iter().try_for_each(|answer| out.text(&answer.text()));
    }
    out.text(&table(&answers))
}

/// What was refused of the tasks, beside the answers; `file` where there are several.
pub(crate) fn refusal(file: Option<&Path>, r: &Report) -> String {
    let file = file.map(input::name);
    let whole = file.as_deref().unwrap_or("tasks");
    let what = match (&file, r.task.as_deref()) {
        (Some(file), Some(task)) => format!("{file}: {task}"),
        (_, task) => task.unwrap_or(whole).to_owned(),
    };
    // What has no place in a document was drawn already.
    let error = r.error.as_ref().filter(|e| !e.path.is_empty());
    let error = error.map_or(String::new(), |e| format!(": {}: {}", e.path, e.message));
    format!("ensue: {what} was refused{error}")
}

/// A line a task, in columns.
fn table(answers: &[WhyNot]) -> String {
    let head = ["task", "events", "best stage", "matches", "decisions", "refusals"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(answers.iter().map(row)).collect();
    columns(&rows)
}

fn row(w: &WhyNot) -> [String; 6] {
    let best = match &w.furthest {
        _ if w.matches > 0 => "match".to_owned(),
        Some(story) => story.stage.as_deref().unwrap_or("-").to_owned(),
        None => "-".to_owned(),
    };
    let refusals: Vec<_> = w.refusals.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
    let refusals = if refusals.is_empty() { "-".to_owned() } else { refusals.join(", ") };
    [w.task.to_string(), w.events.to_string(), best, w.matches.to_string(), w.decisions.to_string(), refusals]
}

/// Lines with columns as wide as their widest cell.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().enumerate().map(|(i, cell)| format!("{cell:<width$}", width = width(i)));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
