// Events as bytes, in the form of `bindings/src/packed.rs`: one piece of memory, on the stack for most events, which the
// engine reads where it lies. So an event that no task wants costs no allocation, and none is converted twice.

import Foundation

/// Writes an event into memory that is large enough for it.
struct PackedEvent {
    /// Deeper values are malformed; one that is passed over here is refused by the engine.
    private static let deepest = 65

    private var next: UnsafeMutableRawPointer

    /// The packed form of an event, for as long as `body` runs; `nil`: it has no such form, having too many attributes or
    /// too much text.
    static func with<Result>(_ event: borrowing Ensue.Event, _ body: (Data) throws -> Result) rethrows -> Result? {
        guard event.attributes.pairs.count <= Int(UInt16.max), let size = size(event), size <= Int(Int32.max) else {
            return nil
        }
        return try withUnsafeTemporaryAllocation(byteCount: size, alignment: 1) { memory in
            guard let start = memory.baseAddress else { return nil }
            var packed = PackedEvent(next: start)
            packed.write(event)
            return try body(Data(bytesNoCopy: start, count: packed.next - start, deallocator: .none))
        }
    }

    // MARK: How much there is to write

    private static func size(_ event: borrowing Ensue.Event) -> Int? {
        var size = 32 + size(event.actionType.rawValue)
        for text in [event.scene, event.user, event.id] {
            size += text.map { self.size($0) } ?? 0
        }
        for (name, value) in event.attributes.pairs {
            guard let more = self.size(value, deepest) else { return nil }
            size += self.size(name) + more
        }
        return size
    }

    private static func size(_ text: String) -> Int {
        4 + text.utf8.count
    }

    private static func size(_ value: Ensue.Value, _ depth: Int) -> Int? {
        guard depth > 0 else { return nil }
        switch value {
        case .null, .bool: return 1
        case .int, .double: return 9
        case .string(let text): return 1 + size(text)
        case .array(let values):
            return values.reduce(5) { sum, value in sum.flatMap { sum in size(value, depth - 1).map { sum + $0 } } }
        case .object(let values):
            return values.reduce(5) { sum, entry in
                sum.flatMap { sum in size(entry.value, depth - 1).map { sum + $0 + size(entry.key) } }
            }
        }
    }

    // MARK: Writing it

    private mutating func write(_ event: borrowing Ensue.Event) {
        write(byte: event.source.number)
        let present: UInt8 =
            (event.scene == nil ? 0 : 1) | (event.user == nil ? 0 : 2) | (event.time == nil ? 0 : 4)
            | (event.id == nil ? 0 : 8) | (event.utcOffsetMinutes == nil ? 0 : 16)
        write(byte: present)
        write(event.actionType.rawValue)
        if let scene = event.scene { write(scene) }
        if let user = event.user { write(user) }
        if let time = event.time { write(number: time.milliseconds) }
        if let id = event.id { write(id) }
        if let offset = event.utcOffsetMinutes { write(number: offset) }
        write(number: UInt16(event.attributes.pairs.count))
        for (name, value) in event.attributes.pairs {
            write(name)
            write(value)
        }
    }

    private mutating func write(_ value: Ensue.Value) {
        switch value {
        case .null: write(byte: 0)
        case .bool(let value): write(byte: value ? 2 : 1)
        case .int(let value):
            write(byte: 3)
            write(number: value)
        case .double(let value):
            write(byte: 4)
            write(number: value.bitPattern)
        case .string(let text):
            write(byte: 5)
            write(text)
        case .array(let values):
            write(byte: 6)
            write(number: UInt32(values.count))
            for value in values { write(value) }
        case .object(let values):
            write(byte: 7)
            write(number: UInt32(values.count))
            for (name, value) in values {
                write(name)
                write(value)
            }
        }
    }

    private mutating func write(byte: UInt8) {
        next.storeBytes(of: byte, as: UInt8.self)
        next += 1
    }

    private mutating func write<Number: FixedWidthInteger>(number: Number) {
        next.storeBytes(of: number.bigEndian, as: Number.self)
        next += MemoryLayout<Number>.size
    }

    private mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            write(number: UInt32(bytes.count))
            if let start = bytes.baseAddress {
                next.copyMemory(from: start, byteCount: bytes.count)
                next += bytes.count
            }
        }
    }
}

extension Ensue.Source {
    fileprivate var number: UInt8 {
        switch self {
        case .custom: 0
        case .page: 1
        case .network: 2
        case .storage: 3
        }
    }
}
