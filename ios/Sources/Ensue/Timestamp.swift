// Points in time, as events and decisions carry them: whole milliseconds.

import Foundation

extension Ensue {
    /// A point in time: milliseconds since 1970, UTC.
    public struct Timestamp: Sendable, Hashable, Comparable {
        /// Milliseconds since 1970, UTC.
        public var milliseconds: Int64

        /// A point in time by its milliseconds since 1970, UTC.
        public init(milliseconds: Int64) {
            self.milliseconds = milliseconds
        }

        /// The millisecond in which a date lies; one beyond all milliseconds becomes the nearest there is.
        public init(_ date: Date) {
            let exact = (date.timeIntervalSince1970 * 1_000).rounded(.down)
            milliseconds = Int64(exactly: exact) ?? (exact < 0 ? .min : .max)
        }

        /// The same as a date.
        public var date: Date {
            Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
        }

        public static func < (left: Self, right: Self) -> Bool {
            left.milliseconds < right.milliseconds
        }

        /// So much later.
        public static func + (left: Self, right: Duration) -> Self {
            let (sum, overflow) = left.milliseconds.addingReportingOverflow(right.wholeMilliseconds)
            return Self(milliseconds: overflow ? (right < .zero ? .min : .max) : sum)
        }
    }
}

extension Ensue.Timestamp: ExpressibleByIntegerLiteral {
    /// Milliseconds since 1970, UTC.
    public init(integerLiteral value: Int64) {
        self.init(milliseconds: value)
    }
}

extension Duration {
    /// Rounded towards zero; one beyond all milliseconds becomes the nearest there is.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        let (sum, overflowed) = milliseconds.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return overflow || overflowed ? (seconds < 0 ? .min : .max) : sum
    }
}
