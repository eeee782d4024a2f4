// What goes wrong with an engine as a whole. Bad events and refused tasks are no errors: they are reported each by itself.

import Foundation

/// Why Ensue cannot do what it was asked.
public enum EnsueError: Error, Sendable, Hashable {
    /// Task documents are malformed as a whole, and nothing of them applies.
    case tasks(Malformed)
    /// The engine is closed.
    case closed
    /// Another process, or another engine of this one, has the file.
    case inUse(reason: String)
    /// The file was written by a later version of Ensue.
    case newerSchema(reason: String)
    /// The path is not a file that can be opened.
    case unusablePath(reason: String)
    /// The store failed: disk full, I/O. Matching goes on in memory.
    case store(reason: String)
    /// No decision, refusal or task has this id.
    case unknown(reason: String)
    /// What was given as the cursor of a batch is none.
    case badCursor(reason: String)
    /// It cannot be done now: no thread can be started, or no tasks have come yet to keep an event for.
    case unavailable(reason: String)
    /// A mistake of Ensue itself; please report it.
    case `internal`(reason: String)
}

extension EnsueError {
    /// What is wrong with task documents, and where.
    public struct Malformed: Sendable, Hashable {
        /// Stable: `E` and four digits.
        public let code: String
        /// What is wrong, in one sentence.
        public let reason: String
        /// What to write instead.
        public let hint: String?
        /// The JSON path, where it is known.
        public let path: String?
        /// The line, from 1.
        public let line: Int?
        /// The column in characters, from 1.
        public let column: Int?
    }

    /// What is wrong, in one sentence for a person.
    public var reason: String {
        switch self {
        case .tasks(let malformed): malformed.reason
        case .closed: "the engine is closed"
        case .inUse(let reason), .newerSchema(let reason), .unusablePath(let reason), .store(let reason),
            .unknown(let reason), .badCursor(let reason), .unavailable(let reason), .internal(let reason):
            reason
        }
    }
}

extension EnsueError: LocalizedError, CustomStringConvertible {
    public var errorDescription: String? { reason }

    public var recoverySuggestion: String? {
        if case .tasks(let malformed) = self { malformed.hint } else { nil }
    }

    public var description: String {
        guard case .tasks(let malformed) = self else { return reason }
        var text = malformed.path.map { "\($0): " } ?? ""
        if let line = malformed.line, let column = malformed.column { text += "line \(line), column \(column): " }
        return text + "\(reason) [\(malformed.code)]" + (malformed.hint.map { " (\($0))" } ?? "")
    }
}
