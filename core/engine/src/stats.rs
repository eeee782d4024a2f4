//! Counters since the engine was opened, named as in the summary of `ensue run`.

use std::sync::atomic::{AtomicU64, Ordering};

/// Makes the public [`Stats`] and its atomic twin, which threads count in, from one list.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counters since the engine was opened.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Stats {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Stats {
            /// The counters by name, in the order of the fields.
            pub fn by_name(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }

        /// What threads count in.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        impl Counters {
            /// The counters as they stand.
            pub(crate) fn read(&self) -> Stats {
                Stats { $($name: self.$name.get(),)* }
            }
        }
    };
}

counters! {
    /// Calls of `record` with an event that is not rejected.
    events,
    /// Calls of `record` with a bad event, those that could not be read among them.
    rejected,
    /// Events later than the lateness allows; kept out of matching.
    late,
    /// Events from the future, set back to now.
    clamped,
    /// Events that some task wants.
    demanded,
    /// Rows of events stored, derived ones among them.
    stored,
    /// Wanted events lost to a full queue, and what the host had lost before.
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
    /// Rows that could not be written (disk full); matching went on in memory.
    unwritten,
    /// Events given up to the limits of the log while a task could still have looked at them.
    truncated,
    /// How often a file that is no sound store was found, set aside, and a fresh one begun.
    set_aside,
    /// 1 while the user has opted out.
    opted_out,
    /// Users whose frontier is in memory, beside the anonymous one.
    users,
    /// Tasks, users and partitions with a partial match alive, when last looked after (every few thousand rows, and when
    /// the worker rests). Where many tasks begin alike, those are not counted of which only a beginning was noted.
    runs,
}

/// One number that several threads count in.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds.
    pub(crate) fn add(&self, n: u64) {
        if n > 0 {
            self.0.fetch_add(n, Ordering::Relaxed);
        }
    }

    /// Puts a number in its place.
    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
