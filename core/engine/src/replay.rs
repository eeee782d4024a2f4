//! Recorded events through an engine: JSON lines in, the objects of `ensue run --json` out, in the documented order.
//!
//! Drives an [`Engine`] in its replay mode and merges what it tells with the lines that are no events. Reads no file and
//! prints nothing: the command line and the language faces hand in lines and take [`Item`]s.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ensue_rule::{TaskSet, Timestamp};

use crate::answer::{Question, Why, WhyNot};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::Error;
use crate::event_json::read_line;
use crate::feedback::Feedback;
use crate::listener::Listener;
use crate::outcome::{Decision, Outcome};
use crate::report::{OpenReport, Recorded};
pub use item::{Item, Rejected, Report, Summary};
use item::{line_of, reports};
pub use text::to_texts;
pub use whole::{After, run};

/// Recorded events on their way through an engine.
pub struct Replay {
    engine: Engine,
    told: Arc<Told>,
    /// Lines that are no events and were not taken yet.
    rejected: Vec<Rejected>,
    lines: u64,
    bytes: u64,
    clock: SystemClock,
    start: Timestamp,
}

/// The listener: keeps what it is told until it is taken.
#[derive(Default)]
struct Told {
    outcomes: Mutex<Vec<Outcome>>,
    strangers: Mutex<Vec<Feedback>>,
}

impl Told {
    fn take(&self) -> (Vec<Outcome>, Vec<Feedback>) {
        (std::mem::take(&mut *lock(&self.outcomes)), std::mem::take(&mut *lock(&self.strangers)))
    }
}

fn lock<T>(told: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Listener for Told {
    fn on_decisions(&self, _: &[Decision]) {}

    fn on_outcomes(&self, outcomes: &[Outcome]) {
        lock(&self.outcomes).extend_from_slice(outcomes);
    }

    fn on_unknown_feedback(&self, feedback: &[Feedback]) {
        lock(&self.strangers).extend_from_slice(feedback);
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("lines", &self.lines).finish_non_exhaustive()
    }
}

impl Replay {
    /// Opens an engine in replay mode and waits for its store.
    ///
    /// # Errors
    /// As [`Engine::ready`].
    pub fn open(config: Config) -> Result<(Self, OpenReport), Error> {
        let clock = SystemClock::new();
        let start = clock.now();
        let engine = Engine::open(config.replay())?;
        let told = Arc::new(Told::default());
        engine.set_listener(Some(told.clone()));
        let opened = engine.ready()?;
        let replay = Self { engine, told, rejected: Vec::new(), lines: 0, bytes: 0, clock, start };
        Ok((replay, opened))
    }

    /// Applies task sets: a report a task, and one for a set that is refused or warned of as a whole.
    ///
    /// # Errors
    /// As [`Engine::apply`].
    pub fn apply(&mut self, sets: Vec<TaskSet>) -> Result<Vec<Report>, Error> {
        Ok(reports(self.engine.apply(sets)?))
    }

    /// Decisions of an earlier run over the same store that nobody acknowledged.
    ///
    /// # Errors
    /// As [`Engine::decisions`].
    pub fn left_over(&self) -> Result<Vec<Item>, Error> {
        let decisions = self.engine.decisions(usize::MAX)?;
        let of_no_line = |d| Item::Outcome(Outcome::Decision(Decision { line: None, ..d }));
        Ok(decisions.into_iter().map(of_no_line).collect())
    }

    /// Takes the next line. A line of white space is passed over; whatever else is no event is rejected and stops
    /// nothing. What comes of it is among the items of a later [`Replay::settle`].
    pub fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        self.bytes += u64::try_from(line.len()).unwrap_or(u64::MAX);
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let (engine, number) = (&self.engine, self.lines);
        let taken = read_line(line.trim_ascii(), |line| engine.take_line(line, Some(number), true));
        match taken {
            Ok(Recorded::Rejected(reason)) => self.reject(reason.as_str().to_owned()),
            Ok(_) => {}
            Err(bad) => {
                self.engine.reject();
                self.reject(bad.to_string());
            }
        }
    }

    fn reject(&mut self, reason: String) {
        self.rejected.push(Rejected { line: self.lines, reason });
    }

    /// Waits until all lines so far are committed: what came of them, in the documented order.
    ///
    /// # Errors
    /// As [`Engine::flush`].
    pub fn settle(&mut self) -> Result<Vec<Item>, Error> {
        self.engine.flush()?;
        Ok(self.take())
    }

    /// Moves the time of all users to `t`.
    ///
    /// # Errors
    /// As [`Engine::advance_to`].
    pub fn advance_to(&mut self, t: Timestamp) -> Result<Vec<Item>, Error> {
        self.engine.flush()?;
        self.engine.advance_to(t)?;
        Ok(self.take())
    }

    /// Moves time from timer to timer until none is left.
    ///
    /// # Errors
    /// As [`Engine::advance_to`].
    pub fn drain(&mut self) -> Result<Vec<Item>, Error> {
        self.engine.flush()?;
        let mut last = None;
        while let Some(t) = self.engine.next_wakeup().filter(|t| last.is_none_or(|last| *t > last)) {
            self.engine.advance_to(t)?;
            last = Some(t);
        }
        Ok(self.take())
    }

    /// Acknowledges the decisions among items that were delivered.
    ///
    /// # Errors
    /// As [`Engine::ack`].
    pub fn acknowledge(&self, items: &[Item]) -> Result<(), Error> {
        let ids: Vec<&str> = items.iter().filter_map(Item::decision).collect();
        if !ids.is_empty() {
            self.engine.ack(&ids)?;
        }
        Ok(())
    }

    /// Closes the engine: the counters of the whole run.
    ///
    /// # Errors
    /// As [`Engine::flush`].
    pub fn finish(self) -> Result<Summary, Error> {
        self.engine.flush()?;
        let stats = self.engine.stats();
        self.engine.close();
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of a run are far below 2^53")]
        let seconds = self.clock.now().since(self.start).0 as f64 / 1_000.0;
        Ok(Summary { bytes_in: self.bytes, seconds, ..Summary::of(&stats) })
    }

    /// As [`Engine::why_not`], about all lines so far.
    ///
    /// # Errors
    /// As there.
    pub fn why_not(&self, question: Question) -> Result<Vec<WhyNot>, Error> {
        self.engine.flush()?;
        self.engine.why_not(question)
    }

    /// As [`Engine::why`].
    ///
    /// # Errors
    /// As there.
    pub fn why(&self, id: &str) -> Result<Why, Error> {
        self.engine.why(id)
    }

    /// How many lines were taken.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// What was told, with the rejected lines where they belong. All lines so far are committed.
    fn take(&mut self) -> Vec<Item> {
        let (outcomes, strangers) = self.told.take();
        for Feedback { decision, line, .. } in strangers {
            let reason = format!("feedback to `{decision}`: no decision of that id is known");
            self.rejected.push(Rejected { line: line.unwrap_or(self.lines), reason });
        }
        self.rejected.sort_by_key(|rejected| rejected.line);
        let mut items = Vec::new();
        for outcome in outcomes {
            let line = line_of(&outcome).unwrap_or(u64::MAX);
            let before = self.rejected.partition_point(|r| r.line <= line);
            items.extend(self.rejected.drain(..before).map(Item::Rejected));
            items.push(Item::Outcome(outcome));
        }
        items.extend(self.rejected.drain(..).map(Item::Rejected));
        items
    }
}

mod item;
mod text;
mod whole;

#[cfg(test)]
mod tests;
