// What a call of the generated bindings costs that does nothing: no call of the package costs less.

import EnsueFFI

/// Makes a call that gives a number, of an engine of its own.
func floor() throws -> () -> Void {
    let engine = try Engine(config: Config())
    return { _ = try? engine.number() }
}
