// The counters.

extension Ensue {
    /// Counters since the engine was opened.
    public struct Stats: Sendable, Hashable {
        /// Events recorded that were not rejected.
        public let events: UInt64
        /// Bad events.
        public let rejected: UInt64
        /// Events later than ``Configuration/lateness`` allows; kept out of matching.
        public let late: UInt64
        /// Events from the future, set back to now.
        public let clamped: UInt64
        /// Events that some task wants.
        public let demanded: UInt64
        /// Rows of events stored, derived ones among them.
        public let stored: UInt64
        /// Wanted events lost to a full queue.
        public let dropped: UInt64
        /// Matches not let out because of a limit.
        public let capped: UInt64
        /// Events skipped by a task because a value of PARTITION BY was missing.
        public let nullKey: UInt64
        /// Bytes of the stored rows.
        public let bytesStored: UInt64
        /// Matches.
        public let matches: UInt64
        /// Partial matches whose window ended, where a rule asks for them.
        public let timeouts: UInt64
        /// Decisions.
        public let decisions: UInt64
        /// Refusals.
        public let refusals: UInt64
        /// Feedback to decisions, each kind of each once.
        public let feedback: UInt64
        /// Feedback that had come before: it changed nothing.
        public let feedbackAgain: UInt64
        /// Feedback to ids that no decision has; counted as rejected too.
        public let feedbackUnknown: UInt64
        /// `OR ERROR` errors of rules.
        public let errors: UInt64
        /// Matches that new tasks found in the history before them: counted, never decided.
        public let before: UInt64
        /// Rows that could not be written; matching went on in memory.
        public let unwritten: UInt64
        /// 1 where opening found a file that is no sound store, set it aside and began a fresh one.
        public let setAside: UInt64
        /// 1 while the user has opted out.
        public let optedOut: UInt64
        /// Events given up to the limits of the log while a task could still have looked at them.
        public let truncated: UInt64
        /// Users whose frontier is in memory, beside the anonymous one.
        public let users: UInt64
        /// Tasks, users and partitions with a partial match alive, when last looked after. Where many tasks begin alike, those
        /// are not counted of which only a beginning was noted.
        public let runs: UInt64
    }
}
