// What the engine answers to opening and to applying tasks, and what it tells of its store.

extension Ensue {
    /// How opening the store went.
    public struct OpenReport: Sendable, Hashable {
        /// The file that was there was no sound store: it was set aside under this name, and a fresh one begun.
        public let setAside: String?
        /// Tasks that run on from before.
        public let tasks: Int
        /// Events read again to rebuild their state.
        public let events: Int
    }

    /// How the store of a running engine is.
    public struct StoreReport: Sendable, Hashable {
        /// How it is.
        public let state: StoreState
        /// Why, for a person.
        public let detail: String
        /// Rows that could not be written since the engine was opened, as far as it is known now.
        public let unwritten: Int
    }

    /// How a store is, in a word.
    public enum StoreState: Sendable, Hashable, CaseIterable {
        /// It cannot be written: matching goes on in memory, and what comes is not kept.
        case failing
        /// It can be written again. Decisions made meanwhile are kept now; events are not, and their place is marked.
        case working
        /// There is a fresh file: the one before was gone, and all of it was written anew; or torn, and all that was known but the events was.
        case afresh
    }

    /// How applying task documents went: one report a set.
    public struct ApplyReport: Sendable, Hashable {
        /// The sets, in the order of the documents.
        public let sets: [SetReport]

        /// Whether a set or a task was refused, or only the last good form of a task runs on.
        public var hasRefusals: Bool {
            sets.contains { set in
                set.refused != nil || set.tasks.contains { $0.status == .refused || $0.status == .kept }
            }
        }
    }

    /// How applying the set of one source went.
    public struct SetReport: Sendable, Hashable {
        /// Whose set it is.
        public let source: String
        /// Its version.
        public let version: Int64?
        /// Why the set as a whole changed nothing: its version is below the one in force.
        public let refused: Remark?
        /// Notes on the document as a whole.
        public let warnings: [Remark]
        /// The tasks in document order, then those that are gone.
        public let tasks: [TaskReport]
    }

    /// What became of one task.
    public struct TaskReport: Sendable, Hashable, Identifiable {
        /// The task.
        public let id: String
        /// What became of it.
        public let status: TaskStatus
        /// Why, where it is refused or its last good form runs on.
        public let error: Remark?
        /// What its author should know.
        public let warnings: [Remark]
    }

    /// What became of a task, in a word.
    public enum TaskStatus: Sendable, Hashable, CaseIterable {
        /// It is new and runs.
        case added
        /// It runs in its new form.
        case updated
        /// It was there in the same form.
        case unchanged
        /// The new form is refused; the one before runs on.
        case kept
        /// It is refused and does not run.
        case refused
        /// It is no longer in the set.
        case removed
    }

    /// Something to say about a place in a task document.
    public struct Remark: Sendable, Hashable {
        /// The JSON path.
        public let path: String
        /// Stable: `E` or `W` and four digits.
        public let code: String
        /// One sentence for a person, with line and column where it is about the text of a rule.
        public let message: String
    }
}
