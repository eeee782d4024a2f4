package dev.ensue.internal

import dev.ensue.Config
import dev.ensue.Decision
import dev.ensue.DecisionListener
import dev.ensue.Ensue
import dev.ensue.EnsueException
import dev.ensue.Event
import dev.ensue.Feedback
import dev.ensue.Outcome
import dev.ensue.Recorded
import dev.ensue.StoreReport
import dev.ensue.Subscription
import dev.ensue.ffi.ReplayOptions
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.channels.ProducerScope
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.future.await
import kotlinx.coroutines.withContext
import java.util.concurrent.CompletableFuture
import java.util.concurrent.Executor
import dev.ensue.ffi.Engine as FfiEngine
import dev.ensue.ffi.EnsueException as FfiException
import dev.ensue.ffi.replay as ffiReplay

/** Replays recorded events; [options] are made where the generated bindings are loaded. */
internal suspend fun replayed(tasks: String, events: ByteArray, options: () -> ReplayOptions): List<String> =
    withContext(Dispatchers.IO) {
        NativeLibrary.ensure()
        translated { ffiReplay(tasks, events, options()) }
    }

/** The engine from its opening to its end, and who is told of what it does. */
internal class Running(private val config: Config, private val entrance: Entrance) {
    private val subscribers = Subscribers(config.onListenerFailure)
    private val engine = CompletableFuture<FfiEngine>()

    /** The engine as soon as the entrance lets events into it, which is before it is asked anything. */
    @Volatile
    private var opened: FfiEngine? = null

    val decisions: Flow<Decision> by lazy {
        callbackFlow {
            follow(Subscriber.ToDecisions({ trySend(it).isSuccess }) { close() })
        }.buffer(Ensue.BUFFER)
    }

    val outcomes: Flow<Outcome> by lazy {
        callbackFlow {
            follow(Subscriber.ToOutcomes({ trySend(it) }) { close() })
        }.buffer(Ensue.BUFFER)
    }

    val storeReports: Flow<StoreReport> by lazy {
        callbackFlow {
            follow(Subscriber.ToStore({ trySend(it) }) { close() })
        }.buffer(Ensue.BUFFER)
    }

    val unknownFeedback: Flow<Feedback> by lazy {
        callbackFlow {
            follow(Subscriber.ToStrangers({ trySend(it) }) { close() })
        }.buffer(Ensue.BUFFER)
    }

    /** Loads the library, opens the engine, and lets in what waited for it. */
    fun open() {
        try {
            Recording.prepare()
            NativeLibrary.ensure()
            val opened = translated { FfiEngine(config.toFfi()) }
            this.opened = opened
            if (!entrance.open(Opened(opened))) opened.shutdown()
            engine.complete(opened)
        } catch (@Suppress("TooGenericExceptionCaught") failed: Throwable) {
            entrance.giveUp()
            val known = failed as? EnsueException ?: EnsueException.Internal(failed.toString(), failed)
            engine.completeExceptionally(known)
        }
    }

    /** Asks the engine, off the caller's thread. */
    suspend fun <T> ask(question: (FfiEngine) -> T): T = withContext(Dispatchers.IO) {
        val engine = awaited()
        translated { question(engine) }
    }

    suspend fun recordJson(event: ByteArray): Recorded = withContext(Dispatchers.IO) {
        try {
            awaited().recordJson(event).toKotlin()
        } catch (bad: FfiException.Event) {
            Recorded.Rejected(bad.reason)
        } catch (e: FfiException) {
            throw e.toKotlin()
        }
    }

    suspend fun recordDurable(event: Event): Recorded {
        var answer: Recorded = Recorded.Closed
        val packed = Recording.packed(entrance, event) { answer = it } ?: return answer
        return ask { Became.of(it.recordPackedDurable(packed).toInt()) }
    }

    fun identify(user: String?) {
        translated { opened?.identify(user) }
    }

    /** So many decisions were acknowledged: who had no room for others now has. */
    suspend fun acknowledged(count: Int) {
        if (subscribers.acknowledged(count)) listenAnew()
    }

    fun addListener(executor: Executor, listener: DecisionListener): Subscription {
        val subscriber = Subscriber.ToDecisions({ decision ->
            executor.execute { subscribers.contained { listener.onDecision(decision) } }
            true
        })
        // At once, so that who is gone before the engine is open is not told of anything.
        subscribers.add(subscriber)
        // Where it could not be opened there is nobody to listen to; where it is closed meanwhile, neither.
        engine.thenAccept { runCatching { listen(it) } }
        return Subscription { subscribers.remove(subscriber) }
    }

    /** Waits until events go straight into the engine, or there is none. */
    fun awaitOpen() {
        runCatching { engine.join() }
    }

    fun close() {
        // Where it is still opening, what was recorded is let in first.
        val open = runCatching { engine.join() }.getOrNull()
        open?.let { runCatching { it.shutdown() } }
        subscribers.end()
    }

    /** Subscribes for as long as the flow is collected. */
    private suspend fun ProducerScope<*>.follow(subscriber: Subscriber) {
        try {
            ask {
                subscribers.add(subscriber)
                listen(it)
            }
            awaitClose()
        } finally {
            // Also where it is cancelled before it waits.
            subscribers.remove(subscriber)
            // All that happens inside is put together only for those who collect it.
            if (subscriber is Subscriber.ToOutcomes) listenAnew()
        }
    }

    private suspend fun listenAnew() {
        val engine = opened ?: return
        withContext(NonCancellable + Dispatchers.IO) { runCatching { listen(engine) } }
    }

    /** The engine tells anew of what waits; who was told of it already is not told again. */
    private fun listen(engine: FfiEngine) {
        // One at a time: what is said last is what is wanted.
        synchronized(subscribers) { engine.setListener(subscribers, subscribers.wantOutcomes) }
        // A replay does not tell by itself of what waits. One that is closed has told all subscribers that it is over.
        if (config.replay) {
            val waiting = try {
                engine.decisions(UInt.MAX_VALUE)
            } catch (@Suppress("SwallowedException") closed: FfiException.Closed) {
                return
            }
            subscribers.onDecisions(waiting)
        }
    }

    /** The engine once it is open. Who stops waiting takes it from nobody else: it is a future of their own that ends. */
    private suspend fun awaited(): FfiEngine = engine.thenApply { it }.await()
}

/** What the entrance needs of an engine. */
private class Opened(private val engine: FfiEngine) : Inside {
    override val number = engine.number().toLong()

    override fun record(event: ByteArray) {
        NativeEntry.record(number, event, event.size)
    }

    override fun identify(user: String?) = engine.identify(user)

    override fun lose(events: Long) = engine.lose(events.toULong())
}
