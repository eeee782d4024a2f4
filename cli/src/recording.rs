//! Recorded events and how they are replayed: what `run`, `why` and `compare` are given alike.

pub(crate) mod lines;
mod progress;

use std::path::PathBuf;

use ensue_engine::replay::Item;
use ensue_engine::{Config, Replay};
use ensue_rule::{Duration, Timestamp};

use crate::failure::Failure;
use crate::input;
use lines::Lines;
use progress::Progress;

/// Times farther from 1970 are no times of events: the range of JavaScript's dates.
const FARTHEST: i64 = 8_640_000_000_000_000;

/// Which events, and how time goes.
#[derive(Debug, clap::Args)]
pub(crate) struct Recording {
    /// Recorded events, one JSON object a line; `-` is standard input (but for compare, which reads them twice)
    #[arg(long, value_name = "E.jsonl")]
    events: PathBuf,
    /// After the last event move time to the last timer
    #[arg(long)]
    drain: bool,
    /// After the last event move time to this, in ms since 1970
    #[arg(long, value_name = "MS", allow_negative_numbers = true,
          value_parser = clap::value_parser!(i64).range(-FARTHEST..=FARTHEST))]
    now: Option<i64>,
    /// How late an event may come behind its user's latest, in ms
    #[arg(long, value_name = "MS", default_value_t = 0, allow_negative_numbers = true,
          value_parser = clap::value_parser!(i64).range(0..))]
    lateness: i64,
    /// A longer pause of a user than this begins a new session, in ms
    #[arg(long, value_name = "MS", default_value_t = 30 * Duration::MINUTE.0, allow_negative_numbers = true,
          value_parser = clap::value_parser!(i64).range(0..))]
    session_gap: i64,
}

impl Recording {
    /// An engine in memory that reads them so.
    pub(crate) fn config(&self) -> Config {
        let (lateness, session_gap) = (Duration(self.lateness), Duration(self.session_gap));
        Config { lateness, session_gap, ..Config::in_memory().replay() }
    }

    /// Refuses events that can be read only once, where they are read again.
    pub(crate) fn twice(&self) -> Result<(), Failure> {
        if input::is_stdin(&self.events) {
            let message = "the events are read twice, which standard input can't be; write them to a file first";
            return Err(Failure::Message(message.to_owned()));
        }
        Ok(())
    }

    /// Says of which lines `ensue run` has more to say.
    pub(crate) fn note(&self, rejected: usize) {
        lines::note_rejected(&self.events, rejected);
    }

    /// The file, opened.
    pub(crate) fn open(&self) -> Result<Lines, Failure> {
        Lines::open(&self.events)
    }

    /// All events, and what time brings after them; `take` is given what comes out, as it does.
    pub(crate) fn feed(
        &self,
        mut lines: Lines,
        replay: &mut Replay,
        mut take: impl FnMut(&Replay, Vec<Item>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut progress = Progress::new(lines.length());
        while let Some(line) = lines.next()? {
            replay.line(line);
            // Whoever writes the lines waits for answers, or a good many are read: both are a moment to commit.
            if lines.is_drained() {
                let items = replay.settle()?;
                take(replay, items)?;
                progress.show(lines.read(), replay.lines());
            }
        }
        progress.clear();
        let items = replay.settle()?;
        take(replay, items)?;
        if let Some(now) = self.now {
            let items = replay.advance_to(Timestamp(now))?;
            take(replay, items)?;
        }
        if self.drain {
            let items = replay.drain()?;
            take(replay, items)?;
        }
        Ok(())
    }

    /// The same where lines that are no events are not printed: how many there are.
    pub(crate) fn feed_aside(
        &self,
        lines: Lines,
        replay: &mut Replay,
        mut take: impl FnMut(Item),
    ) -> Result<usize, Failure> {
        let mut rejected = 0;
        self.feed(lines, replay, |_, items| {
            for item in items {
                match item {
                    Item::Rejected(_) => rejected += 1,
                    item => take(item),
                }
            }
            Ok(())
        })?;
        Ok(rejected)
    }
}
