package dev.ensue

import dev.ensue.ffi.ReplayOptions
import dev.ensue.internal.Became
import dev.ensue.internal.Entrance
import dev.ensue.internal.Head
import dev.ensue.internal.NativeLibrary
import dev.ensue.internal.Packer
import dev.ensue.internal.Subscriber
import dev.ensue.internal.Subscribers
import dev.ensue.internal.Unfit
import dev.ensue.internal.toFfi
import dev.ensue.internal.toKotlin
import dev.ensue.internal.translated
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.ProducerScope
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.future.await
import kotlinx.coroutines.withContext
import java.util.concurrent.CompletableFuture
import java.util.concurrent.Executor
import kotlin.concurrent.thread
import kotlin.time.Duration
import dev.ensue.ffi.Engine as FfiEngine
import dev.ensue.ffi.EnsueException as FfiException
import dev.ensue.ffi.replay as ffiReplay

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
public class Ensue private constructor(private val config: Config) : AutoCloseable {
    private val entrance = Entrance(config.early ?: EARLY)
    private val subscribers = Subscribers(config.onListenerFailure)

    // Nothing of coroutines is loaded before somebody asks or collects: their classes cost whoever loads them first tens of
    // milliseconds, and that would be the caller of `initialize`.
    private val engine = CompletableFuture<FfiEngine>()
    private val opening = thread(name = "ensue-open", isDaemon = true) { open() }

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
        pack(Head(actionType, scene, tsMs = if (entrance.isOpening) System.currentTimeMillis() else null)) {
            count(args.size)
            for ((name, value) in args) arg(name, value)
        }

    /** Takes an event with all that can be said of it. As [record]. */
    public fun record(event: Event): Recorded {
        val ts = event.tsMs ?: if (entrance.isOpening && !config.replay) System.currentTimeMillis() else null
        return pack(event.head(ts)) { attributes(event) }
    }

    /**
     * Takes an event as [record] does, and waits until it, and all before it, is on the disk, so that not even a crash of
     * the system takes it back. Its time, where it has none, is when the engine takes it. What it answers beside
     * [Recorded.Queued] says that this event is not kept, and why. Throws [EnsueException.StoreFailed] where the store fails,
     * and [EnsueException.Unavailable] before the first tasks, when events wait in memory.
     */
    public suspend fun recordDurable(event: Event): Recorded {
        val packer = packers.get() ?: Packer()
        val packed = try {
            packer.refused(event.head(event.tsMs)) { attributes(event) }?.let { return it }
            packer.bytes.copyOf(packer.length)
        } finally {
            packer.rest()
        }
        return ask { Became.of(it.recordPackedDurable(packed).toInt()) }
    }

    private fun Event.head(ts: Long?) = Head(actionType, scene, userId, ts, id, source, utcOffsetMin)

    private fun Packer.attributes(event: Event) {
        count(event.args.size)
        for ((name, value) in event.args) arg(name, value)
    }

    private inline fun pack(head: Head, args: Packer.() -> Unit): Recorded {
        val packer = packers.get() ?: Packer()
        return try {
            packer.refused(head, args) ?: entrance.record(packer.bytes, packer.length)
        } finally {
            packer.rest()
        }
    }

    /** Packs an event. What cannot be packed is refused, and the engine counts it as one that cannot be read. */
    private inline fun Packer.refused(head: Head, args: Packer.() -> Unit): Recorded? = try {
        this.head(head)
        args()
        null
    } catch (unfit: Unfit) {
        entrance.record(bytes, 0)
        Recorded.Rejected(unfit.message.orEmpty())
    } catch (@Suppress("TooGenericExceptionCaught") strange: Exception) {
        // A map or list of the app that throws, or changes while it is read.
        entrance.record(bytes, 0)
        Recorded.Rejected(strange.toString())
    }

    /** Takes an event in its JSON form (`{"actionType":..,"args":{..}}`) and says what became of it. */
    public suspend fun recordJson(event: ByteArray): Recorded = withContext(Dispatchers.IO) {
        try {
            awaited().recordJson(event).toKotlin()
        } catch (bad: FfiException.Event) {
            Recorded.Rejected(bad.reason)
        } catch (e: FfiException) {
            throw e.toKotlin()
        }
    }

    /** Whose the later events without a user are; null: the anonymous user's. */
    public fun identify(user: String?) {
        if (!entrance.identify(user)) translated { opened()?.identify(user) }
    }

    /** Waits until all that was recorded before is committed. */
    public suspend fun flush(): Unit = ask { it.flush() }

    /** Moves the time of all users to [ms] since 1970, and waits until what that completes is committed. */
    public suspend fun advanceTo(ms: Long): Unit = ask { it.advanceTo(ms) }

    /** When something is next due, in ms since 1970; null: never, as things are. */
    public suspend fun nextWakeup(): Long? = ask { it.nextWakeup() }

    /** The oldest decisions that are not acknowledged. */
    public suspend fun pending(limit: Int = 100): List<Decision> = ask { engine ->
        engine.decisions(limit.coerceAtLeast(0).toUInt()).map { it.toKotlin() }
    }

    /** Acknowledges decisions: they are not delivered again. Gives how many were not yet acknowledged. */
    public suspend fun acknowledge(vararg decisions: Decision): Int {
        val ids = decisions.map { it.id }
        val acknowledged = ask { it.ack(ids).toInt() }
        subscribers.acknowledged(ids)
        return acknowledged
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
     * [BUFFER] wait for it; others stay in the store, and come with the next collection.
     */
    public val decisions: Flow<Decision> by lazy {
        callbackFlow {
            follow(Subscriber.ToDecisions({ trySend(it).isSuccess }) { close() })
        }.buffer(BUFFER)
    }

    /** All that happens inside: for tools, at some cost. Where a collector is slow, some are lost. */
    public val outcomes: Flow<Outcome> by lazy {
        callbackFlow {
            follow(Subscriber.ToOutcomes({ trySend(it) }) { close() })
        }.buffer(BUFFER)
    }

    /** The store began to fail, works again, or was begun afresh: each such change from now on. */
    public val storeReports: Flow<StoreReport> by lazy {
        callbackFlow {
            follow(Subscriber.ToStore({ trySend(it) }) { close() })
        }.buffer(BUFFER)
    }

    /** Feedback to ids that no decision has, from now on: a mistake of the app, or of a user who is forgotten. */
    public val unknownFeedback: Flow<Feedback> by lazy {
        callbackFlow {
            follow(Subscriber.ToStrangers({ trySend(it) }) { close() })
        }.buffer(BUFFER)
    }

    /** Subscribes for as long as the flow is collected. */
    private suspend fun ProducerScope<*>.follow(subscriber: Subscriber) {
        ask { subscribe(it, subscriber) }
        awaitClose { subscribers.remove(subscriber) }
    }

    /**
     * Tells [listener] of decisions on [executor], first of those that are not acknowledged. What the listener throws goes
     * to [Config.onListenerFailure].
     */
    public fun addListener(executor: Executor, listener: DecisionListener): Subscription {
        val subscriber = Subscriber.ToDecisions({ decision ->
            executor.execute { subscribers.contained { listener.onDecision(decision) } }
            true
        })
        // Where it could not be opened there is nobody to listen to; where it is closed meanwhile, neither.
        engine.thenAccept { runCatching { subscribe(it, subscriber) } }
        return Subscription { subscribers.remove(subscriber) }
    }

    /** The engine tells anew of what waits; who was told of it already is not told again. */
    private fun subscribe(engine: FfiEngine, subscriber: Subscriber) {
        subscribers.add(subscriber)
        engine.setListener(subscribers, subscribers.wantOutcomes)
        // A replay does not tell by itself of what waits.
        if (config.replay) subscribers.onDecisions(engine.decisions(UInt.MAX_VALUE))
    }

    /**
     * Commits what was recorded, tells listeners of it, and ends; it waits for that. Later events are [Recorded.Closed]. May
     * be called twice.
     */
    override fun close() {
        entrance.close()
        opening.join()
        opened()?.let { open ->
            runCatching { open.shutdown() }
        }
        subscribers.end()
    }

    private fun opened(): FfiEngine? = runCatching { engine.getNow(null) }.getOrNull()

    /** The engine once it is open. Who stops waiting takes it from nobody else: it is a future of their own that ends. */
    private suspend fun awaited(): FfiEngine = engine.thenApply { it }.await()

    private fun open() {
        try {
            NativeLibrary.ensure()
            val opened = translated { FfiEngine(config.toFfi()) }
            if (!entrance.open(opened.number().toLong(), opened::identify)) opened.shutdown()
            engine.complete(opened)
        } catch (@Suppress("TooGenericExceptionCaught") failed: Throwable) {
            entrance.close()
            val known = failed as? EnsueException ?: EnsueException.Internal(failed.toString(), failed)
            engine.completeExceptionally(known)
        }
    }

    /** Asks the engine, off the caller's thread. */
    private suspend fun <T> ask(question: (FfiEngine) -> T): T = withContext(Dispatchers.IO) {
        val engine = awaited()
        translated { question(engine) }
    }

    public companion object {
        /** Decisions that wait for a slow collector. */
        public const val BUFFER: Int = 1_024

        private const val EARLY = 1_000

        private const val DRAINED = 65_536

        private val packers = object : ThreadLocal<Packer>() {
            override fun initialValue() = Packer()
        }

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
        ): List<String> = withContext(Dispatchers.IO) {
            NativeLibrary.ensure()
            val options =
                ReplayOptions(drain, nowMs, lateness?.inWholeMilliseconds, sessionGap?.inWholeMilliseconds)
            translated { ffiReplay(tasks, events, options) }
        }
    }
}
