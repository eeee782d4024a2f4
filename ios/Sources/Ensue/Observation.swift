// A handler that is called with decisions.

import Foundation

extension Ensue {
    /// A handler that is called with each decision until this is cancelled; keep it, for it is cancelled when let go of.
    public final class Observation: Sendable {
        private let task: Task<Void, Never>
        private let isOver = Locked(false)

        init(
            of decisions: AsyncStream<Decision>, on queue: DispatchQueue,
            _ handle: @escaping @Sendable (Decision) -> Void
        ) {
            task = Task.detached { [isOver] in
                for await decision in decisions {
                    await withCheckedContinuation { handled in
                        queue.async {
                            if !isOver.with({ $0 }) { handle(decision) }
                            handled.resume()
                        }
                    }
                }
            }
        }

        /// Where nobody else is told.
        static func printed(_ decision: Decision, _ error: any Error) {
            let text = "Ensue: the handler of decision \(decision.id) of task \(decision.task) threw \(error)\n"
            FileHandle.standardError.write(Data(text.utf8))
        }

        deinit {
            cancel()
        }

        /// No further call begins. One under way on another queue goes on.
        public func cancel() {
            isOver.with { $0 = true }
            task.cancel()
        }
    }
}
