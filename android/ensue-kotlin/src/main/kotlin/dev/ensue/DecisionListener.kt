package dev.ensue

/** Is told of decisions, on the executor that it was added with. */
public fun interface DecisionListener {
    /** A decision; at least once for each that is not acknowledged, each once per process unless the app is slow. */
    public fun onDecision(decision: Decision)
}

/** A listener that was added; closing it ends it. */
public fun interface Subscription : AutoCloseable {
    override fun close()
}
