package dev.ensue

/** One thing that happened inside. An app needs [Decision]s only; the others are for tools. */
public sealed interface Outcome

/**
 * A match that is delivered: what to show the user. Made once, delivered at least once, under one [id].
 *
 * Values ([payload], [values]) are null, [Boolean], [Long], [Double], [String], lists and maps of these.
 *
 * @property id stable.
 * @property task the task.
 * @property version the version of its set.
 * @property user the user; null if anonymous.
 * @property atMs when it was decided, in ms since 1970.
 * @property output index of the output in the task.
 * @property touch the app's name for what to show.
 * @property payload as the task gave it.
 * @property values what RETURN computed, in its order.
 * @property matchId the match.
 * @property expiresAtMs when it is no longer good.
 */
public data class Decision(
    public val id: String,
    public val task: String,
    public val version: Long?,
    public val user: String?,
    public val atMs: Long,
    public val output: Int,
    public val touch: String,
    public val payload: Any?,
    public val values: Map<String, Any?>,
    public val matchId: String,
    public val expiresAtMs: Long?,
) : Outcome

/**
 * A match that is not delivered, or a partial match that had to end. Properties as those of [Decision].
 *
 * @property output null where the match as a whole is refused.
 * @property touch null where the output is no touch.
 * @property matchId null where there is no match.
 * @property reason why.
 * @property detail why, for a person: which cap, until when.
 */
public data class Refusal(
    public val id: String,
    public val task: String,
    public val version: Long?,
    public val user: String?,
    public val atMs: Long,
    public val output: Int?,
    public val touch: String?,
    public val payload: Any?,
    public val values: Map<String, Any?>,
    public val matchId: String?,
    public val expiresAtMs: Long?,
    public val reason: RefusalReason,
    public val detail: String,
) : Outcome

/** Why a match is not delivered. */
public enum class RefusalReason {
    /** No output opened. */
    WHEN,

    /** A cap is full. */
    CAP,

    /** Too soon after the one before. */
    COOLDOWN,

    /** Too late to be good. */
    TTL,

    /** The task's time is over. */
    EXPIRED,

    /** Another touch of the moment went first. */
    PRIORITY,

    /** Another task of its group is before the user. */
    EXCLUSIVE,

    /** Quiet hours. */
    QUIET,

    /** The user is in the arm to which nothing goes out. */
    HOLDOUT,

    /** It does not go out to this user, to this version, or yet. */
    ROLLOUT,

    /** While it waited for its time, it was cancelled. */
    CANCELLED,

    /** What became of the touches before it. */
    BACKOFF,

    /** Too soon after another touch. */
    MIN_GAP,

    /** Events were lost while the run waited for an absence. */
    GAP,

    /** Events that the run needed are no longer kept. */
    HISTORY_TRUNCATED,

    /** The script of the task came to no answer. */
    SCRIPT,

    /** `OR ERROR`: the stage to skip to is not bound. */
    ERROR,

    /** A reason that this version of the SDK does not know; the detail says it. */
    OTHER,
}

/**
 * A match of a task.
 *
 * @property partition the partition key, with PARTITION BY.
 * @property byTime whether time completed it, not an event.
 * @property bindings stages with the ids of their events.
 * @property values what RETURN computed, in its order.
 */
public data class Match(
    public val id: String,
    public val task: String,
    public val source: String,
    public val version: Long?,
    public val user: String?,
    public val partition: List<Any?>?,
    public val atMs: Long,
    public val byTime: Boolean,
    public val bindings: Map<String, List<Any?>>,
    public val values: Map<String, Any?>,
) : Outcome

/**
 * A partial match whose window ended.
 *
 * @property match what it had bound.
 */
public data class Timeout(public val match: Match) : Outcome

/**
 * An event that a match derived.
 *
 * @property event it, in its JSON form.
 */
public data class DerivedEvent(
    public val id: String,
    public val task: String,
    public val user: String?,
    public val atMs: Long,
    public val event: String,
) : Outcome
