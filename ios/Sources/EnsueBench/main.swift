// What `record` costs the thread that calls it, while the worker is busy: a line of JSON per variant.
//
// `ns_per_op` and `best_ns` are wall time, of the median and the best of many short rounds; `cpu_ns` is the processor time of
// the calling thread alone, of the best. Exit code 1 where a promise is not kept: that is judged by the best round, since
// other work on the machine only ever adds.

import Ensue
import Foundation

let events = 1_000
let rounds = 20
let engines = 10
let promised = 1_000.0

let document = """
    {"taskArray": [{"id": "hesitation", "taskType": "cep", "rule": "EVENT: v -> l WHERE v.actionType = 'pv' \
    AND v.scene = 'item_detail' AND v.args.price > 0 AND l.actionType = 'leave' AND l.args.item = 'none' WITHIN 10 MIN"}]}
    """

let json = Data(#"{"actionType":"pv","scene":"item_detail","args":{"item":"42","price":3.5}}"#.utf8)

struct Variant {
    let name: String
    let isPromised: Bool
    let record: @Sendable (Ensue, Int) -> Ensue.Recorded
}

let variants = [
    Variant(name: "wanted", isPromised: true) { ensue, n in
        ensue.record(.pageView, scene: "item_detail", ["item": "42", "price": 3.5])
    },
    Variant(name: "wanted_5", isPromised: false) { ensue, n in
        ensue.record(
            .pageView, scene: "item_detail",
            ["item": n, "price": 3.5, "city": "Hangzhou", "rooms": 3, "new": true])
    },
    Variant(name: "wanted_bare", isPromised: true) { ensue, n in ensue.record(.pageView, scene: "item_detail") },
    Variant(name: "unwanted", isPromised: true) { ensue, n in ensue.record("scroll", scene: "list", ["depth": 7]) },
    Variant(name: "json", isPromised: false) { ensue, n in ensue.record(json: json) },
]

/// Nanoseconds a call.
struct Round {
    var wall: Double
    var cpu: Double
}

/// Each round, after what the one before left in the queue is stored.
func measure(_ variant: Variant) async throws -> [Round] {
    var each: [Round] = []
    for _ in 0..<engines {
        var configuration = Ensue.Configuration(store: .memory)
        configuration.queueLimit = 10_000
        let ensue = try Ensue(configuration)
        try await ensue.apply(document)
        for _ in 0..<rounds {
            each.append(timed(variant, ensue))
            try await ensue.flush()
        }
        guard try ensue.stats.dropped == 0 else { fatalError("events were dropped: the queue was too small") }
        await ensue.shutdown()
    }
    return each
}

/// The first 500 calls find the worker waking.
func timed(_ variant: Variant, _ ensue: Ensue) -> Round {
    for n in 0..<500 { _ = variant.record(ensue, n) }
    return timed { n in _ = variant.record(ensue, n) }
}

func timed(_ call: (Int) -> Void) -> Round {
    let (wall, cpu) = (now(CLOCK_MONOTONIC), now(CLOCK_THREAD_CPUTIME_ID))
    for n in 0..<events { call(n) }
    let calls = Double(events)
    return Round(wall: (now(CLOCK_MONOTONIC) - wall) / calls, cpu: (now(CLOCK_THREAD_CPUTIME_ID) - cpu) / calls)
}

func now(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// What starting so many engines costs the caller, in milliseconds.
func starting(_ count: Int) async throws -> [Double] {
    var each: [Double] = []
    for _ in 0..<count {
        let begin = DispatchTime.now().uptimeNanoseconds
        let ensue = try Ensue(.init(store: .memory))
        each.append(Double(DispatchTime.now().uptimeNanoseconds - begin) / 1e6)
        await ensue.shutdown()
    }
    return each
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func say(_ bench: String, _ variant: String, _ each: [Round]) {
    let wall = each.map(\.wall)
    let (best, cpu) = (wall.min() ?? .infinity, each.map(\.cpu).min() ?? .infinity)
    print(
        #"{"bench":"\#(bench)","variant":"\#(variant)","events":\#(each.count * events),"#
            + #""ns_per_op":\#(Int(median(wall))),"best_ns":\#(Int(best)),"cpu_ns":\#(Int(cpu))}"#)
}

/// The first engine of the process.
let first = try await starting(1)[0]
/// Names of variants; without any all are measured.
let asked = CommandLine.arguments.dropFirst()
var kept = true
if asked.isEmpty || asked.contains("call") {
    let call = try floor()
    say("floor", "call", (0..<rounds * engines).map { _ in timed { _ in call() } })
}
for variant in variants where asked.isEmpty || asked.contains(variant.name) {
    let each = try await measure(variant)
    say("record", variant.name, each)
    let best = each.map(\.wall).min() ?? .infinity
    if variant.isPromised && best > promised { kept = false }
}
let opening = try await starting(engines)
let best = opening.min() ?? .infinity
print(
    #"{"bench":"open","variant":"memory","ms":\#(String(format: "%.3f", median(opening))),"#
        + #""best_ms":\#(String(format: "%.3f", best)),"first_ms":\#(String(format: "%.3f", first))}"#)
exit(kept && best <= 1 ? 0 : 1)
