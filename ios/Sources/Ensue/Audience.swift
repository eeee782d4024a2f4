// Who is told what the engine decides: the streams that an app reads. Keeps no decision but those that wait in a stream.

internal import EnsueFFI

/// The streams of an engine, told on the engine's own thread. Nothing of the app runs there: a stream takes and returns.
final class Audience: Listener, Sendable {
    /// So many decisions or outcomes wait in a stream that nobody reads.
    static let waiting = 1_000

    private let seats = Locked(Seats())

    /// The streams of a kind.
    private typealias Row<Told> = [Int: AsyncStream<Told>.Continuation]

    private struct Seats {
        var next = 0
        var decisions: [Int: Seat] = [:]
        var outcomes: Row<Ensue.Outcome> = [:]
        var stores: Row<Ensue.StoreReport> = [:]
        var strangers: Row<Ensue.Feedback> = [:]
        /// Decisions acknowledged since a stream had no room.
        var acknowledged = 0
        var isClosed = false

        /// Lets somebody sit; `nil` where the audience is closed.
        mutating func take(_ sit: (inout Self, Int) -> Void) -> Int? {
            guard !isClosed else { return nil }
            next += 1
            sit(&self, next)
            return next
        }
    }

    /// One stream of decisions.
    private struct Seat {
        let stream: AsyncStream<Ensue.Decision>.Continuation
        /// The engine tells all that is not acknowledged whenever somebody begins to listen; here each comes once.
        var given = Recent()
        /// There was no room for a decision: it is to be told again.
        var isBehind = false

        mutating func give(_ decision: Ensue.Decision) {
            guard !given.contains(decision.id) else { return }
            if case .dropped = stream.yield(decision) {
                isBehind = true
            } else {
                given.insert(decision.id)
            }
        }
    }

    // MARK: Coming and going

    /// A stream of decisions from now on; ended already where the audience is closed. `left` is called when it is over.
    func decisions(left: @escaping @Sendable () -> Void) -> AsyncStream<Ensue.Decision> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Ensue.Decision.self, bufferingPolicy: .bufferingOldest(Self.waiting))
        let seat = seats.with { $0.take { $0.decisions[$1] = Seat(stream: continuation) } }
        guard let seat else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [seats] _ in
            seats.with { _ = $0.decisions.removeValue(forKey: seat) }
            left()
        }
        return stream
    }

    /// As ``decisions(left:)``, of all that happens.
    func outcomes(left: @escaping @Sendable () -> Void) -> AsyncStream<Ensue.Outcome> {
        newest(\.outcomes, left: left)
    }

    /// As ``decisions(left:)``, of how the store is.
    func storeReports(left: @escaping @Sendable () -> Void) -> AsyncStream<Ensue.StoreReport> {
        newest(\.stores, left: left)
    }

    /// As ``decisions(left:)``, of feedback to decisions that nobody knows.
    func unknownFeedback(left: @escaping @Sendable () -> Void) -> AsyncStream<Ensue.Feedback> {
        newest(\.strangers, left: left)
    }

    /// A stream of which the newest stay where nobody reads.
    private func newest<Told: Sendable>(
        _ row: WritableKeyPath<Seats, Row<Told>> & Sendable, left: @escaping @Sendable () -> Void
    ) -> AsyncStream<Told> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Told.self, bufferingPolicy: .bufferingNewest(Self.waiting))
        let seat = seats.with { $0.take { $0[keyPath: row][$1] = continuation } }
        guard let seat else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [seats] _ in
            seats.with { _ = $0[keyPath: row].removeValue(forKey: seat) }
            left()
        }
        return stream
    }

    /// What is read.
    struct Wants: Equatable {
        /// Decisions, outcomes, how the store is, or feedback to nobody.
        var anything = false
        /// Outcomes.
        var outcomes = false
    }

    /// What is read now.
    var wants: Wants {
        seats.with { seats in
            let outcomes = !seats.outcomes.isEmpty
            let rows = [seats.decisions.isEmpty, seats.stores.isEmpty, seats.strangers.isEmpty]
            return Wants(anything: outcomes || rows.contains(false), outcomes: outcomes)
        }
    }

    /// Ends all streams, after what waits in them.
    func close() {
        let seats = seats.with { seats in
            seats.isClosed = true
            return seats
        }
        for seat in seats.decisions.values { seat.stream.finish() }
        for stream in seats.outcomes.values { stream.finish() }
        for stream in seats.stores.values { stream.finish() }
        for stream in seats.strangers.values { stream.finish() }
    }

    /// So many decisions were acknowledged. Whether the engine is to tell again, since streams that had no room now have.
    func acknowledged(_ count: Int) -> Bool {
        seats.with { seats in
            guard seats.decisions.values.contains(where: \.isBehind) else { return false }
            seats.acknowledged += count
            guard seats.acknowledged >= Self.waiting / 2 else { return false }
            seats.acknowledged = 0
            for seat in seats.decisions.keys { seats.decisions[seat]?.isBehind = false }
            return true
        }
    }

    // MARK: Being told

    func onDecisions(decisions: [EnsueFFI.Decision]) throws {
        for decision in decisions.map(Ensue.Decision.init) {
            seats.with { seats in
                for seat in seats.decisions.keys { seats.decisions[seat]?.give(decision) }
            }
        }
    }

    func onOutcomes(outcomes: [EnsueFFI.Outcome]) throws {
        for outcome in outcomes.map(Ensue.Outcome.init) {
            let streams = seats.with { Array($0.outcomes.values) }
            for stream in streams { stream.yield(outcome) }
        }
    }

    func onStore(report: EnsueFFI.StoreReport) throws {
        let report = Ensue.StoreReport(report)
        let streams = seats.with { Array($0.stores.values) }
        for stream in streams { stream.yield(report) }
    }

    func onUnknownFeedback(feedback: [EnsueFFI.Feedback]) throws {
        let streams = seats.with { Array($0.strangers.values) }
        for feedback in feedback.map(Ensue.Feedback.init) {
            for stream in streams { stream.yield(feedback) }
        }
    }
}

/// The last ids that were given, as many as the engine keeps decisions for; older ones are forgotten.
private struct Recent {
    private static let remembered = 10_000

    private var ids: Set<String> = []
    private var order: [String] = []
    private var oldest = 0

    func contains(_ id: String) -> Bool {
        ids.contains(id)
    }

    mutating func insert(_ id: String) {
        ids.insert(id)
        if order.count < Self.remembered {
            order.append(id)
        } else {
            ids.remove(order[oldest])
            order[oldest] = id
            oldest = (oldest + 1) % order.count
        }
    }
}
