// How decisions come: streams, handlers, and what misbehaves among them.

import Ensue
import Foundation
import Testing

@Suite struct DecisionTests {
    @Test func aDecisionSaysAllThatTheTaskGives() async throws {
        let ensue = try await viewing()
        ensue.record(Ensue.Event(.pageView, ["item": "flat 7"], time: 1_700_000_000_000, user: "ann"))
        let decision = try #require(try await ensue.decisions.first(1).first)
        #expect(decision.task == "viewed" && decision.touch == "coupon" && decision.output == 0)
        #expect(decision.user == "ann" && decision.time == 1_700_000_000_000 && decision.expires == nil)
        #expect(decision.values == ["item": "flat 7"])
        #expect(decision.id.count == 16 && decision.matchID.count == 16)
        struct Coupon: Decodable, Equatable {
            var percent: Int
            var places: [String]
        }
        #expect(try decision.payload.decoded() == Coupon(percent: 10, places: ["home"]))
    }

    @Test func everyStreamHasAllDecisionsOnce() async throws {
        let ensue = try await viewing()
        let early = ensue.decisions
        for n in 0..<10 { ensue.record(.pageView, ["item": n]) }
        try await ensue.flush()
        let late = ensue.decisions  // the core tells all again
        for n in 10..<20 { ensue.record(.pageView, ["item": n]) }
        let expected: [Ensue.Value?] = (0..<20).map { Ensue.Value($0) }
        #expect(try await early.first(20).map { $0.values["item"] } == expected)
        #expect(try await late.first(20).map { $0.values["item"] } == expected)
        await ensue.shutdown()
    }

    @Test func whatIsAcknowledgedDoesNotComeAgain() async throws {
        let ensue = try await viewing()
        for n in 0..<3 { ensue.record(.pageView, ["item": n]) }
        let first = try await ensue.decisions.first(3)
        try await ensue.acknowledge(first[1])
        #expect(try await ensue.acknowledge([first[1].id, "unknown"]) == 0)
        let left = try await ensue.unacknowledged()
        #expect(left == [first[0], first[2]], "\(left) \(first)")
        #expect(try await ensue.unacknowledged(limit: 1) == [first[0]])
        #expect(try await ensue.decisions.first(2) == [first[0], first[2]])
    }

    @Test func whatAStreamHasNoRoomForComesWhenOthersAreAcknowledged() async throws {
        let ensue = try await viewing()
        let stream = ensue.decisions
        for n in 0..<1_200 { ensue.record(.pageView, ["item": n]) }
        try await ensue.flush()
        var items: [Int64] = []
        for await decision in stream {
            items.append(try #require(decision.values["item"]?.int))
            try await ensue.acknowledge(decision)
            if items.count == 1_200 { break }
        }
        #expect(items.sorted() == Array(0..<1_200))
    }

    @Test func whoHadNoRoomIsToldOfWhatComesLater() async throws {
        let ensue = try await viewing()
        let (decisions, outcomes) = (ensue.decisions, ensue.outcomes)
        for n in 0...1_000 { ensue.record(.pageView, ["item": n]) }
        for await outcome in outcomes {
            // Told after the decisions of its batch.
            if case .decision(let last) = outcome, last.values["item"] == 1_000 { break }
        }
        var unread = decisions.makeAsyncIterator()
        for n in 0..<1_000 { #expect(await unread.next()?.values["item"] == .int(Int64(n))) }
        ensue.record(.pageView, ["item": "later"])
        await ensue.shutdown()
        #expect(await unread.next()?.values["item"] == "later")
        #expect(await unread.next() == nil)
    }

    @Test func streamsEndWithTheEngineAfterWhatWasRecorded() async throws {
        let ensue = try await viewing()
        let (decisions, outcomes) = (ensue.decisions, ensue.outcomes)
        for n in 0..<5 { ensue.record(.pageView, ["item": n]) }
        await ensue.shutdown()
        #expect(try await decisions.all().count == 5)
        #expect(try await outcomes.all().count == 10)  // a match and a decision each
        #expect(try await ensue.decisions.all().isEmpty)
        await ensue.shutdown()
    }

    @Test func anEngineThatIsLetGoOfEndsItsStreams() async throws {
        var ensue: Ensue? = try await viewing()
        weak var gone = ensue
        let stream = try #require(ensue?.decisions)
        ensue = nil
        #expect(try await stream.all().isEmpty)
        #expect(gone == nil)
    }

    @Test func aHandlerThatThrowsIsCalledForTheNext() async throws {
        let ensue = try await viewing()
        let (called, calling) = AsyncStream.makeStream(of: Ensue.Value?.self)
        let (told, telling) = AsyncStream.makeStream(of: Int64?.self)
        struct Misbehaviour: Error {
            let item: Int64?
        }
        let failed: @Sendable (Ensue.Decision, any Error) -> Void = { decision, error in
            let item = (error as? Misbehaviour)?.item
            telling.yield(item == decision.values["item"]?.int ? item : nil)
        }
        let observation = ensue.onDecision(on: .global(), onFailure: failed) { decision in
            calling.yield(decision.values["item"])
            throw Misbehaviour(item: decision.values["item"]?.int)
        }
        for n in 0..<3 { ensue.record(.pageView, ["item": n]) }
        #expect(try await called.first(3) == [0, 1, 2])
        #expect(try await told.first(3) == [0, 1, 2])
        #expect(try await ensue.unacknowledged().count == 3)
        observation.cancel()
    }

    @Test func aHandlerThatNeverReturnsHoldsUpNobodyElse() async throws {
        let ensue = try await viewing()
        let (blocked, blocking) = AsyncStream.makeStream(of: Void.self)
        let release = DispatchSemaphore(value: 0)
        let observation = ensue.onDecision(on: DispatchQueue(label: "stuck")) { _ in
            blocking.yield()
            release.wait()
        }
        ensue.record(.pageView)
        for await _ in blocked { break }
        for _ in 0..<100 { ensue.record(.pageView) }
        try await ensue.flush()
        #expect(try await ensue.decisions.first(101).count == 101)
        await ensue.shutdown()
        observation.cancel()
        release.signal()
    }

    @Test func aHandlerMayCallTheEngineBackAndEvenCloseIt() async throws {
        let ensue = try await viewing()
        let (ended, ending) = AsyncStream.makeStream(of: Ensue.Recorded.self)
        let observation = ensue.onDecision(on: .global()) { [ensue] decision in
            ensue.record(.pageView, ["item": "again"])
            _ = try ensue.stats
            Task {
                try await ensue.acknowledge(decision)
                await ensue.shutdown()
                ending.yield(ensue.record(.pageView))
            }
        }
        ensue.record(.pageView, ["item": "first"])
        #expect(try await ended.first(1) == [.closed])
        observation.cancel()
    }

    @Test func aCancelledObservationIsCalledNoMore() async throws {
        let ensue = try await viewing()
        let calls = Counter()
        let observation = ensue.onDecision(on: .global()) { _ in calls.add() }
        observation.cancel()
        let stream = ensue.decisions
        ensue.record(.pageView)
        #expect(try await stream.first(1).count == 1)
        #expect(calls.value == 0)
    }

    @Test func aRefusalSaysWhy() async throws {
        let ensue = try Ensue(.init(store: .memory))
        try await ensue.apply(
            """
            {"version": 3, "taskArray": [{"id": "once", "taskType": "cep", "rule": "EVENT: v WHERE v.actionType = 'pv' WITHIN 1 H",
              "output": {"type": "touch", "touch": "coupon"}, "policy": {"caps": [{"limit": 1, "per": "day"}]}}]}
            """)
        let outcomes = ensue.outcomes
        ensue.record(.pageView)
        ensue.record(.pageView)
        let last = try #require(try await outcomes.first(4).last)
        guard case .refusal(let refusal) = last else {
            Issue.record("\(last)")
            return
        }
        #expect(refusal.reason == .cap && refusal.version == 3 && refusal.touch == "coupon" && !refusal.detail.isEmpty)
    }
}
