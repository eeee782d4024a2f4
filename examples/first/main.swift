import Ensue
import Foundation

let ensue = try Ensue(.init(store: .file(URL(filePath: "ensue.db"))))  // returns at once
try await ensue.apply(String(contentsOfFile: "tasks.json", encoding: .utf8))  // what the cloud pushed
for item in 40...42 {
    ensue.record(.pageView, scene: "item_detail", ["item": item])  // never throws, never waits
}
for await decision in ensue.decisions {
    print(decision.touch, decision.values["item"]?.int ?? 0)  // show it, then
    try await ensue.acknowledge(decision)
    break
}
await ensue.shutdown()
