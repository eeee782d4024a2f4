//! How an engine is set up: where its store is, whose clock it goes by, and the numbers that bound it.

use std::path::PathBuf;
use std::sync::Arc;

use ensue_matcher::Limits;
use ensue_rule::Duration;

use crate::clock::{Clock, SystemClock};
use crate::pending::Scripts;
use crate::uplink::Consent;

/// How an engine is set up. [`Config::at`] and [`Config::in_memory`] give the defaults, whose fields may be changed.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the store is.
    pub place: Place,
    /// Which clock time goes by.
    pub mode: Mode,
    /// How late an event may come, behind the largest time seen of its user. 0.
    pub lateness: Duration,
    /// An event later than this after its user's last begins a new session. 30 minutes.
    pub session_gap: Duration,
    /// Events that wait for the worker; what comes while it is full is dropped and counted. 4,096.
    pub queue: usize,
    /// Events that wait for the first task set; what comes later is dropped and counted. 1,000.
    pub early: usize,
    /// Users whose state is in memory; where there are more, those that were last seen longest ago and wait for nothing are
    /// put away, and read from the store when they come again. 4,096.
    pub users: usize,
    /// A larger event is rejected: the bytes of its names, texts and values. 64 KiB.
    pub event_bytes: usize,
    /// What is kept of the log whatever the tasks say.
    pub retention: Retention,
    /// What may leave the device; `None`: what was said last, and nothing at first.
    pub consent: Option<Consent>,
    /// The numbers that bound the matcher; among them the default window, 24 hours.
    pub limits: Limits,
    /// Runs the scripts that tasks name; `None`: no scripts run here.
    pub scripts: Option<Arc<dyn Scripts>>,
}

/// Limits of the log: what is over them goes, from the oldest on, also where a task could still look at it; a run that loses
/// its first events ends, refused `history_truncated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How long an event of a kind that some task wants stays, though none can look at it any more: as far back
    /// `why_not` can answer. 0: as long as tasks look at it. The limits below hold all the same.
    pub at_least: Duration,
    /// How old an event may get. 31 days. Users of whom nothing else is stored are forgotten after it.
    pub age: Duration,
    /// How many events there may be. 200,000.
    pub rows: u64,
    /// How many bytes they may have, encoded. 64 MiB.
    pub bytes: u64,
}

impl Retention {
    /// No limits: what no task can look at any more goes all the same.
    pub const UNLIMITED: Self =
        Self { at_least: Duration(0), age: Duration(i64::MAX), rows: u64::MAX, bytes: u64::MAX };
}

impl Default for Retention {
    fn default() -> Self {
        Self { at_least: Duration(0), age: Duration(31 * Duration::DAY.0), rows: 200_000, bytes: 64 * 1024 * 1024 }
    }
}

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, made if it is not there. While it is open `-wal` and `-entries` beside it belong to it, and so after a kill. A
    /// relative path is one in the folder that is the process's when the engine is opened, whatever is later.
    File(PathBuf),
    /// In memory: gone with the engine.
    Memory,
}

impl Place {
    /// The file at a path; `:memory:` is no file, as everywhere with `SQLite`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        if path.as_os_str() == ":memory:" { Self::Memory } else { Self::File(path) }
    }

    /// The same wherever the process goes.
    pub(crate) fn settled(self) -> Self {
        match self {
            // Of one that cannot be made absolute (it is empty, or the folder is gone) opening says what it is.
            Self::File(path) => Self::File(std::path::absolute(&path).unwrap_or(path)),
            Self::Memory => Self::Memory,
        }
    }
}

/// Which clock time goes by.
#[derive(Clone, Debug)]
pub enum Mode {
    /// Events come as they happen. The clock stamps those without a time, those from the future are set back to now,
    /// timers fire when the clock passes them, and opening moves time to now.
    Live(Arc<dyn Clock>),
    /// Recorded events are replayed: their times are the only clock. Nothing is clamped, nothing moves by itself, a full
    /// queue makes the caller wait, and listeners are called before [`crate::Engine::flush`] returns.
    Replay,
}

impl Config {
    /// A store in a file, or as [`Place::at`] says, live on the system clock.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            place: Place::at(path),
            mode: Mode::Live(Arc::new(SystemClock::new())),
            lateness: Duration(0),
            session_gap: Duration(30 * Duration::MINUTE.0),
            queue: 4_096,
            early: 1_000,
            users: 4_096,
            event_bytes: 64 * 1024,
            retention: Retention::default(),
            consent: None,
            limits: Limits::default(),
            scripts: None,
        }
    }

    /// A store in memory, live on the system clock.
    pub fn in_memory() -> Self {
        Self { place: Place::Memory, ..Self::at("") }
    }

    /// The same, replaying recorded events; all that tasks may look at is kept.
    pub fn replay(self) -> Self {
        let retention = Retention { at_least: self.retention.at_least, ..Retention::UNLIMITED };
        Self { mode: Mode::Replay, retention, ..self }
    }

    /// The same, live on this clock.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { mode: Mode::Live(clock), ..self }
    }
}
