// Events as bytes, in the form of `bindings/src/packed.rs`: one piece of memory, on the stack for most events, which the
// engine reads where it lies. So nothing is converted twice, and an event that no task wants is never taken apart.

import Foundation

/// Writes an event into memory as long as there is room, and counts on where there is none.
struct PackedEvent {
    /// The memory on the stack; a larger event is written again, into as much as it needs.
    private static let usual = 1_024
    /// Values nested deeper have no packed form: the engine would refuse them.
    private static let deepest = 65

    private let memory: UnsafeMutableRawBufferPointer
    /// Bytes of the event so far, also those that there was no room for.
    private var count = 0
    private var isTooDeep = false

    /// The packed form of an event, for as long as `body` runs; `nil`: it has none, having too many attributes, too much
    /// text, or values nested too deeply.
    static func with<Result>(_ event: borrowing Ensue.Event, _ body: (Data) throws -> Result) rethrows -> Result? {
        guard event.attributes.pairs.count <= Int(UInt16.max) else { return nil }
        let (needed, result) = try attempt(event, usual, body)
        guard let needed else { return result }
        guard needed <= Int(Int32.max) else { return nil }
        return try attempt(event, needed, body).result
    }

    /// Where there is not so much room, how much is needed.
    private static func attempt<Result>(
        _ event: borrowing Ensue.Event, _ room: Int, _ body: (Data) throws -> Result
    ) rethrows -> (needed: Int?, result: Result?) {
        try withUnsafeTemporaryAllocation(byteCount: room, alignment: 1) { memory in
            var packed = PackedEvent(memory: memory)
            packed.write(event)
            guard !packed.isTooDeep, let start = memory.baseAddress else { return (nil, nil) }
            guard packed.count <= room else { return (packed.count, nil) }
            return (nil, try body(Data(bytesNoCopy: start, count: packed.count, deallocator: .none)))
        }
    }

    private init(memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

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
            write(value.ensueValue, Self.deepest)
        }
    }

    private mutating func write(_ value: Ensue.Value, _ depth: Int) {
        guard depth > 0 else {
            isTooDeep = true
            return
        }
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
            write(number: UInt32(truncatingIfNeeded: values.count))
            for value in values { write(value, depth - 1) }
        case .object(let values):
            write(byte: 7)
            write(number: UInt32(truncatingIfNeeded: values.count))
            for (name, value) in values {
                write(name)
                write(value, depth - 1)
            }
        }
    }

    private mutating func write(byte: UInt8) {
        if count < memory.count { memory[count] = byte }
        count += 1
    }

    private mutating func write<Number: FixedWidthInteger>(number: Number) {
        let size = MemoryLayout<Number>.size
        if count + size <= memory.count {
            memory.storeBytes(of: number.bigEndian, toByteOffset: count, as: Number.self)
        }
        count += size
    }

    private mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            // What is longer than a number can say does not fit either.
            write(number: UInt32(truncatingIfNeeded: bytes.count))
            if count + bytes.count <= memory.count {
                UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(
                    from: UnsafeRawBufferPointer(bytes))
            }
            count += bytes.count
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
