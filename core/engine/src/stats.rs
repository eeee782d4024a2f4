//! Counters since the engine was opened, named as in the summary of `ensue run`.

/// Counters since the engine was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls of `record` with an event that is not rejected.
    pub events: u64,
    /// Calls of `record` with a bad event.
    pub rejected: u64,
    /// Events later than the lateness allows; kept out of matching.
    pub late: u64,
    /// Events from the future, set back to now.
    pub clamped: u64,
    /// Events that some task wants.
    pub demanded: u64,
    /// Rows of events stored, derived ones among them.
    pub stored: u64,
    /// Wanted events lost to a full queue.
    pub dropped: u64,
    /// Matches not let out because of a limit.
    pub capped: u64,
    /// Events skipped by a task because a value of PARTITION BY was null.
    pub null_key: u64,
    /// Bytes of the stored rows, encoded.
    pub bytes_stored: u64,
    /// Matches.
    pub matches: u64,
    /// Timeouts.
    pub timeouts: u64,
    /// Decisions.
    pub decisions: u64,
    /// Refusals.
    pub refusals: u64,
    /// `OR ERROR` errors of rules.
    pub errors: u64,
    /// Matches that new tasks found in the history before them: counted, never decided.
    pub before: u64,
    /// Events and decisions that could not be written (disk full); matching went on in memory.
    pub unwritten: u64,
    /// Live partial-match holders: one for each task, user and partition with something alive.
    pub runs: u64,
    /// A sound store was not found at opening: it was set aside.
    pub set_aside: bool,
}
