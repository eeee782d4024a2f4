//! Recorded events through tasks: the lines of `ensue run --json`.

use ensue_dsl::ReadOptions;
use ensue_engine::replay::{After, Report, run};
use ensue_rule::Timestamp;

use crate::config::Config;
use crate::error::{EnsueError, guarded};

/// How events are replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq, uniffi::Record)]
pub struct ReplayOptions {
    /// After the last event time moves to the last timer.
    #[uniffi(default = false)]
    pub drain: bool,
    /// After the last event time moves to this, in ms since 1970.
    #[uniffi(default = None)]
    pub now_ms: Option<i64>,
    /// How late an event may come behind its user's latest; 0.
    #[uniffi(default = None)]
    pub lateness_ms: Option<i64>,
    /// A longer pause begins a new session; 30 minutes.
    #[uniffi(default = None)]
    pub session_gap_ms: Option<i64>,
}

/// Runs recorded events (JSON lines) through task documents (JSON): the lines that `ensue run --json` prints. What is
/// malformed is reported among them.
#[uniffi::export]
pub fn replay(tasks: String, events: Vec<u8>, options: ReplayOptions) -> Result<Vec<String>, EnsueError> {
    guarded(|| {
        let ReplayOptions { drain, now_ms, lateness_ms, session_gap_ms } = options;
        let config = Config { lateness_ms, session_gap_ms, ..Config::default() };
        let (sets, unread) = match ensue_dsl::read_documents(tasks.as_bytes(), &ReadOptions::default()) {
            Ok(sets) => (sets, Vec::new()),
            Err(malformed) => (Vec::new(), vec![Report::unread(None, Some(malformed.to_remark()))]),
        };
        let after = After { now: now_ms.map(Timestamp), drain };
        let items = run(config.into(), sets, unread, &events, after)?;
        let line = |item| serde_json::to_string(item).map_err(|e| EnsueError::Internal { reason: e.to_string() });
        items.iter().map(line).collect()
    })
}
