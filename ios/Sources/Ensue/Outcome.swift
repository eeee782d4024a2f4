// All that happens inside, for tools and logs. An app acts on decisions alone.

extension Ensue {
    /// One thing that happened inside.
    public enum Outcome: Sendable, Hashable {
        /// A match of a task.
        case match(Match)
        /// A partial match whose window ended.
        case timeout(Match)
        /// An event that a match derived.
        case event(DerivedEvent)
        /// A match that is delivered.
        case decision(Decision)
        /// A match that is not.
        case refusal(Refusal)
    }

    /// A match, or a partial match whose window ended.
    public struct Match: Sendable, Hashable, Identifiable {
        /// Stable: 16 hex digits.
        public let id: String
        /// The task.
        public let task: String
        /// Whose set the task is of.
        public let source: String
        /// The version of the set.
        public let version: Int64?
        /// Whose match it is; `nil`: the anonymous user's, or that of a task over all users.
        public let user: String?
        /// The partition key, with PARTITION BY.
        public let partition: [Value]?
        /// When it was complete or due.
        public let time: Timestamp
        /// Whether time completed it, not an event.
        public let isByTime: Bool
        /// Stages with the ids of their events.
        public let bindings: [String: [Value]]
        /// What the rule returns.
        public let values: [String: Value]
    }

    /// An event that a match derived.
    public struct DerivedEvent: Sendable, Hashable, Identifiable {
        /// Stable: 16 hex digits.
        public let id: String
        /// The task that derived it.
        public let task: String
        /// Whose event it is; `nil`: the anonymous user's.
        public let user: String?
        /// Its time.
        public let time: Timestamp
        /// The event in its JSON form.
        public let json: String
    }

    /// A match that is not delivered, or a partial match that had to end.
    public struct Refusal: Sendable, Hashable, Identifiable {
        /// Stable: 16 hex digits.
        public let id: String
        /// The task.
        public let task: String
        /// The version of its set.
        public let version: Int64?
        /// Whose it is; `nil`: the anonymous user's.
        public let user: String?
        /// When it was refused.
        public let time: Timestamp
        /// Index of the output in the task; `nil`: the match as a whole is refused.
        public let output: Int?
        /// The app's name for what would have been shown.
        public let touch: String?
        /// What the task would have given along.
        public let payload: Value
        /// What the rule returns.
        public let values: [String: Value]
        /// The match behind it, where there is one.
        public let matchID: String?
        /// When the decision would no longer have been good.
        public let expires: Timestamp?
        /// Why.
        public let reason: Reason
        /// Why, for a person: which cap, until when.
        public let detail: String
    }
}

extension Ensue.Refusal {
    /// Why a match is not delivered.
    public enum Reason: Sendable, Hashable, CaseIterable {
        /// No output opened.
        case when
        /// A cap is full.
        case cap
        /// Too soon after the one before.
        case cooldown
        /// Too late to be good.
        case ttl
        /// The task's time is over.
        case expired
        /// Another touch of the moment went first.
        case priority
        /// Another task of its group is before the user.
        case exclusive
        /// Quiet hours.
        case quiet
        /// The user is in the arm to which nothing goes out.
        case holdout
        /// It does not go out to this user, to this version, or yet.
        case rollout
        /// While it waited for its time, it was cancelled.
        case cancelled
        /// What became of the touches before it.
        case backoff
        /// Too soon after another touch.
        case minGap
        /// Events were lost while an absence was waited for.
        case gap
        /// Events that were needed are no longer kept.
        case historyTruncated
        /// The script of the task came to no answer.
        case script
        /// `OR ERROR`: the stage to skip to is not bound.
        case error
    }
}
