// Opening, tasks, time, restarts, and what goes wrong with them.

import Ensue
import Foundation
import Testing

@Suite struct LifeTests {
    @Test func whatIsHalfMatchedGoesOnAfterARestart() async throws {
        let folder = try Folder()
        let twice = """
            {"taskArray": [{"id": "twice", "taskType": "cep", "rule": "EVENT: a -> b WHERE a.actionType = 'pv' AND b.actionType = 'pv' WITHIN 1 H",
              "output": {"type": "touch", "touch": "x"}}]}
            """
        let before = try Ensue(folder.store)
        #expect(try await before.apply(twice).sets.first?.tasks.first?.status == .added)
        before.record(.pageView)
        await before.shutdown()

        let after = try Ensue(folder.store)
        let report = try await after.ready()
        #expect(report.tasks == 1 && report.events == 1 && report.setAside == nil)
        after.record(.pageView)
        let decision = try #require(try await after.decisions.first(1).first)
        #expect(try await after.apply(twice).sets.first?.tasks.first?.status == .unchanged)
        await after.shutdown()

        let again = try Ensue(folder.store)
        #expect(try await again.decisions.first(1).map(\.id) == [decision.id])
        await again.shutdown()
    }

    @Test func whatIsRecordedBeforeTheTasksIsLookedAtThen() async throws {
        let ensue = try Ensue(.init(store: .memory))
        ensue.record(.pageView, ["item": 1])
        try await ensue.apply(everyView)
        try await ensue.flush()
        #expect(try ensue.stats.matches + ensue.stats.before == 1)
    }

    @Test func timeCompletesAnAbsence() async throws {
        let ensue = try Ensue(.init(store: .memory))
        try await ensue.apply(
            """
            {"taskArray": [{"id": "left", "taskType": "cep", "rule": "EVENT: v -> !l WHERE v.actionType = 'pv' AND l.actionType = 'leave' WITHIN 5 MIN",
              "output": {"type": "touch", "touch": "x"}}]}
            """)
        let now = Ensue.Timestamp(Date())
        ensue.record(Ensue.Event(.pageView, time: now))
        try await ensue.flush()
        #expect(ensue.nextWakeup == now + .seconds(300))
        try await ensue.advance(to: now + .seconds(300))
        #expect(try await ensue.decisions.first(1).first?.time == now + .seconds(300))
    }

    @Test func malformedTasksSayWhereAndWhy() async throws {
        let ensue = try await viewing()
        for (json, line, column, path, said) in [
            (
                "{\"taskArray\": [\n  {\"id\": }]}", 2, 10, nil, "line 2, column 10: not JSON: expected value [E0501]"
            ),
            ("", 1, 1, nil, "line 1, column 1: not JSON: the text is empty [E0501]"),
            ("7", nil, nil, nil, "expected an object, found 7 [E0502]"),
            (#"{"taskArray": 7}"#, nil, nil, "taskArray", "taskArray: expected a list, found 7 [E0502]"),
        ] as [(String, Int?, Int?, String?, String)] {
            let error = await failure { try await ensue.apply(json) }
            guard case .tasks(let malformed)? = error else {
                Issue.record("\(String(describing: error)) for \(json)")
                continue
            }
            #expect(malformed.code.hasPrefix("E") && malformed.code.count == 5 && !malformed.reason.isEmpty)
            #expect((malformed.line, malformed.column) == (line, column), "\(malformed)")
            #expect(malformed.path == path, "\(malformed)")
            #expect(error?.localizedDescription == malformed.reason && error?.description == said, "\(malformed)")
        }
        #expect(try await ensue.apply(everyView).sets.first?.tasks.first?.status == .unchanged)
    }

    @Test func aBadTaskIsInTheReportAndStopsNoOther() async throws {
        let ensue = try Ensue(.init(store: .memory))
        let report = try await ensue.apply(
            #"""
            {"source": "growth", "version": 7, "taskArray": [
              {"id": "bad", "taskType": "cep", "rule": "EVENT: a => => b"},
              {"id": "good", "taskType": "cep", "rule": "EVENT: a WITHIN 1 H"}]}
            """#)
        let set = try #require(report.sets.first)
        #expect(set.source == "growth" && set.version == 7 && set.refused == nil && report.hasRefusals)
        #expect(set.tasks.map(\.status) == [.refused, .added])
        let error = try #require(set.tasks.first?.error)
        #expect(
            error.path == "taskArray[0].rule" && error.code.hasPrefix("E") && error.message.contains("line 1, column"))
    }

    @Test func whatCannotBeOpenedSaysWhy() async throws {
        let folder = try Folder()
        let astray = try Ensue(.init(store: .file(folder.url.appending(path: "none/ensue.db"))))
        guard case .unusablePath? = await failure({ try await astray.ready() }) else {
            Issue.record("a folder that is not there")
            return
        }
        // It does no harm, and says so again.
        #expect(astray.record(.pageView) == .closed)
        guard case .unusablePath? = await failure({ try await astray.flush() }) else {
            Issue.record("later calls")
            return
        }

        let elsewhere = try #require(URL(string: "https://example.com/ensue.db"))
        #expect(
            throws: EnsueError.unusablePath(
                reason: "cannot open https://example.com/ensue.db as a store: it is not the URL of a file")
        ) { try Ensue(.init(store: .file(elsewhere))) }

        let first = try Ensue(folder.store)
        try await first.ready()
        let second = try Ensue(folder.store)
        guard case .inUse? = await failure({ try await second.ready() }) else {
            Issue.record("a file that another engine has")
            return
        }
        await first.shutdown()
    }

    @Test func aTornFileIsSetAside() async throws {
        let folder = try Folder()
        try Data(repeating: 7, count: 5_000).write(to: folder.url.appending(path: "ensue.db"))
        let ensue = try Ensue(folder.store)
        let report = try await ensue.ready()
        #expect(report.setAside.map(FileManager.default.fileExists(atPath:)) == true)
        #expect(try ensue.stats.setAside == 1)
        await ensue.shutdown()
    }

    @Test func aDurableEventIsOnTheDiskAndAFileThatIsLostIsTold() async throws {
        let folder = try Folder()
        let ensue = try Ensue(folder.store)
        try await ensue.apply(everyView)
        #expect(try await ensue.recordDurable(Ensue.Event(.pageView, ["item": "é"])) == .queued)
        #expect(try ensue.stats.stored == 1)
        #expect(try await ensue.unacknowledged().map(\.values) == [["item": "é"]])
        #expect(try await ensue.recordDurable(Ensue.Event(.leave)) == .unwanted)

        var reports = ensue.storeReports.makeAsyncIterator()
        try FileManager.default.removeItem(at: folder.url.appending(path: "ensue.db"))
        ensue.record(.pageView)
        try await ensue.flush()
        #expect(await reports.next()?.state == .afresh)
        await ensue.shutdown()
        #expect(await reports.next() == nil)
        await #expect(throws: EnsueError.closed) { try await ensue.recordDurable(Ensue.Event(.pageView)) }
    }

    @Test func aUserIsForgottenAndLeftAlone() async throws {
        let ensue = try await viewing()
        ensue.record(Ensue.Event(.pageView, ["item": "secret"], user: "ann"))
        ensue.record(Ensue.Event(.pageView, ["item": "open"], user: "bob"))
        try await ensue.flush()
        #expect(try await ensue.export("ann").contains("secret"))
        try await ensue.forget("ann")
        #expect(try await !ensue.export("ann").contains("secret"))
        #expect(try await ensue.unacknowledged().map(\.user) == ["bob"])

        try await ensue.optOut()
        #expect(try await ensue.unacknowledged() == [])
        #expect(ensue.record(.pageView) == .optedOut)
        #expect(try ensue.stats.optedOut == 1)
        try await ensue.optIn()
        #expect(ensue.record(.pageView) == .queued)
    }

    @Test func decisionsAndTheirAbsenceAreExplainedAndLeaveOnlyWithConsent() async throws {
        let ensue = try await viewing()
        #expect(try await ensue.consent() == .init())
        try await ensue.setConsent(.init(decisions: true))
        ensue.record(Ensue.Event(.pageView, ["item": "42"], user: "ann"))
        try await ensue.flush()
        let decision = try await ensue.unacknowledged()[0]
        let why = try await ensue.why(decision.id)
        #expect(why.json.contains("\"touch\":\"coupon\"") && why.text.contains("decided `coupon`"))
        let answer = try await ensue.whyNot("viewed", of: .user("ann"))[0]
        #expect(answer.json.contains("\"decisions\":1") && !answer.text.isEmpty)
        #expect(try await ensue.whyNot(of: .user(nil))[0].json.contains("\"decisions\":0"))
        #expect(try await ensue.statsReport().contains("\"matches\":1"))

        let batch = try await ensue.drain()
        #expect(batch.json.contains(decision.id) && batch.items == 1 && !batch.more)
        #expect(try await ensue.drain(since: batch.cursor).items == 0)
        #expect(ensue.feedback(decision.id, .clicked) == .queued)
        var strangers = ensue.unknownFeedback.makeAsyncIterator()
        ensue.feedback("nobody", .shown, at: Ensue.Timestamp(milliseconds: 7))
        try await ensue.flush()
        let stranger = await strangers.next()
        #expect(stranger?.decision == "nobody" && stranger?.kind == .shown)
        #expect(try (ensue.stats.feedback, ensue.stats.feedbackUnknown) == (1, 1))
        try await ensue.resetStats()
        #expect(try await !ensue.statsReport().contains("\"matches\":1"))
        await #expect(throws: EnsueError.self) { try await ensue.why("nobody") }
        await #expect(throws: EnsueError.self) { try await ensue.drain(since: "x") }
    }

    @Test func limitsOfTheLogHold() async throws {
        let folder = try Folder()
        var store = folder.store
        (store.keepEvents, store.keepFor, store.keepBytes, store.userLimit) = (10, .seconds(3_600), 1_000_000, 8)
        let ensue = try Ensue(store)
        try await ensue.apply(everyView)
        for _ in 0..<50 { ensue.record(.pageView) }
        await ensue.shutdown()
        // Closing cut what is over the limit.
        let again = try Ensue(folder.store)
        #expect(try await again.ready().events <= 10)
    }

    @Test func aClosedEngineSaysSo() async throws {
        let ensue = try await viewing()
        await ensue.shutdown()
        await #expect(throws: EnsueError.closed) { try await ensue.flush() }
        await #expect(throws: EnsueError.closed) { try await ensue.apply(everyView) }
        await #expect(throws: EnsueError.closed) { try await ensue.acknowledge(["x"]) }
        await #expect(throws: EnsueError.closed) { try await ensue.unacknowledged() }
        #expect(ensue.nextWakeup == nil)
        ensue.identify("ann")
        #expect(try ensue.stats.events == 0)
    }
}
