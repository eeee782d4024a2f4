package dev.ensue

/** Where an event comes from. */
public enum class Source {
    /** Anything else. */
    CUSTOM,

    /** A page was opened, left, clicked. */
    PAGE,

    /** A network request or its answer. */
    NETWORK,

    /** A key was read or written. */
    STORAGE,
}

/**
 * One thing that happened, with all that can be said of it.
 *
 * @property actionType what was done; not empty.
 * @property scene where: page URL or name, host and path, store key.
 * @property args everything else, by name: null, booleans, numbers, text, lists and maps of these.
 * @property tsMs when, in ms since 1970; null: now.
 * @property userId whose event it is; null: that of the user last identified.
 * @property id a label, shown in bindings.
 * @property source where it comes from.
 * @property utcOffsetMin offset of the local time from UTC, in minutes; more than a day either way is refused.
 */
public data class Event(
    public val actionType: String,
    public val scene: String? = null,
    public val args: Map<String, Any?> = emptyMap(),
    public val tsMs: Long? = null,
    public val userId: String? = null,
    public val id: String? = null,
    public val source: Source = Source.CUSTOM,
    public val utcOffsetMin: Int? = null,
)

/** What became of a recorded event. */
public sealed interface Recorded {
    /** Some task wants it: it waits for the worker. */
    public data object Queued : Recorded

    /** No task wants it. */
    public data object Unwanted : Recorded

    /** The queue is full: it is dropped, and counted. */
    public data object Full : Recorded

    /** The user has opted out: it left no trace. */
    public data object OptedOut : Recorded

    /** The engine is closed, or could not be opened. */
    public data object Closed : Recorded

    /**
     * It is no good event; counted.
     *
     * @property reason why, for a person.
     */
    public data class Rejected(public val reason: String) : Recorded
}
