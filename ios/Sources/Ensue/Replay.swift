// Recorded events through tasks: what `ensue run --json` prints.

internal import EnsueFFI
import Foundation

extension Ensue {
    /// How recorded events are replayed.
    public struct ReplayOptions: Sendable, Hashable {
        /// After the last event time moves on to the last thing that falls due.
        public var drain = false
        /// After the last event time moves on to this.
        public var now: Timestamp?
        /// How late an event may come behind its user's latest; 0.
        public var lateness: Duration?
        /// A longer pause begins a new session; 30 minutes.
        public var sessionGap: Duration?

        public init(
            drain: Bool = false, now: Timestamp? = nil, lateness: Duration? = nil, sessionGap: Duration? = nil
        ) {
            self.drain = drain
            self.now = now
            self.lateness = lateness
            self.sessionGap = sessionGap
        }
    }

    /// Runs recorded events (JSON, one a line) through task documents (JSON), in memory, with the events' times as the
    /// only clock: a rule tried on recorded sessions, a test of an app's tasks.
    ///
    /// - Returns: the lines that `ensue run --json` prints: reports, matches, decisions, refusals, at last a summary. What
    ///   is malformed is among them.
    public static func replay(
        tasks: String, events: Data, options: ReplayOptions = ReplayOptions()
    ) async throws(EnsueError) -> [String] {
        try await onQueue(.global()) {
            try EnsueFFI.replay(tasks: tasks, events: events, options: EnsueFFI.ReplayOptions(options))
        }
    }
}
