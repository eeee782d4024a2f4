// Between the types of the core and those of apps, field by field.

internal import EnsueFFI
import Foundation

/// Runs a call of the core; what it throws comes as this package's error.
func translated<Answer>(_ body: () throws -> Answer) throws(EnsueError) -> Answer {
    do {
        return try body()
    } catch let error as EnsueFFI.EnsueError {
        throw EnsueError(error)
    } catch {
        throw .internal(reason: String(describing: error))
    }
}

extension EnsueError {
    fileprivate init(_ error: EnsueFFI.EnsueError) {
        switch error {
        case .Tasks(let code, let reason, let hint, let path, let line, let column):
            self = .tasks(
                Malformed(
                    code: code, reason: reason, hint: hint, path: path, line: line.map(Int.init),
                    column: column.map(Int.init)))
        case .Closed: self = .closed
        case .InUse(let reason): self = .inUse(reason: reason)
        case .NewerSchema(let reason): self = .newerSchema(reason: reason)
        case .UnusablePath(let reason): self = .unusablePath(reason: reason)
        case .Store(let reason): self = .store(reason: reason)
        case .Unknown(let reason): self = .unknown(reason: reason)
        case .BadCursor(let reason): self = .badCursor(reason: reason)
        case .Unavailable(let reason): self = .unavailable(reason: reason)
        case .Event(let reason, _), .Callback(let reason), .Internal(let reason): self = .internal(reason: reason)
        }
    }
}

extension Config {
    init(_ given: Ensue.Configuration) {
        var path: String?
        if case .file(let url) = given.store { path = url.path }
        self.init(
            path: path, replay: false, latenessMs: given.lateness?.wholeMilliseconds,
            sessionGapMs: given.sessionGap?.wholeMilliseconds, defaultWindowMs: given.defaultWindow?.wholeMilliseconds,
            queue: given.queueLimit, early: given.earlyLimit, eventBytes: given.eventBytes, users: given.userLimit,
            keepAtLeastMs: given.keepAtLeast?.wholeMilliseconds, consent: given.consent.map(Consent.init),
            keepForMs: given.keepFor?.wholeMilliseconds, keepEvents: given.keepEvents, keepBytes: given.keepBytes)
    }
}

extension EnsueFFI.Consent {
    init(_ given: Ensue.Consent) {
        self.init(decisions: given.decisions, feedback: given.feedback, counters: given.counters)
    }
}

extension Ensue.Consent {
    init(_ given: EnsueFFI.Consent) {
        self.init(decisions: given.decisions, feedback: given.feedback, counters: given.counters)
    }
}

extension EnsueFFI.Whose {
    init(_ given: Ensue.Whose) {
        self =
            switch given {
            case .everyone: .everyone
            case .user(nil): .anonymous
            case .user(let name?): .user(name: name)
            }
    }
}

extension EnsueFFI.FeedbackKind {
    init(_ given: Ensue.FeedbackKind) {
        self =
            switch given {
            case .shown: .shown
            case .clicked: .clicked
            case .dismissed: .dismissed
            case .converted: .converted
            }
    }
}

extension Ensue.FeedbackKind {
    fileprivate init(_ given: EnsueFFI.FeedbackKind) {
        self =
            switch given {
            case .shown: .shown
            case .clicked: .clicked
            case .dismissed: .dismissed
            case .converted: .converted
            }
    }
}

extension Ensue.Feedback {
    init(_ given: EnsueFFI.Feedback) {
        self.init(
            decision: given.decision, kind: Ensue.FeedbackKind(given.kind),
            time: given.tsMs.map(Ensue.Timestamp.init(milliseconds:)))
    }
}

extension Ensue.Answer {
    init(_ given: EnsueFFI.Answer) {
        self.init(json: given.json, text: given.text)
    }
}

extension Ensue.Batch {
    init(_ given: EnsueFFI.Batch) {
        self.init(json: given.json, cursor: given.cursor, more: given.more, items: Int(clamping: given.items))
    }
}

extension EnsueFFI.ReplayOptions {
    init(_ given: Ensue.ReplayOptions) {
        self.init(
            drain: given.drain, nowMs: given.now?.milliseconds, latenessMs: given.lateness?.wholeMilliseconds,
            sessionGapMs: given.sessionGap?.wholeMilliseconds)
    }
}

extension Ensue.Recorded {
    private static let tooDeep = "it is nested too deeply, or has too many attributes"

    /// By the number that the core gives for a packed event: the place in its own enum. That it is derived no event can say
    /// here.
    init(number: UInt8) {
        switch number {
        case 0: self = .queued
        case 1: self = .unwanted
        case 2: self = .dropped
        case 3: self = .optedOut
        case 4: self = .closed
        case 5: self = .rejected(.noActionType)
        case 7: self = .rejected(.tooLarge)
        case 9: self = .rejected(.utcOffset)
        default: self = .rejected(.malformed(reason: Self.tooDeep, column: nil))
        }
    }

    init(_ recorded: EnsueFFI.Recorded) {
        self =
            switch recorded {
            case .queued: .queued
            case .unwanted: .unwanted
            case .full: .dropped
            case .closed: .closed
            case .optedOut: .optedOut
            case .noActionType: .rejected(.noActionType)
            case .tooLarge: .rejected(.tooLarge)
            case .utcOffset: .rejected(.utcOffset)
            case .derived, .malformed: .rejected(.malformed(reason: Self.tooDeep, column: nil))
            }
    }
}

extension Ensue.Value {
    init(_ value: EnsueFFI.Value) {
        switch value {
        case .null: self = .null
        case .truth(let value): self = .bool(value)
        case .whole(let value): self = .int(value)
        case .number(let value): self = .double(value)
        case .text(let value): self = .string(value)
        case .items(let values): self = .array(values.map(Self.init))
        case .entries(let values): self = .object(values.mapValues(Self.init))
        }
    }
}

/// Values by name; names of RETURN are unique.
private func named(_ values: [Named]) -> [String: Ensue.Value] {
    Dictionary(values.map { ($0.name, Ensue.Value($0.value)) }) { _, last in last }
}

extension Ensue.Decision {
    init(_ given: EnsueFFI.Decision) {
        self.init(
            id: given.id, task: given.task, version: given.version, user: given.user,
            time: Ensue.Timestamp(milliseconds: given.atMs), output: Int(given.output), touch: given.touch,
            payload: Ensue.Value(given.payload), values: named(given.values), matchID: given.matchId,
            expires: given.expiresAtMs.map(Ensue.Timestamp.init(milliseconds:)))
    }
}

extension Ensue.Outcome {
    init(_ given: EnsueFFI.Outcome) {
        self =
            switch given {
            case .matched(let found): .match(Ensue.Match(found))
            case .timedOut(let found): .timeout(Ensue.Match(found))
            case .derived(let event): .event(Ensue.DerivedEvent(event))
            case .decided(let decision): .decision(Ensue.Decision(decision))
            case .refused(let refusal): .refusal(Ensue.Refusal(refusal))
            }
    }
}

extension Ensue.Match {
    fileprivate init(_ given: EnsueFFI.Match) {
        let bindings = given.bindings.map { ($0.stage, $0.events.map(Ensue.Value.init)) }
        self.init(
            id: given.id, task: given.task, source: given.source, version: given.version, user: given.user,
            partition: given.partition?.map(Ensue.Value.init), time: Ensue.Timestamp(milliseconds: given.atMs),
            isByTime: given.byTime, bindings: Dictionary(bindings) { _, last in last }, values: named(given.values))
    }
}

extension Ensue.DerivedEvent {
    fileprivate init(_ given: EnsueFFI.DerivedEvent) {
        self.init(
            id: given.id, task: given.task, user: given.user, time: Ensue.Timestamp(milliseconds: given.atMs),
            json: given.event)
    }
}

extension Ensue.Refusal {
    fileprivate init(_ given: EnsueFFI.Refusal) {
        self.init(
            id: given.id, task: given.task, version: given.version, user: given.user,
            time: Ensue.Timestamp(milliseconds: given.atMs), output: given.output.map(Int.init), touch: given.touch,
            payload: Ensue.Value(given.payload), values: named(given.values), matchID: given.matchId,
            expires: given.expiresAtMs.map(Ensue.Timestamp.init(milliseconds:)), reason: Reason(given.reason),
            detail: given.detail)
    }
}

extension Ensue.Refusal.Reason {
    fileprivate init(_ given: RefusalReason) {
        self =
            switch given {
            case .when: .when
            case .cap: .cap
            case .cooldown: .cooldown
            case .ttl: .ttl
            case .expired: .expired
            case .priority: .priority
            case .exclusive: .exclusive
            case .quiet: .quiet
            case .holdout: .holdout
            case .rollout: .rollout
            case .cancelled: .cancelled
            case .backoff: .backoff
            case .minGap: .minGap
            case .gap: .gap
            case .historyTruncated: .historyTruncated
            case .script: .script
            case .error: .error
            }
    }
}

extension Ensue.OpenReport {
    init(_ given: EnsueFFI.OpenReport) {
        self.init(setAside: given.setAside, tasks: Int(clamping: given.tasks), events: Int(clamping: given.events))
    }
}

extension Ensue.StoreReport {
    init(_ given: EnsueFFI.StoreReport) {
        self.init(
            state: Ensue.StoreState(given.state), detail: given.detail, unwritten: Int(clamping: given.unwritten))
    }
}

extension Ensue.StoreState {
    fileprivate init(_ given: EnsueFFI.StoreState) {
        self =
            switch given {
            case .failing: .failing
            case .working: .working
            case .afresh: .afresh
            }
    }
}

extension Ensue.ApplyReport {
    init(_ given: EnsueFFI.ApplyReport) {
        self.init(sets: given.sets.map(Ensue.SetReport.init))
    }
}

extension Ensue.SetReport {
    fileprivate init(_ given: EnsueFFI.SetReport) {
        self.init(
            source: given.source, version: given.version, refused: given.refused.map(Ensue.Remark.init),
            warnings: given.warnings.map(Ensue.Remark.init), tasks: given.tasks.map(Ensue.TaskReport.init))
    }
}

extension Ensue.TaskReport {
    fileprivate init(_ given: EnsueFFI.TaskReport) {
        self.init(
            id: given.id, status: Ensue.TaskStatus(given.status), error: given.error.map(Ensue.Remark.init),
            warnings: given.warnings.map(Ensue.Remark.init))
    }
}

extension Ensue.TaskStatus {
    fileprivate init(_ given: EnsueFFI.TaskStatus) {
        self =
            switch given {
            case .added: .added
            case .updated: .updated
            case .unchanged: .unchanged
            case .kept: .kept
            case .refused: .refused
            case .removed: .removed
            }
    }
}

extension Ensue.Remark {
    fileprivate init(_ given: EnsueFFI.Remark) {
        self.init(path: given.path, code: given.code, message: given.message)
    }
}

extension Ensue.Stats {
    init(_ given: EnsueFFI.Stats) {
        self.init(
            events: given.events, rejected: given.rejected, late: given.late, clamped: given.clamped,
            demanded: given.demanded, stored: given.stored, dropped: given.dropped, capped: given.capped,
            nullKey: given.nullKey, bytesStored: given.bytesStored, matches: given.matches, timeouts: given.timeouts,
            decisions: given.decisions, refusals: given.refusals, feedback: given.feedback,
            feedbackAgain: given.feedbackAgain, feedbackUnknown: given.feedbackUnknown, errors: given.errors,
            before: given.before,
            unwritten: given.unwritten, setAside: given.setAside, optedOut: given.optedOut,
            truncated: given.truncated, users: given.users, runs: given.runs)
    }
}
