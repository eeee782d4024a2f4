// The engine as apps see it. Conversions and hand-overs between threads, and nothing else: what an event or a decision
// is, the core says.

internal import EnsueFFI
import Foundation

/// Finds sequences in what a user does, on the device.
///
/// ```swift
/// let ensue = try Ensue(.init(store: .file(folder.appending(path: "ensue.db"))))  // returns at once
/// try await ensue.apply(json)                                                      // what the cloud pushed
/// ensue.record(.pageView, scene: "item_detail", ["item": 42])                      // never throws, never waits
/// for await decision in ensue.decisions {
///     show(decision.touch, decision.payload)
///     try await ensue.acknowledge(decision)
/// }
/// ```
///
/// Make one for the life of the app. All its calls may come from any thread or task. What is recorded before the store is
/// open, or before the first tasks, is kept and looked at then. An engine that is let go of is shut down.
public final class Ensue: Sendable {
    let engine: Engine
    private let audience = Audience()
    /// What the core was told last.
    private let listening = Locked(Audience.Wants())
    /// The calls that wait do so here, not on a thread of Swift's tasks.
    private let calls = DispatchQueue(label: "dev.ensue.calls")

    /// Starts the engine, which opens its store on a thread of its own; returns at once.
    ///
    /// - Throws: ``EnsueError/unavailable(reason:)`` where no thread can be started, ``EnsueError/unusablePath(reason:)`` for the
    ///   URL of something that is no file. How opening the store goes is for ``ready()`` to say.
    public init(_ configuration: Configuration) throws(EnsueError) {
        if case .file(let url) = configuration.store, !url.isFileURL {
            throw .unusablePath(reason: "cannot open \(url.absoluteString) as a store: it is not the URL of a file")
        }
        engine = try translated { try Engine(config: Config(configuration)) }
    }

    deinit {
        audience.close()
        // Shutting down waits for the store, and this may be the main thread.
        calls.async { [engine] in try? engine.shutdown() }
    }

    // MARK: Recording

    /// Takes an event: what was done, where, and what else is to be said of it. Never throws and never waits, on any
    /// thread.
    @discardableResult
    public func record(_ actionType: ActionType, scene: String? = nil, _ attributes: Attributes = [:]) -> Recorded {
        record(Event(actionType, scene: scene, attributes))
    }

    /// Takes an event with all that can be said of it. Never throws and never waits.
    @discardableResult
    public func record(_ event: borrowing Event) -> Recorded {
        do {
            let recorded = try PackedEvent.with(event) { try engine.recordPacked(event: $0) }
            // What has no packed form is counted as malformed by the engine, like what it cannot read.
            return try Recorded(number: recorded ?? engine.recordPacked(event: Data()))
        } catch {
            return .rejected(.malformed(reason: String(describing: error), column: nil))
        }
    }

    /// Takes an event in its JSON form. Never throws and never waits.
    @discardableResult
    public func record(json: Data) -> Recorded {
        do {
            return Recorded(try engine.recordJson(event: json))
        } catch EnsueFFI.EnsueError.Event(let reason, let column) {
            return .rejected(.malformed(reason: reason, column: column.map(Int.init)))
        } catch {
            return .rejected(.malformed(reason: String(describing: error), column: nil))
        }
    }

    /// Takes an event as ``record(_:)`` does, and waits until it, and all before it, is on the disk, so that not even a crash
    /// of the system takes it back. Its time, where it has none, is when the engine takes it.
    ///
    /// - Returns: what became of it. Where that is not `queued`, this event is not kept.
    /// - Throws: ``EnsueError/store(reason:)`` where the store fails, ``EnsueError/unavailable(reason:)`` before the first
    ///   tasks, when events wait in memory.
    @discardableResult
    public func recordDurable(_ event: Event) async throws(EnsueError) -> Recorded {
        // The engine's memory of it outlives this call's.
        let packed = PackedEvent.with(event) { lent in lent.withUnsafeBytes { Data($0) } }
        // What has no packed form is counted as malformed by the engine, like what it cannot read.
        return try await waiting { Recorded(number: try $0.recordPackedDurable(event: packed ?? Data())) }
    }

    // MARK: Decisions

    /// Decisions as they are made, those first that were not acknowledged yet, each once.
    ///
    /// Every use makes a stream of its own, and each has all decisions. One that is not read holds 1,000; what is beyond
    /// stays in the store, and comes when others were acknowledged, or with the next stream. The streams end when the
    /// engine is shut down or let go of.
    public var decisions: AsyncStream<Decision> {
        let stream = audience.decisions { [weak self] in self?.listen(anew: false) }
        listen(anew: true)
        return stream
    }

    /// Calls `handle` with each decision, on this queue, one after the other, until the observation is cancelled.
    ///
    /// What `handle` throws ends nothing: the decision stays unacknowledged, `failed` is told on that queue (`nil`: it is printed
    /// on standard error), and the next one comes. One that takes its time holds up nothing but its own queue.
    public func onDecision(
        on queue: DispatchQueue = .main, onFailure failed: (@Sendable (Decision, any Error) -> Void)? = nil,
        _ handle: @escaping @Sendable (Decision) throws -> Void
    ) -> Observation {
        Observation(of: decisions, on: queue) { decision in
            do {
                try handle(decision)
            } catch {
                (failed ?? Observation.printed)(decision, error)
            }
        }
    }

    /// All that happens inside, from now on: matches, timeouts, derived events, decisions, refusals. For tools and logs;
    /// it costs more than it tells an app. A stream that is not read holds the last 1,000.
    public var outcomes: AsyncStream<Outcome> {
        let stream = audience.outcomes { [weak self] in self?.listen(anew: false) }
        listen(anew: true)
        return stream
    }

    /// The store began to fail, works again, or was begun afresh: each such change from now on. A stream that is not read
    /// holds the last 1,000.
    public var storeReports: AsyncStream<StoreReport> {
        let stream = audience.storeReports { [weak self] in self?.listen(anew: false) }
        listen(anew: true)
        return stream
    }

    /// Feedback to ids that no decision has, from now on: a mistake of the app, or of a user who is forgotten. A stream that
    /// is not read holds the last 1,000.
    public var unknownFeedback: AsyncStream<Feedback> {
        let stream = audience.unknownFeedback { [weak self] in self?.listen(anew: false) }
        listen(anew: true)
        return stream
    }

    /// The oldest decisions that are not acknowledged, at most so many.
    ///
    /// - Throws: ``EnsueError/closed`` where the engine is shut down.
    public func unacknowledged(limit: Int = .max) async throws(EnsueError) -> [Decision] {
        try await waiting { try $0.decisions(limit: UInt32(clamping: limit)).map(Decision.init) }
    }

    /// Acknowledges a decision: it is not delivered again.
    public func acknowledge(_ decision: Decision) async throws(EnsueError) {
        try await acknowledge([decision.id])
    }

    /// Acknowledges decisions by their ids.
    ///
    /// - Returns: how many were not acknowledged before.
    @discardableResult
    public func acknowledge(_ ids: [Decision.ID]) async throws(EnsueError) -> Int {
        let count = try await waiting { Int(clamping: try $0.ack(ids: ids)) }
        if audience.acknowledged(count) { listen(anew: true) }
        return count
    }

    /// Says to the core whether anyone listens, where that changed. Whoever is new makes it tell of all that is not
    /// acknowledged.
    private func listen(anew: Bool) {
        listening.with { listening in
            let wanted = audience.wants
            guard anew || wanted != listening else { return }
            listening = wanted
            try? engine.setListener(listener: wanted.anything ? audience : nil, outcomes: wanted.outcomes)
        }
    }

    // MARK: Users

    /// Whose the later events without a user are; `nil`: the anonymous user's. Never waits.
    public func identify(_ user: String?) {
        try? engine.identify(user: user)
    }

    /// Erases all that is of a user (`nil`: the anonymous one), and waits until no trace is left in the file.
    public func forget(_ user: String?) async throws(EnsueError) {
        try await waiting { try $0.forget(user: user) }
    }

    /// Erases all that is of any user, and takes nothing from now on, also after a restart. Tasks stay.
    public func optOut() async throws(EnsueError) {
        try await waiting { try $0.optOut() }
    }

    /// Takes events again, after ``optOut()``; there is no history.
    public func optIn() async throws(EnsueError) {
        try await waiting { try $0.optIn() }
    }

    /// All that is stored of a user (`nil`: the anonymous one), as a JSON object for them to read.
    public func export(_ user: String?) async throws(EnsueError) -> String {
        try await waiting { try $0.exportUser(user: user) }
    }

    // MARK: Tasks, time and the end

    /// Waits until the store is open, and says how that went.
    @discardableResult
    public func ready() async throws(EnsueError) -> OpenReport {
        try await waiting { OpenReport(try $0.ready()) }
    }

    /// Puts task documents (JSON) in place of the previous ones of their sources, and waits until that is stored.
    ///
    /// A bad task among good ones is no error: the report says what became of each.
    /// - Throws: ``EnsueError/tasks(_:)``, with place and reason, where the documents as a whole are malformed; nothing
    ///   of them applies then.
    @discardableResult
    public func apply(_ json: String) async throws(EnsueError) -> ApplyReport {
        try await waiting { ApplyReport(try $0.apply(tasks: json)) }
    }

    /// Waits until all that was recorded before is stored. Before the first tasks events wait in memory: nothing is stored
    /// then.
    public func flush() async throws(EnsueError) {
        try await waiting { try $0.flush() }
    }

    /// Moves the time of all users on (never back), and waits until what that completes is stored. The engine does so by
    /// itself while the app runs; this is for tests.
    public func advance(to time: Timestamp) async throws(EnsueError) {
        try await waiting { try $0.advanceTo(ms: time.milliseconds) }
    }

    /// When the engine is next to look at the time, as far as it has come; `nil`: never, as things are, and never where it is
    /// shut down. For an app that
    /// asks the system to wake it.
    public var nextWakeup: Timestamp? {
        (try? engine.nextWakeup()).flatMap { $0 }.map(Timestamp.init(milliseconds:))
    }

    /// The counters.
    public var stats: Stats {
        get throws(EnsueError) { try translated { Stats(try engine.stats()) } }
    }

    /// Stores what was recorded, ends the streams after the decisions of that, and closes the engine. What is recorded from
    /// this call on is told `closed`. May be called twice.
    public func shutdown() async {
        try? await waiting { try $0.shutdown() }
        audience.close()
    }

    /// Asks the core on the queue of calls, for this one waits.
    func waiting<Answered: Sendable>(
        _ ask: @escaping @Sendable (Engine) throws -> Answered
    ) async throws(EnsueError) -> Answered {
        try await onQueue(calls) { [engine] in try ask(engine) }
    }
}

/// Runs a body that waits on a queue.
func onQueue<Answer: Sendable>(
    _ queue: DispatchQueue, _ body: @escaping @Sendable () throws -> Answer
) async throws(EnsueError) -> Answer {
    let answer: Result<Answer, EnsueError> = await withCheckedContinuation { continuation in
        queue.async {
            continuation.resume(
                returning: Result { () throws(EnsueError) -> Answer in try translated(body) })
        }
    }
    return try answer.get()
}
