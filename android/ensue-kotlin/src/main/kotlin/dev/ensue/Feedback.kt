package dev.ensue

/** What became of a decision once the app had it. */
public enum class FeedbackKind {
    /** The user saw it. */
    SHOWN,

    /** The user took it up. */
    CLICKED,

    /** The user sent it away. */
    DISMISSED,

    /** The user did what it was for. */
    CONVERTED,
}

/**
 * Feedback to a decision.
 *
 * @property decision the decision's id.
 * @property kind what became of it.
 * @property tsMs when, if that was said.
 */
public data class Feedback(
    public val decision: String,
    public val kind: FeedbackKind,
    public val tsMs: Long?,
)
