package dev.ensue

import dev.ensue.ffi.ReplayOptions
import dev.ensue.internal.Entrance
import dev.ensue.internal.Recording
import dev.ensue.internal.Running
import dev.ensue.internal.replayed
import dev.ensue.internal.toFfi
import dev.ensue.internal.toKotlin
import kotlinx.coroutines.flow.Flow
import java.util.concurrent.Executor
import kotlin.time.Duration
import dev.ensue.ffi.Engine as FfiEngine

/**
 * Finds sequences in what a user does, on the device. Events go in by [record], tasks by [apply], and [decisions] come
 * out.
 *
 * ```
 * val ensue = Ensue.initialize(Config(path = "ensue.db"))
 * ensue.apply(tasksFromTheCloud)
 * ensue.record("pv", scene = "item_detail", "item" to 42)
 * ensue.decisions.collect { show(it); ensue.acknowledge(it) }
 * ```
 *
 * All of it may be called from any thread.
 */
public class Ensue private constructor(config: Config) : AutoCloseable {
    private val entrance = Entrance(config)
    private val running: Running get() = entrance.running()

    init {
        entrance.start()
    }

    /** Waits until the store is open, and says how that went. */
    public suspend fun ready(): OpenReport = ask { it.ready().toKotlin() }

    /**
     * Puts task documents (JSON) in place of those of their sources, and waits until that is committed. A refused task is in
     * the report; what is malformed as a whole throws [EnsueException.MalformedTasks].
     */
    public suspend fun apply(tasks: String): ApplyReport = ask { it.apply(tasks).toKotlin() }

    /**
     * Takes an event: what was done, where, and its attributes. Never throws, never waits for I/O; it says what became
     * of the event. Before the engine is open events wait in memory.
     */
    public fun record(actionType: String, scene: String? = null, vararg args: Pair<String, Any?>): Recorded =
        Recording.record(entrance, actionType, scene, args)

    /** Takes an event with all that can be said of it. As [record]. */
    public fun record(event: Event): Recorded = Recording.record(entrance, event)

    /**
     * Takes an event as [record] does, and waits until it, and all before it, is on the disk, so that not even a crash of
     * the system takes it back. Its time, where it has none, is when the engine takes it. What it answers beside
     * [Recorded.Queued] says that this event is not kept, and why. Throws [EnsueException.StoreFailed] where the store fails,
     * and [EnsueException.Unavailable] before the first tasks, when events wait in memory.
     */
    public suspend fun recordDurable(event: Event): Recorded = running.recordDurable(event)

    /** Takes an event in its JSON form (`{"actionType":..,"args":{..}}`) and says what became of it. */
    public suspend fun recordJson(event: ByteArray): Recorded = running.recordJson(event)

    /** Whose the later events without a user are; null: the anonymous user's. */
    public fun identify(user: String?) {
        if (!entrance.identify(user)) running.identify(user)
    }

    /** Waits until all that was recorded before is committed. */
    public suspend fun flush(): Unit = ask { it.flush() }

    /** Moves the time of all users to [ms] since 1970, and waits until what that completes is committed. */
    public suspend fun advanceTo(ms: Long): Unit = ask { it.advanceTo(ms) }

    /** When something is next due, in ms since 1970; null: never, as things are, and never where the engine is closed. */
    public suspend fun nextWakeup(): Long? = ask { it.nextWakeup() }

    /** The oldest decisions that are not acknowledged. Throws [EnsueException.Closed] where the engine is closed. */
    public suspend fun pending(limit: Int = 100): List<Decision> = ask { engine ->
        engine.decisions(limit.coerceAtLeast(0).toUInt()).map { it.toKotlin() }
    }

    /** Acknowledges decisions: they are not delivered again. Gives how many were not yet acknowledged. */
    public suspend fun acknowledge(vararg decisions: Decision): Int {
        val ids = decisions.map { it.id }
        return ask { it.ack(ids).toInt() }.also { running.acknowledged(it) }
    }

    /**
     * Says what became of a [decision], or of that of an id: what policies count of it counts for all that is decided after
     * this call. Each kind counts once for a decision. [tsMs]: when; null: now. An id that no decision has is counted as
     * `feedback_unknown`, and comes out of [unknownFeedback].
     */
    public suspend fun feedback(decision: String, kind: FeedbackKind, tsMs: Long? = null): Recorded =
        ask { it.feedback(decision, kind.toFfi(), tsMs).toKotlin() }

    /** The same. */
    public suspend fun feedback(decision: Decision, kind: FeedbackKind, tsMs: Long? = null): Recorded =
        feedback(decision.id, kind, tsMs)

    /** The counters. */
    public suspend fun stats(): Stats = ask { engine ->
        Stats(engine.counters().associate { it.name to it.count.toLong() })
    }

    /** Why there is a decision, or a refusal, of this id. Throws [EnsueException.Unknown] where there is none. */
    public suspend fun why(id: String): Answer = ask { it.why(id).toKotlin() }

    /**
     * Why tasks decided nothing, or what they did decide, since [sinceMs] (null: as far back as events are kept): an answer
     * for [task] (null: for each). Throws [EnsueException.Unknown] where there is no such task.
     */
    public suspend fun whyNot(
        task: String? = null,
        whose: Whose = Whose.Everyone,
        sinceMs: Long? = null,
    ): List<Answer> = ask { engine -> engine.whyNot(task, whose.toFfi(), sinceMs).map { it.toKotlin() } }

    /** The counters of all tasks and their versions, as a JSON object; `docs/why.md` has its keys. */
    public suspend fun statsReport(): String = ask { it.statsReport() }

    /** Begins the counters of all tasks anew. */
    public suspend fun resetStats(): Unit = ask { it.resetStats() }

    /** What may leave the device. */
    public suspend fun consent(): Consent = ask { it.consent().toKotlin() }

    /** Says what may leave the device from now on; remembered until it is said anew. */
    public suspend fun setConsent(consent: Consent): Unit = ask { it.setConsent(consent.toFfi()) }

    /**
     * What there is consent to send and was not fetched yet, about [maxBytes] of it. [since] is the cursor of the last batch
     * that has arrived (null: none has); as long as it is not given back, a batch comes again.
     */
    public suspend fun drain(since: String? = null, maxBytes: Int = DRAINED): Batch =
        ask { it.drain(since, maxBytes.coerceAtLeast(0).toUInt()).toKotlin() }

    /** Erases all that is of a user (null: the anonymous one), and waits until no trace is left in the file. */
    public suspend fun forget(user: String?): Unit = ask { it.forget(user) }

    /** Erases all that is of any user, and takes nothing from now on, also after a restart. Tasks stay. */
    public suspend fun optOut(): Unit = ask { it.optOut() }

    /** Takes events again, after [optOut]; there is no history. */
    public suspend fun optIn(): Unit = ask { it.optIn() }

    /** All that is stored of a user (null: the anonymous one), as a JSON object for them to read. */
    public suspend fun export(user: String?): String = ask { it.exportUser(user) }

    /**
     * The decisions, first those that are not acknowledged. It ends when the engine is closed. Where a collector is slow,
     * [BUFFER] wait for it; others stay in the store, and come when some were acknowledged, or with the next collection.
     */
    public val decisions: Flow<Decision> get() = running.decisions

    /** All that happens inside: for tools, at some cost. Where a collector is slow, some are lost. */
    public val outcomes: Flow<Outcome> get() = running.outcomes

    /** The store began to fail, works again, or was begun afresh: each such change from now on. */
    public val storeReports: Flow<StoreReport> get() = running.storeReports

    /** Feedback to ids that no decision has, from now on: a mistake of the app, or of a user who is forgotten. */
    public val unknownFeedback: Flow<Feedback> get() = running.unknownFeedback

    /**
     * Tells [listener] of decisions on [executor], first of those that are not acknowledged. What the listener throws goes
     * to [Config.onListenerFailure].
     */
    public fun addListener(executor: Executor, listener: DecisionListener): Subscription =
        running.addListener(executor, listener)

    /**
     * Commits what was recorded, tells listeners of it, and ends; it waits for that. Later events are [Recorded.Closed]. May
     * be called twice.
     */
    override fun close() {
        entrance.close()
        running.close()
    }

    private suspend fun <T> ask(question: (FfiEngine) -> T): T = running.ask(question)

    public companion object {
        /** Decisions that wait for a slow collector. */
        public const val BUFFER: Int = 1_024

        private const val DRAINED = 65_536

        /**
         * Starts an engine and returns at once: the native library is loaded and the store opened on a thread of their own.
         * How that went, [ready] says.
         */
        @JvmStatic
        public fun initialize(config: Config = Config()): Ensue = Ensue(config)

        /**
         * Runs recorded events (JSON lines) through task documents (JSON): the lines that `ensue run --json` prints.
         *
         * @param drain after the last event time moves to the last timer.
         * @param nowMs after the last event time moves to this.
         */
        public suspend fun replay(
            tasks: String,
            events: ByteArray,
            drain: Boolean = false,
            nowMs: Long? = null,
            lateness: Duration? = null,
            sessionGap: Duration? = null,
        ): List<String> = replayed(tasks, events) {
            ReplayOptions(drain, nowMs, lateness?.inWholeMilliseconds, sessionGap?.inWholeMilliseconds)
        }
    }
}
