// What may be written as an attribute: `["item": item.id, "price": item.price]`, of the app's own types.

extension Ensue {
    /// What has a form as a value. An app may give it to its own types:
    /// ```swift
    /// extension Item.ID: Ensue.ValueConvertible { var ensueValue: Ensue.Value { .string(rawValue) } }
    /// ```
    public protocol ValueConvertible: Sendable {
        /// It as a value.
        var ensueValue: Value { get }
    }
}

extension Ensue.Value: Ensue.ValueConvertible {
    public var ensueValue: Ensue.Value { self }
}

extension Bool: Ensue.ValueConvertible {
    public var ensueValue: Ensue.Value { .bool(self) }
}

extension String: Ensue.ValueConvertible {
    public var ensueValue: Ensue.Value { .string(self) }
}

extension Substring: Ensue.ValueConvertible {
    public var ensueValue: Ensue.Value { .string(String(self)) }
}

extension Double: Ensue.ValueConvertible {
    public var ensueValue: Ensue.Value { .double(self) }
}

extension Float: Ensue.ValueConvertible {
    public var ensueValue: Ensue.Value { .double(Double(self)) }
}

extension Ensue.ValueConvertible where Self: BinaryInteger {
    public var ensueValue: Ensue.Value { .init(self) }
}

extension Int: Ensue.ValueConvertible {}
extension Int8: Ensue.ValueConvertible {}
extension Int16: Ensue.ValueConvertible {}
extension Int32: Ensue.ValueConvertible {}
extension Int64: Ensue.ValueConvertible {}
extension UInt: Ensue.ValueConvertible {}
extension UInt8: Ensue.ValueConvertible {}
extension UInt16: Ensue.ValueConvertible {}
extension UInt32: Ensue.ValueConvertible {}
extension UInt64: Ensue.ValueConvertible {}

extension Optional: Ensue.ValueConvertible where Wrapped: Ensue.ValueConvertible {
    /// `nil` is null: missing.
    public var ensueValue: Ensue.Value { self?.ensueValue ?? .null }
}

extension Array: Ensue.ValueConvertible where Element: Ensue.ValueConvertible {
    public var ensueValue: Ensue.Value { .array(map(\.ensueValue)) }
}

extension Dictionary: Ensue.ValueConvertible where Key == String, Value: Ensue.ValueConvertible {
    public var ensueValue: Ensue.Value { .object(mapValues(\.ensueValue)) }
}
