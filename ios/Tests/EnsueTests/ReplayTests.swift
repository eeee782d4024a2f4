// Recorded events give the lines that they give everywhere: the examples, and conformance cases.

import Ensue
import Foundation
import Testing

@Suite struct ReplayTests {
    @Test(arguments: ["rental", "controls"]) func anExampleGivesItsLines(_ example: String) async throws {
        let lines = try await Ensue.replay(
            tasks: Repository.text("examples/\(example)/tasks.json"),
            events: Repository.data("examples/\(example)/events.jsonl"), options: .init(drain: true))
        let expected = try Repository.lines("examples/\(example)/expected.jsonl")
        for (number, (line, expected)) in zip(lines, expected).enumerated() {
            #expect(timeless(line) == expected, "line \(number + 1)")
        }
        #expect(lines.count == expected.count)
    }

    /// Only how long it took differs from run to run.
    private func timeless(_ line: String) -> String {
        line.replacing(#/,"seconds":[^,}]*/#, with: "")
    }

    @Test func conformanceCasesGiveTheirAnswers() async throws {
        let cases = try Repository.lines("tests/cases/faces.jsonl")
        #expect(cases.count > 150)
        for line in cases {
            let face = try FaceCase(of: Ensue.Value(json: line))
            let found = try await face.replayed()
            #expect(found.refused == [], "\(face.name)")
            #expect(found.matches == face.matches, "\(face.name)")
            if let timeouts = face.timeouts { #expect(found.timeouts == timeouts, "\(face.name)") }
        }
    }

    @Test func aMalformedDocumentIsAmongTheLines() async throws {
        let lines = try await Ensue.replay(tasks: #"{"taskArray": 1}"#, events: Data())
        let report = try Ensue.Value(json: try #require(lines.first))
        #expect(report["kind"] == "report" && report["path"] == "taskArray")
    }
}

/// Stages with the events that they bind, in the one order that sets of them have.
private typealias Bindings = [[String: [Ensue.Value]]]

/// A conformance case of `tests/cases/faces.jsonl`, which every face runs.
private struct FaceCase {
    let name: String
    let tasks: Ensue.Value
    let events: [Ensue.Value]
    let now: Ensue.Timestamp?
    let matches: Bindings
    let timeouts: Bindings?

    init(of json: Ensue.Value) throws {
        name = try #require(json["name"]?.string)
        tasks = try #require(json["tasks"])
        events = try #require(json["events"]?.array)
        now = json["now"]?.int.map(Ensue.Timestamp.init(milliseconds:))
        matches = sorted(try #require(json["matches"]?.array))
        timeouts = json["timeouts"]?.array.map(sorted)
    }

    func replayed() async throws -> (matches: Bindings, timeouts: Bindings, refused: [Ensue.Value]) {
        let encoder = JSONEncoder()
        let text = { (value: Ensue.Value) in String(decoding: try encoder.encode(value), as: UTF8.self) }
        let lines = try events.map(text).joined(separator: "\n")
        let printed = try await Ensue.replay(
            tasks: text(tasks), events: Data(lines.utf8), options: .init(now: now))
        let objects = try printed.map(Ensue.Value.init(json:))
        let bindings = { (kind: Ensue.Value) in
            sorted(objects.filter { $0["kind"] == kind }.compactMap { $0["bindings"] })
        }
        return (bindings("match"), bindings("timeout"), objects.filter { $0["status"] == "refused" })
    }
}

/// Without the stages that an answer spells out as unbound.
private func sorted(_ all: [Ensue.Value]) -> Bindings {
    let each = all.map { match in (match.object ?? [:]).compactMapValues(\.array).filter { !$0.value.isEmpty } }
    let name = { (match: [String: [Ensue.Value]]) in
        match.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.compactMap(\.int))" }.joined(separator: " ")
    }
    return each.sorted { name($0) < name($1) }
}
