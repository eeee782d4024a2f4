// What `record` takes, from how many threads, and what becomes of it.

import Ensue
import Foundation
import Testing

@Suite struct RecordingTests {
    @Test func whatBecameOfAnEventIsSaid() async throws {
        var configuration = Ensue.Configuration(store: .memory)
        configuration.eventBytes = 1_000
        let ensue = try Ensue(configuration)
        try await ensue.apply(everyView)
        #expect(ensue.record(.pageView, scene: "item_detail", ["item": 42]) == .queued)
        #expect(ensue.record(.leave) == .unwanted)
        #expect(ensue.record("") == .rejected(.noActionType))
        let long = String(repeating: "x", count: 2_000)
        #expect(ensue.record(.pageView, ["text": long]) == .rejected(.tooLarge))
        #expect(ensue.record(Ensue.Event(.pageView, utcOffsetMinutes: 1_441)) == .rejected(.utcOffset))
        #expect(ensue.record(json: Data(#"{"actionType":"pv","args":{"item":"é"}}"#.utf8)) == .queued)
        let bad = ensue.record(json: Data(#"{"actionType":pv}"#.utf8))
        guard case .rejected(.malformed(let reason, let column)) = bad else {
            Issue.record("\(bad)")
            return
        }
        #expect(!reason.isEmpty && column == 15)
        try await ensue.flush()
        let stats = try ensue.stats
        #expect((stats.events, stats.stored, stats.rejected) == (3, 2, 4))
        await ensue.shutdown()
        #expect(ensue.record(.pageView) == .closed)
    }

    @Test func whatIsOverTheLimitIsDroppedAndCounted() async throws {
        var configuration = Ensue.Configuration(store: .memory)
        configuration.earlyLimit = 2
        let ensue = try Ensue(configuration)
        try await ensue.ready()
        #expect((0..<4).map { _ in ensue.record(.pageView) } == [.queued, .queued, .dropped, .dropped])
        #expect(try ensue.stats.dropped == 2)
    }

    @Test func aValueComesOutAsItWentIn() async throws {
        let ensue = try await viewing()
        var decisions = ensue.decisions.makeAsyncIterator()
        var object: [String: Ensue.Value] = ["é": ["a", .null, true, false, -1, 1.5e300, ["deep": [[]]]], "": ""]
        object["long"] = .string(String(repeating: "日本", count: 1_000))
        let values: [Ensue.Value] = [
            1, .int(.min), .int(.max), 0.1, -0.0, "", "text", true, .null, .object(object), .array([.object(object)]),
        ]
        for value in values {
            #expect(ensue.record(.pageView, ["item": value]) == .queued)
            #expect(await decisions.next()?.values["item"] == value)
        }
    }

    @Test func allThatCanBeSaidOfAnEventArrives() async throws {
        let ensue = try Ensue(.init(store: .memory))
        try await ensue.apply(
            """
            {"taskArray": [{"id": "all", "taskType": "cep",
              "rule": "EVENT: e WHERE e.source = 'network' WITHIN 1 H RETURN e.actionType AS a, e.scene AS s, e.ts AS t, e.userId AS u, HOUR(e) AS h",
              "output": {"type": "touch", "touch": "x"}}]}
            """)
        var matches = ensue.outcomes.makeAsyncIterator()
        let noon: Ensue.Timestamp = 1_700_049_600_000
        let event = Ensue.Event(
            .request, scene: "host/path", time: noon, user: "u1", source: .network, id: "e1", utcOffsetMinutes: 60)
        #expect(ensue.record(event) == .queued)
        guard case .match(let match)? = await matches.next() else {
            Issue.record("no match came first")
            return
        }
        #expect(match.bindings == ["e": ["e1"]] && match.user == "u1" && match.time == noon && !match.isByTime)
        #expect(match.values == ["a": "request", "s": "host/path", "t": 1_700_049_600_000, "u": "u1", "h": 13])
        guard case .decision? = await matches.next() else {
            Issue.record("no decision came second")
            return
        }
    }

    @Test func aLaterEventIsOfTheIdentifiedUser() async throws {
        let ensue = try await viewing()
        var decisions = ensue.decisions.makeAsyncIterator()
        for user in ["ann", nil, "日本"] {
            ensue.identify(user)
            ensue.record(.pageView)
            #expect(await decisions.next()?.user == user)
        }
    }

    @Test func anEventThatCannotBePackedIsRejectedAndCounted() async throws {
        let ensue = try await viewing()
        let deep = (0..<100).reduce(Ensue.Value.null) { inside, _ in .array([inside]) }
        var many: Ensue.Attributes = [:]
        for n in 0..<70_000 { many.append("a\(n)", 1) }
        for attributes in [["item": deep], many] {
            let recorded = ensue.record(.pageView, attributes)
            guard case .rejected = recorded else {
                Issue.record("\(recorded)")
                continue
            }
        }
        #expect(try ensue.stats.rejected == 2)
    }

    @Test func sixtyFourThreadsLoseNothingBelowTheLimit() async throws {
        let ensue = try await viewing()
        await onThreads(64) { thread in
            for n in 0..<60 { ensue.record(.pageView, scene: "s\(thread)", ["item": n]) }
        }
        try await ensue.flush()
        let stats = try ensue.stats
        #expect((stats.demanded, stats.stored, stats.dropped) == (3_840, 3_840, 0))
    }

    @Test func sixtyFourTasksLoseNothingBelowTheLimit() async throws {
        let ensue = try await viewing()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<64 {
                group.addTask {
                    for n in 0..<60 { ensue.record(.pageView, scene: "s\(task)", ["item": n]) }
                }
            }
        }
        try await ensue.flush()
        let stats = try ensue.stats
        #expect((stats.demanded, stats.stored, stats.dropped) == (3_840, 3_840, 0))
    }

    @Test func shuttingDownWhileThreadsRecordLosesNothingThatWasQueued() async throws {
        let ensue = try await viewing()
        let queued = Counter()
        let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
        async let recorders: Void = onThreads(8) { _ in
            while true {
                switch ensue.record(.pageView) {
                case .queued: if queued.add() == 100 { beginning.yield() }
                case .closed: return
                default: break
                }
            }
        }
        for await _ in begun { break }
        await ensue.shutdown()
        await recorders
        let stats = try ensue.stats
        #expect(Int(stats.stored) == queued.value, "\(stats)")
        #expect(ensue.record(.pageView) == .closed)
    }
}
