//! `ensue run`: recorded events through tasks.
//!
//! Reads line by line, never the whole file; prints as it goes; acknowledges what it printed. What is refused is reported
//! and the rest runs.

pub(crate) mod tasks;

use std::path::PathBuf;

use ensue_engine::replay::{Item, to_texts};
use ensue_engine::{Config, Place, Replay};

use crate::failure::{Failure, Outcome};
use crate::output::{self, Output};
use crate::recording::Recording;

/// Run recorded events (JSON lines) through tasks or a rule
///
/// Exit code 0: ran to the end, rejected lines too; 1: a task or rule was refused, or the store was set aside; 2: wrong
/// arguments or unreadable files.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    given: tasks::Given,
    /// The store; matching goes on where an earlier run over it ended
    #[arg(long, value_name = "F", default_value = ":memory:")]
    db: PathBuf,
    #[command(flatten)]
    recording: Recording,
}

impl Args {
    fn config(&self) -> Config {
        let place = Place::at(&self.db);
        Config { place, ..self.recording.config() }
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let loaded = args.given.load()?;
    let lines = args.recording.open()?;
    let (mut replay, opened) = Replay::open(args.config())?;
    if let Some(aside) = &opened.set_aside {
        let db = args.db.display();
        output::note(&format!("ensue: {db} is not a sound store; it was set aside as {}", aside.display()));
    }
    let idle = loaded.sets.is_empty() && opened.tasks == 0;
    let mut reports = loaded.refused;
    reports.extend(replay.apply(loaded.sets)?);
    let refused = reports.iter().any(ensue_engine::replay::Report::is_refusal) || opened.set_aside.is_some();
    let reports: Vec<_> = reports.into_iter().map(Item::Report).collect();
    emit(&replay, out, &reports)?;
    emit(&replay, out, &replay.left_over()?)?;
    if !idle {
        args.recording.feed(lines, &mut replay, |replay, items| emit(replay, out, &items))?;
    }
    let summary = Item::Summary(replay.finish()?);
    print(out, &[summary])?;
    Ok(Outcome::refused(refused))
}

/// Prints items, and acknowledges their decisions once they are out.
fn emit(replay: &Replay, out: &mut Output, items: &[Item]) -> Result<(), Failure> {
    if items.is_empty() {
        return Ok(());
    }
    print(out, items)?;
    out.flush()?;
    Ok(replay.acknowledge(items)?)
}

fn print(out: &mut Output, items: &[Item]) -> Result<(), Failure> {
    if out.is_json() {
        return items.iter().try_for_each(|item| out.object(item));
    }
    to_texts(items).try_for_each(|text| out.line(&text))
}
