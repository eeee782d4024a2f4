// Events in, and what became of them.

extension Ensue {
    /// What was done. An app may have types of its own:
    /// ```swift
    /// extension Ensue.ActionType { static let favourite: Self = "favourite" }
    /// ```
    public struct ActionType: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral {
        /// As rules write it.
        public var rawValue: String

        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        public init(stringLiteral value: String) {
            rawValue = value
        }

        /// A page was opened: `pv`.
        public static let pageView: Self = "pv"
        /// A page was left: `leave`.
        public static let leave: Self = "leave"
        /// Something was tapped: `click`.
        public static let click: Self = "click"
        /// A network request was made: `request`.
        public static let request: Self = "request"
        /// A value was stored: `put`.
        public static let put: Self = "put"
    }

    /// Where an event comes from.
    public enum Source: Sendable, Hashable, CaseIterable {
        /// Anything else.
        case custom
        /// A page was opened, left, tapped.
        case page
        /// A network request or its answer.
        case network
        /// A key was read or written.
        case storage
    }

    /// What else is to be said of an event: values by name, in the order in which they were written.
    ///
    /// Written as a literal, of whatever is ``ValueConvertible``: `["item": 42, "price": item.price]`; made of a dictionary by
    /// ``init(_:)``.
    public struct Attributes: Sendable, ExpressibleByDictionaryLiteral {
        var pairs: [(String, any ValueConvertible)]

        public init(dictionaryLiteral elements: (String, any ValueConvertible)...) {
            pairs = elements
        }

        /// The values of a dictionary.
        public init(_ values: [String: Ensue.Value]) {
            pairs = values.map { ($0.key, $0.value) }
        }

        /// Adds a value.
        public mutating func append(_ name: String, _ value: some ValueConvertible) {
            pairs.append((name, value))
        }
    }

    /// One thing that happened, with all that can be said of it. For most events
    /// ``Ensue/Ensue/record(_:scene:_:)`` says it more shortly.
    public struct Event: Sendable {
        /// What was done; not empty.
        public var actionType: ActionType
        /// Where: page URL or name, host and path, store key.
        public var scene: String?
        /// Everything else, by name.
        public var attributes: Attributes
        /// When; `nil`: now.
        public var time: Timestamp?
        /// Whose event it is; `nil`: that of the user last identified.
        public var user: String?
        /// Where it comes from.
        public var source: Source
        /// A label, shown in what is bound to a match.
        public var id: String?
        /// Offset of the local time from UTC in minutes, for rules about hours and days; more than a day either way is refused.
        public var utcOffsetMinutes: Int32?

        public init(
            _ actionType: ActionType, scene: String? = nil, _ attributes: Attributes = [:], time: Timestamp? = nil,
            user: String? = nil, source: Source = .custom, id: String? = nil, utcOffsetMinutes: Int32? = nil
        ) {
            self.actionType = actionType
            self.scene = scene
            self.attributes = attributes
            self.time = time
            self.user = user
            self.source = source
            self.id = id
            self.utcOffsetMinutes = utcOffsetMinutes
        }
    }

    /// What became of a recorded event.
    public enum Recorded: Sendable, Hashable {
        /// Some task wants it: it waits to be stored and matched.
        case queued
        /// No task wants it; it is gone.
        case unwanted
        /// Some task wants it, but the queue is full: it is dropped and counted.
        case dropped
        /// The user has opted out: it left no trace.
        case optedOut
        /// The engine is closed.
        case closed
        /// It is no good event; counted.
        case rejected(Rejection)
    }

    /// Why an event is no good one.
    public enum Rejection: Sendable, Hashable {
        /// It has no action type.
        case noActionType
        /// It is over ``Configuration/eventBytes``.
        case tooLarge
        /// Its ``Event/utcOffsetMinutes`` is more than a day.
        case utcOffset
        /// It cannot be read: nested too deeply, or no JSON; in JSON with the byte, from 1, where it goes wrong.
        case malformed(reason: String, column: Int?)
    }
}
