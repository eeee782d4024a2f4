//! A whole replay of lines that are in memory: what `ensue run --json` prints, for the language faces.

use ensue_rule::{TaskSet, Timestamp};

use super::{Item, Replay, Report};
use crate::config::Config;
use crate::error::Error;

/// Lines between two commits.
const BATCH: usize = 1_024;

/// What happens after the last event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// Time moves to this.
    pub now: Option<Timestamp>,
    /// Time moves from timer to timer until none is left.
    pub drain: bool,
}

/// Runs events, JSON lines, through task sets: all items in the documented order. `unread` are the reports of what could
/// not be read; without any set no event is looked at.
///
/// # Errors
/// As [`Replay::open`] and [`Replay::settle`].
pub fn run(
    config: Config,
    sets: Vec<TaskSet>,
    unread: Vec<Report>,
    events: &[u8],
    after: After,
) -> Result<Vec<Item>, Error> {
    let (mut replay, opened) = Replay::open(config)?;
    let idle = sets.is_empty() && opened.tasks == 0;
    let reports = unread.into_iter().chain(replay.apply(sets)?);
    let mut items: Vec<Item> = reports.map(Item::Report).collect();
    items.extend(replay.left_over()?);
    if !idle {
        items.extend(lines(&mut replay, events, after)?);
    }
    replay.acknowledge(&items)?;
    items.push(Item::Summary(replay.finish()?));
    Ok(items)
}

fn lines(replay: &mut Replay, events: &[u8], after: After) -> Result<Vec<Item>, Error> {
    let mut items = Vec::new();
    let lines: Vec<&[u8]> = events.split_inclusive(|byte| *byte == b'\n').collect();
    for batch in lines.chunks(BATCH) {
        batch.iter().for_each(|line| replay.line(line));
        items.extend(replay.settle()?);
    }
    if let Some(now) = after.now {
        items.extend(replay.advance_to(now)?);
    }
    if after.drain {
        items.extend(replay.drain()?);
    }
    Ok(items)
}
