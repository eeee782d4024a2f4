package dev.ensue.internal

import dev.ensue.Recorded

/** The answers of [NativeEntry.record]: the place of each is its number (`Recorded` in `bindings/src/event.rs`). */
internal object Became {
    private val all: Array<Recorded> = arrayOf(
        Recorded.Queued,
        Recorded.Unwanted,
        Recorded.Full,
        Recorded.OptedOut,
        Recorded.Closed,
        Recorded.Rejected("an event needs an action type"),
        Recorded.Rejected("the source `derived` is for events that tasks make"),
        Recorded.Rejected("the event is over the size limit"),
        Recorded.Rejected("the event cannot be read"),
        Recorded.Rejected("the offset from UTC must be between -1440 and 1440 minutes"),
    )

    fun of(number: Int): Recorded = all[number]
}
