//! `ensue run`: recorded events through tasks.
//!
//! Reads line by line, never the whole file; prints as it goes; acknowledges what it printed. What is refused is reported
//! and the rest runs.

pub(crate) mod lines;
mod progress;
pub(crate) mod tasks;

use std::path::PathBuf;

use ensue_engine::replay::{Item, to_texts};
use ensue_engine::{Config, Place, Replay};
use ensue_rule::{Duration, Timestamp};

use crate::failure::{Failure, Outcome};
use crate::output::{self, Output};
use lines::Lines;
use progress::Progress;

/// The range of the times of events.
const FARTHEST: i64 = 8_640_000_000_000_000;

/// Run recorded events (JSON lines) through tasks or a rule
///
/// Exit code 0: ran to the end, rejected lines too; 1: a task or rule was refused, or the store was set aside; 2: wrong
/// arguments or unreadable files.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Task documents (JSON)
    #[arg(long, value_name = "T.json", required_unless_present = "rule")]
    tasks: Option<PathBuf>,
    /// A rule text; beside --tasks it serves the tasks without a rule
    #[arg(long, value_name = "R.txt")]
    rule: Option<PathBuf>,
    /// Recorded events, one JSON object a line; `-` is standard input
    #[arg(long, value_name = "E.jsonl")]
    events: PathBuf,
    /// The store; matching goes on where an earlier run over it ended
    #[arg(long, value_name = "F", default_value = ":memory:")]
    db: PathBuf,
    /// After the last event move time to the last timer
    #[arg(long)]
    drain: bool,
    /// After the last event move time to this
    #[arg(long, value_name = "MS", allow_negative_numbers = true,
          value_parser = clap::value_parser!(i64).range(-FARTHEST..=FARTHEST))]
    now: Option<i64>,
    /// How late an event may come
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    lateness: i64,
    /// An event later than this after its user's last begins a new session
    #[arg(long, value_name = "MS", default_value_t = 30 * Duration::MINUTE.0,
          value_parser = clap::value_parser!(i64).range(0..))]
    session_gap: i64,
}

impl Args {
    fn config(&self) -> Config {
        let place = if self.db.as_os_str() == ":memory:" { Place::Memory } else { Place::File(self.db.clone()) };
        Config {
            place,
            lateness: Duration(self.lateness),
            session_gap: Duration(self.session_gap),
            ..Config::in_memory().replay()
        }
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let loaded = tasks::load(args.tasks.as_deref(), args.rule.as_deref())?;
    let lines = Lines::open(&args.events)?;
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
    emit(&replay, out, &replay.left_over())?;
    if !idle {
        events(args, &mut replay, lines, out)?;
    }
    let summary = Item::Summary(replay.finish()?);
    print(out, &[summary])?;
    Ok(Outcome::refused(refused))
}

/// All events, and what time brings after them.
fn events(args: &Args, replay: &mut Replay, mut lines: Lines, out: &mut Output) -> Result<(), Failure> {
    let mut progress = Progress::new(lines.length());
    while let Some(line) = lines.next()? {
        replay.line(line);
        // Whoever writes the lines waits for answers, or a good many are read: both are a moment to commit.
        if lines.is_drained() {
            let items = replay.settle()?;
            emit(replay, out, &items)?;
            progress.show(lines.read(), replay.lines());
        }
    }
    progress.clear();
    let items = replay.settle()?;
    emit(replay, out, &items)?;
    if let Some(now) = args.now {
        let items = replay.advance_to(Timestamp(now))?;
        emit(replay, out, &items)?;
    }
    if args.drain {
        let items = replay.drain()?;
        emit(replay, out, &items)?;
    }
    Ok(())
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
