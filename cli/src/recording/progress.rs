//! How far a run is, on standard error: only where somebody watches it, and the answers go elsewhere.

use std::io::{self, IsTerminal, Write};

use ensue_engine::{Clock, SystemClock};
use ensue_rule::{Duration, Timestamp};

/// A line on the terminal that says how far the run is.
pub(super) struct Progress {
    shown: bool,
    watched: bool,
    length: Option<u64>,
    clock: SystemClock,
    last: Timestamp,
}

impl Progress {
    pub(super) fn new(length: Option<u64>) -> Self {
        let watched = io::stderr().is_terminal() && !io::stdout().is_terminal();
        let clock = SystemClock::new();
        let last = clock.now();
        Self { shown: false, watched, length, clock, last }
    }

    /// Says it again, a few times a second at most.
    pub(super) fn show(&mut self, bytes: u64, lines: u64) {
        let now = self.clock.now();
        if !self.watched || now.since(self.last) < Duration(200) {
            return;
        }
        (self.last, self.shown) = (now, true);
        let share = self.length.and_then(|all| bytes.saturating_mul(100).checked_div(all));
        let share = share.map_or(String::new(), |percent| format!("{percent} %, "));
        let _ = write!(io::stderr(), "\r{share}{lines} lines ");
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r{:40}\r", "");
            self.shown = false;
        }
    }
}
