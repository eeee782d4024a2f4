// Values of events, payloads and rules. Literals stand for themselves; `Value+Codable.swift` has the JSON form.

extension Ensue {
    /// A value of an event, a payload, or what a rule returns.
    ///
    /// Literals stand for themselves (but not `nil`, which is no value at all: what is missing is `.null`):
    /// ```swift
    /// let value: Ensue.Value = ["item": 42, "tags": ["new", "near"], "price": 3.5, "agent": .null]
    /// value["item"]?.int  // 42
    /// ```
    public enum Value: Sendable, Hashable {
        /// Missing.
        case null
        /// A truth value.
        case bool(Bool)
        /// A whole number.
        case int(Int64)
        /// A number with a fraction.
        case double(Double)
        /// Text.
        case string(String)
        /// Values in order.
        case array([Value])
        /// Values by name.
        case object([String: Value])
    }
}

extension Ensue.Value {
    /// The truth value, if it is one.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The whole number, if it is one.
    public var int: Int64? {
        if case .int(let value) = self { value } else { nil }
    }

    /// The number, whole or not, if it is one.
    public var double: Double? {
        switch self {
        case .double(let value): value
        case .int(let value): Double(value)
        default: nil
        }
    }

    /// The text, if it is one.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The values in order, if it is a list.
    public var array: [Self]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The values by name, if it is an object.
    public var object: [String: Self]? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The value of that name in an object.
    public subscript(name: String) -> Self? {
        object?[name]
    }

    /// The value at that place of a list.
    public subscript(index: Int) -> Self? {
        array.flatMap { $0.indices.contains(index) ? $0[index] : nil }
    }
}

extension Ensue.Value: ExpressibleByBooleanLiteral {
    public init(booleanLiteral value: Bool) {
        self = .bool(value)
    }
}

extension Ensue.Value: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int64) {
        self = .int(value)
    }
}

extension Ensue.Value: ExpressibleByFloatLiteral {
    public init(floatLiteral value: Double) {
        self = .double(value)
    }
}

extension Ensue.Value: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    public init(stringLiteral value: String) {
        self = .string(value)
    }
}

extension Ensue.Value: ExpressibleByArrayLiteral {
    public init(arrayLiteral elements: Self...) {
        self = .array(elements)
    }
}

extension Ensue.Value: ExpressibleByDictionaryLiteral {
    /// Of a name that is there twice the last counts.
    public init(dictionaryLiteral elements: (String, Self)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}

extension Ensue.Value {
    /// A whole number. One too large for 64 bits with a sign becomes a number with a fraction.
    public init(_ value: some BinaryInteger) {
        self = Int64(exactly: value).map(Self.int) ?? .double(Double(value))
    }

    /// A number with a fraction.
    public init(_ value: some BinaryFloatingPoint) {
        self = .double(Double(value))
    }

    /// A truth value.
    public init(_ value: Bool) {
        self = .bool(value)
    }

    /// Text.
    public init(_ value: some StringProtocol) {
        self = .string(String(value))
    }
}
