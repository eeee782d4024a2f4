// Decisions: what an app acts on.

extension Ensue {
    /// A match that is to be acted on: show the touch, then acknowledge. It is made once and delivered until it is
    /// acknowledged, also after a restart, under one id.
    public struct Decision: Sendable, Hashable, Identifiable {
        /// Stable: 16 hex digits.
        public let id: String
        /// The task that decided.
        public let task: String
        /// The version of the task's set.
        public let version: Int64?
        /// Whose decision it is; `nil`: the anonymous user's.
        public let user: String?
        /// When it was decided.
        public let time: Timestamp
        /// Index of the output in the task.
        public let output: Int
        /// The app's name for what to show.
        public let touch: String
        /// What the task gives along.
        public let payload: Value
        /// What the rule returns.
        public let values: [String: Value]
        /// The match behind it.
        public let matchID: String
        /// When it is no longer good.
        public let expires: Timestamp?
    }
}
