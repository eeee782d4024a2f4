// What the tests share: files of the repository, a task, and ways to wait that need no clock.

import Ensue
import Foundation

enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func data(_ path: String) throws -> Data {
        try Data(contentsOf: root.appending(path: path))
    }

    static func text(_ path: String) throws -> String {
        String(decoding: try data(path), as: UTF8.self)
    }

    static func lines(_ path: String) throws -> [String] {
        try text(path).split(separator: "\n").map(String.init)
    }
}

/// Each page view is a decision, which gives back the page's item.
let everyView = """
    {"taskArray": [{"id": "viewed", "taskType": "cep", "rule": "EVENT: v WHERE v.actionType = 'pv' WITHIN 1 H RETURN v.args.item AS item",
      "output": {"type": "touch", "touch": "coupon", "payload": {"percent": 10, "places": ["home"]}}}]}
    """

/// An engine in memory, with that task.
func viewing() async throws -> Ensue {
    let ensue = try Ensue(.init(store: .memory))
    try await ensue.apply(everyView)
    return ensue
}

/// A folder that is gone with this.
final class Folder: Sendable {
    let url = FileManager.default.temporaryDirectory.appending(path: "ensue-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    var store: Ensue.Configuration {
        .init(store: .file(url.appending(path: "ensue.db")))
    }
}

extension AsyncSequence {
    /// The first so many elements.
    func first(_ count: Int) async throws -> [Element] {
        var found: [Element] = []
        guard count > 0 else { return found }
        for try await element in self {
            found.append(element)
            if found.count == count { break }
        }
        return found
    }

    /// All elements to the end.
    func all() async throws -> [Element] {
        var found: [Element] = []
        for try await element in self { found.append(element) }
        return found
    }
}

/// Runs a body on so many threads at once and waits for all.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) async {
    await withTaskGroup(of: Void.self) { group in
        for index in 0..<count {
            group.addTask {
                await withCheckedContinuation { done in
                    Thread.detachNewThread {
                        body(index)
                        done.resume()
                    }
                }
            }
        }
    }
}

/// What a call of an engine throws; `nil`: nothing, or something else.
func failure<Answer>(_ call: () async throws -> Answer) async -> EnsueError? {
    do {
        _ = try await call()
        return nil
    } catch {
        return error as? EnsueError
    }
}
