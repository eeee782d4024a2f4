// What became of decisions, why they were made, and what of it may leave the device.

internal import EnsueFFI

extension Ensue {
    /// An answer to "why?", for tools and for people.
    public struct Answer: Sendable, Hashable {
        /// A JSON object; `docs/why.md` has its keys.
        public let json: String
        /// The same as text.
        public let text: String
    }

    /// Whose events are asked about.
    public enum Whose: Sendable, Hashable {
        /// Everyone's together.
        case everyone
        /// One user's; `nil`: the anonymous one's.
        case user(String?)
    }

    /// What became of a decision once the app had it.
    public enum FeedbackKind: Sendable, Hashable, CaseIterable {
        /// The user saw it.
        case shown
        /// The user took it up.
        case clicked
        /// The user sent it away.
        case dismissed
        /// The user did what it was for.
        case converted
    }

    /// Feedback to a decision.
    public struct Feedback: Sendable, Hashable {
        /// The decision's id.
        public let decision: Decision.ID
        /// What became of it.
        public let kind: FeedbackKind
        /// When, if that was said.
        public let time: Timestamp?
    }

    /// What may leave the device. Nothing, if nobody says so.
    public struct Consent: Sendable, Hashable {
        /// Decisions made from now on, with the values of RETURN and the user's name.
        public var decisions: Bool
        /// Feedback told from now on.
        public var feedback: Bool
        /// Counters of tasks, begun anew with the consent.
        public var counters: Bool

        public init(decisions: Bool = false, feedback: Bool = false, counters: Bool = false) {
            self.decisions = decisions
            self.feedback = feedback
            self.counters = counters
        }
    }

    /// What leaves the device with one call.
    public struct Batch: Sendable, Hashable {
        /// A JSON object: `cursor`, `more`, and the lists `decisions`, `feedback` and `counters`.
        public let json: String
        /// From where the next batch goes on, once this one has arrived.
        public let cursor: String
        /// Whether there is more at once.
        public let more: Bool
        /// How many items it has.
        public let items: Int
    }
}

extension Ensue {
    /// Says what became of a decision: what policies count of it counts for all that is decided after this call. Each kind
    /// counts once for a decision. An id that no decision has is counted as ``Stats/feedbackUnknown``, and comes
    /// out of ``unknownFeedback``. Never waits.
    ///
    /// - Parameters:
    ///   - decision: its id.
    ///   - kind: what became of it.
    ///   - time: when; `nil`: now.
    @discardableResult
    public func feedback(_ decision: Decision.ID, _ kind: FeedbackKind, at time: Timestamp? = nil) -> Recorded {
        (try? engine.feedback(decision: decision, kind: .init(kind), tsMs: time?.milliseconds)).map(Recorded.init)
            ?? .closed
    }

    /// Why there is a decision, or a refusal, of this id.
    ///
    /// - Throws: ``EnsueError/unknown(reason:)`` where there is none.
    public func why(_ id: Decision.ID) async throws(EnsueError) -> Answer {
        try await waiting { Answer(try $0.why(id: id)) }
    }

    /// Why tasks decided nothing, or what they did decide, since then (`nil`: as far back as events are kept): an answer for
    /// this task (`nil`: for each).
    ///
    /// - Throws: ``EnsueError/unknown(reason:)`` where there is no such task.
    public func whyNot(
        _ task: String? = nil, of whose: Whose = .everyone, since: Timestamp? = nil
    ) async throws(EnsueError) -> [Answer] {
        try await waiting {
            try $0.whyNot(task: task, whose: .init(whose), sinceMs: since?.milliseconds).map(Answer.init)
        }
    }

    /// The counters of all tasks and their versions, as a JSON object; `docs/why.md` has its keys.
    public func statsReport() async throws(EnsueError) -> String {
        try await waiting { try $0.statsReport() }
    }

    /// Begins the counters of all tasks anew.
    public func resetStats() async throws(EnsueError) {
        try await waiting { try $0.resetStats() }
    }

    /// What may leave the device.
    public func consent() async throws(EnsueError) -> Consent {
        try await waiting { Consent(try $0.consent()) }
    }

    /// Says what may leave the device from now on; remembered until it is said anew.
    public func setConsent(_ consent: Consent) async throws(EnsueError) {
        try await waiting { try $0.setConsent(consent: .init(consent)) }
    }

    /// What there is consent to send and was not fetched yet, about so many bytes of it.
    ///
    /// - Parameters:
    ///   - since: the cursor of the last batch that has arrived (`nil`: none has). As long as it is not given back, a batch
    ///     comes again.
    ///   - maxBytes: about how many; one item comes at least.
    public func drain(since: String? = nil, maxBytes: Int = 65_536) async throws(EnsueError) -> Batch {
        try await waiting { Batch(try $0.drain(since: since, maxBytes: UInt32(clamping: maxBytes))) }
    }
}
