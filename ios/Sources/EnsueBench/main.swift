// What `record` costs the thread that calls it, while the worker is busy: a line of JSON per variant.
//
// Exit code 1 where a promise is not kept. That is judged by the best round, since other work on the machine only ever adds.

import Ensue
import Foundation

let events = 20_000
let rounds = 15
let promised = 1_000.0

let document = """
    {"taskArray": [{"id": "hesitation", "taskType": "cep", "rule": "EVENT: v -> l WHERE v.actionType = 'pv' \
    AND v.scene = 'item_detail' AND v.args.price > 0 AND l.actionType = 'leave' AND l.args.item = 'none' WITHIN 10 MIN"}]}
    """

struct Variant {
    let name: String
    let isPromised: Bool
    let record: @Sendable (Ensue, Int) -> Ensue.Recorded
}

let variants = [
    Variant(name: "wanted", isPromised: true) { ensue, n in
        ensue.record(.pageView, scene: "item_detail", ["item": "42", "price": 3.5])
    },
    Variant(name: "wanted_5", isPromised: true) { ensue, n in
        ensue.record(
            .pageView, scene: "item_detail",
            ["item": n, "price": 3.5, "city": "Hangzhou", "rooms": 3, "new": true])
    },
    Variant(name: "wanted_bare", isPromised: true) { ensue, n in ensue.record(.pageView, scene: "item_detail") },
    Variant(name: "unwanted", isPromised: true) { ensue, n in ensue.record("scroll", scene: "list", ["depth": 7]) },
    Variant(name: "json", isPromised: false) { [json = Data(
        #"{"actionType":"pv","scene":"item_detail","args":{"item":"42","price":3.5}}"#.utf8)] ensue, n in
        ensue.record(json: json)
    },
]

/// Nanoseconds a call, of each round. The first 2,000 calls of a round find the worker waking.
func measure(_ variant: Variant) async throws -> [Double] {
    var each: [Double] = []
    for _ in 0..<rounds {
        var configuration = Ensue.Configuration(store: .memory)
        configuration.queueLimit = 1_000_000
        let ensue = try Ensue(configuration)
        try await ensue.apply(document)
        each.append(timed(variant, ensue))
        try await ensue.flush()
        guard try ensue.stats.dropped == 0 else { fatalError("events were dropped: the queue was too small") }
        await ensue.shutdown()
    }
    return each
}

func timed(_ variant: Variant, _ ensue: Ensue) -> Double {
    for n in 0..<2_000 { _ = variant.record(ensue, n) }
    let begin = DispatchTime.now().uptimeNanoseconds
    for n in 0..<events { _ = variant.record(ensue, n) }
    return Double(DispatchTime.now().uptimeNanoseconds - begin) / Double(events)
}

/// What starting an engine costs the caller, in milliseconds.
func starting() async throws -> [Double] {
    var each: [Double] = []
    for _ in 0..<rounds {
        let begin = DispatchTime.now().uptimeNanoseconds
        let ensue = try Ensue(.init(store: .memory))
        each.append(Double(DispatchTime.now().uptimeNanoseconds - begin) / 1e6)
        await ensue.shutdown()
    }
    return each
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

var kept = true
for variant in variants {
    let each = try await measure(variant)
    let best = each.min() ?? .infinity
    print(
        #"{"bench":"record","variant":"\#(variant.name)","events":\#(events),"#
            + #""ns_per_op":\#(Int(median(each))),"best_ns":\#(Int(best))}"#)
    if variant.isPromised && best > promised { kept = false }
}
let opening = try await starting()
let best = opening.min() ?? .infinity
print(
    #"{"bench":"open","variant":"memory","ms":\#(String(format: "%.3f", median(opening))),"#
        + #""best_ms":\#(String(format: "%.3f", best))}"#)
exit(kept && best <= 1 ? 0 : 1)
