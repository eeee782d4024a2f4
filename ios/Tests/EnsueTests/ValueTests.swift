// Values: literals, JSON, and points in time.

import Ensue
import Foundation
import Testing

@Suite struct ValueTests {
    @Test func literalsStandForThemselves() {
        let value: Ensue.Value = ["i": 1, "d": 1.5, "s": "x\(1)", "b": true, "n": .null, "l": [1, "a"]]
        #expect(value["i"]?.int == 1 && value["i"]?.double == 1 && value["d"]?.double == 1.5 && value["d"]?.int == nil)
        #expect(value["s"]?.string == "x1" && value["b"]?.bool == true && value["n"] == .null && value["none"] == nil)
        #expect(value["l"]?[1] == "a" && value["l"]?[2] == nil && value["l"]?.array?.count == 2)
        #expect(Ensue.Value(UInt64.max) == .double(Double(UInt64.max)) && Ensue.Value(UInt8(7)) == 7)
        #expect(Ensue.Value(Float(0.5)) == 0.5 && Ensue.Value(true) == true && Ensue.Value("abc".dropFirst()) == "bc")
    }

    @Test func jsonComesBackAsItWent() throws {
        let value: Ensue.Value = ["i": .int(.min), "d": 0.25, "s": "é\"\n", "b": false, "n": .null, "l": [[], [:], 1]]
        let text = String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
        #expect(try Ensue.Value(json: text) == value)
        #expect(try Ensue.Value(json: "true") == true && Ensue.Value(json: "1") == 1)
        #expect(throws: DecodingError.self) { try Ensue.Value(json: "{") }
        #expect(throws: DecodingError.self) { try value.decoded(as: [Int].self) }
    }

    @Test func timesAreWholeMilliseconds() {
        let time: Ensue.Timestamp = 1_700_000_000_123
        #expect(Ensue.Timestamp(time.date) == time && time < time + .milliseconds(1))
        #expect(time + .seconds(-1) == 1_699_999_999_123 && time + .microseconds(999) == time)
        #expect(
            Ensue.Timestamp(.distantFuture) > time
                && Ensue.Timestamp(milliseconds: .max) + .seconds(1) == .init(milliseconds: .max))
        #expect(Ensue.Timestamp(Date(timeIntervalSince1970: .infinity)).milliseconds == .max)
        #expect(Ensue.Timestamp(Date(timeIntervalSince1970: -0.0005)).milliseconds == -1)
    }
}
