package dev.ensue

/**
 * An answer to "why?", for tools and for people.
 *
 * @property json a JSON object; `docs/why.md` has its keys.
 * @property text the same as text.
 */
public data class Answer(public val json: String, public val text: String)

/** Whose events are asked about. */
public sealed interface Whose {
    /** Everyone's together. */
    public data object Everyone : Whose

    /**
     * One user's.
     *
     * @property name the user; null: the anonymous one.
     */
    public data class User(public val name: String?) : Whose
}

/**
 * What may leave the device. Nothing, if nobody says so.
 *
 * @property decisions decisions made from now on, with the values of RETURN and the user's name.
 * @property feedback feedback told from now on.
 * @property counters counters of tasks, begun anew with the consent.
 */
public data class Consent(
    public val decisions: Boolean = false,
    public val feedback: Boolean = false,
    public val counters: Boolean = false,
)

/**
 * What leaves the device with one call.
 *
 * @property json a JSON object: `cursor`, `more`, and the lists `decisions`, `feedback` and `counters`.
 * @property cursor from where the next batch goes on, once this one has arrived.
 * @property more whether there is more at once.
 * @property items how many items it has.
 */
public data class Batch(
    public val json: String,
    public val cursor: String,
    public val more: Boolean,
    public val items: Long,
)
