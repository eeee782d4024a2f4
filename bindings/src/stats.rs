//! The counters, by name.

/// Makes the record of counters and its conversion from one list; a counter of the engine that is not in it does not
/// compile.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters since the engine was opened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
        pub struct Stats {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl From<ensue_engine::Stats> for Stats {
            fn from(stats: ensue_engine::Stats) -> Self {
                let ensue_engine::Stats { $($name,)* } = stats;
                Self { $($name,)* }
            }
        }
    };
}

/// A counter by its name in `ensue run --json`.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Counter {
    /// The name.
    pub name: String,
    /// The count.
    pub count: u64,
}

counters! {
    /// Events recorded that were not rejected.
    events,
    /// Bad events.
    rejected,
    /// Events later than the lateness allows; kept out of matching.
    late,
    /// Events from the future, set back to now.
    clamped,
    /// Events that some task wants.
    demanded,
    /// Rows of events stored, derived ones among them.
    stored,
    /// Wanted events lost to a full queue.
    dropped,
    /// Matches not let out because of a limit.
    capped,
    /// Events skipped by a task because a value of PARTITION BY was null.
    null_key,
    /// Bytes of the stored rows, encoded.
    bytes_stored,
    /// Matches.
    matches,
    /// Timeouts.
    timeouts,
    /// Decisions.
    decisions,
    /// Refusals.
    refusals,
    /// Feedback to decisions, each kind of each once.
    feedback,
    /// Feedback that had come before: it changed nothing.
    feedback_again,
    /// Feedback to ids that no decision has; counted as rejected too.
    feedback_unknown,
    /// `OR ERROR` errors of rules.
    errors,
    /// Matches that new tasks found in the history before them: counted, never decided.
    before,
    /// Rows that could not be written; matching went on in memory.
    unwritten,
    /// Events given up to the limits of the log while a task could still have looked at them.
    truncated,
    /// 1 where opening found a file that is no sound store, set it aside and began a fresh one.
    set_aside,
    /// 1 while the user has opted out.
    opted_out,
    /// Users whose frontier is in memory, beside the anonymous one.
    users,
    /// Tasks, users and partitions with a partial match alive, when last looked after. Where many tasks begin alike, those are
    /// not counted of which only a beginning was noted.
    runs,
}
