// How an engine is set up.

import Foundation

extension Ensue {
    /// How an engine is set up. What is `nil` is as said beside it.
    public struct Configuration: Sendable, Hashable {
        /// Where the store is.
        public enum Store: Sendable, Hashable {
            /// In this file, made if it is not there; its folder must be. `-wal` and `-entries` beside it belong to it.
            case file(URL)
            /// In memory: gone with the engine.
            case memory
        }

        /// Where the store is.
        public var store: Store
        /// How late an event may come behind its user's latest; 0.
        public var lateness: Duration?
        /// A longer pause begins a new session; 30 minutes.
        public var sessionGap: Duration?
        /// The window of a rule without WITHIN; 24 hours.
        public var defaultWindow: Duration?
        /// How many events may wait to be stored; one more is dropped and counted. 4,096.
        public var queueLimit: UInt32?
        /// How many events may wait for the first tasks; 1,000.
        public var earlyLimit: UInt32?
        /// An event with more bytes in its names, texts and values is rejected; 65,536.
        public var eventBytes: UInt32?
        /// How many users' state is in memory, about; those beyond are put away in the store while nothing of them is due.
        /// 4,096.
        public var userLimit: UInt32?
        /// What may leave the device; `nil`: what was said last, and nothing at first.
        public var consent: Consent?
        /// For how long an event that some task wants stays at least, so that ``Ensue/whyNot(_:of:since:)`` can answer; as
        /// long as tasks look at it.
        public var keepAtLeast: Duration?
        /// How old a stored event may get, whatever tasks want; 31 days.
        public var keepFor: Duration?
        /// How many events may be stored; 200,000.
        public var keepEvents: UInt64?
        /// How many bytes of events may be stored; 64 MiB.
        public var keepBytes: UInt64?

        public init(store: Store) {
            self.store = store
        }
    }
}
