// A number that threads count in.

import Foundation

final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0

    /// One more: how many it is then.
    @discardableResult
    func add() -> Int {
        lock.lock()
        defer { lock.unlock() }
        count += 1
        return count
    }

    var value: Int {
        lock.lock()
        defer { lock.unlock() }
        return count
    }
}
