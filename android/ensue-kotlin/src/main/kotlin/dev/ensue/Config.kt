package dev.ensue

import kotlin.time.Duration

/**
 * How an engine is set up. What is null is the engine's default.
 *
 * @property path the file of the store; null, or `:memory:`: in memory, gone with the process.
 * @property lateness how late an event may come behind its user's latest; none.
 * @property sessionGap a longer pause begins a new session; 30 minutes.
 * @property defaultWindow the window of a rule without WITHIN; 24 hours.
 * @property queue events that wait for the worker; 4,096. What comes while it is full is dropped and counted.
 * @property early events that wait for the first tasks, and for the native library; 1,000.
 * @property eventBytes a larger event is rejected; 64 KiB.
 * @property users whose state is in memory at most, about; those beyond are put away in the store while nothing of them is
 *   due; 4,096.
 * @property consent what may leave the device; null: what was said last, and nothing at first.
 * @property keepAtLeast for how long an event that some task wants stays at least, so that [Ensue.whyNot] can answer; as
 *   long as tasks look at it.
 * @property keepFor how old a stored event may get, whatever tasks want; 31 days.
 * @property keepEvents how many events may be stored; 200,000.
 * @property keepBytes how many bytes of events may be stored; 64 MiB.
 * @property replay recorded events are replayed: their times are the only clock, and a full queue makes [Ensue.record]
 *   wait. For tools and tests.
 * @property onListenerFailure is told what a listener threw; null: it is printed.
 */
public data class Config(
    public val path: String? = null,
    public val lateness: Duration? = null,
    public val sessionGap: Duration? = null,
    public val defaultWindow: Duration? = null,
    public val queue: Int? = null,
    public val early: Int? = null,
    public val eventBytes: Int? = null,
    public val users: Int? = null,
    public val consent: Consent? = null,
    public val keepAtLeast: Duration? = null,
    public val keepFor: Duration? = null,
    public val keepEvents: Long? = null,
    public val keepBytes: Long? = null,
    public val replay: Boolean = false,
    public val onListenerFailure: ((Throwable) -> Unit)? = null,
)
