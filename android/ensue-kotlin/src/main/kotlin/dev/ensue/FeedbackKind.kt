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
