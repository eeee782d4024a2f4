package dev.ensue.internal

import dev.ensue.Decision
import dev.ensue.Ensue
import dev.ensue.Feedback
import dev.ensue.Outcome
import dev.ensue.StoreReport
import java.util.concurrent.CopyOnWriteArrayList
import dev.ensue.ffi.Decision as FfiDecision
import dev.ensue.ffi.Feedback as FfiFeedback
import dev.ensue.ffi.Listener as FfiListener
import dev.ensue.ffi.Outcome as FfiOutcome
import dev.ensue.ffi.StoreReport as FfiStoreReport

/** Who is told, and of what already. The engine tells at least once; here each is told once of what it took. */
internal class Subscribers(private val failed: ((Throwable) -> Unit)?) : FfiListener {
    private val all = CopyOnWriteArrayList<Subscriber>()
    private var isOver = false

    /** Decisions acknowledged since somebody had no room for one. */
    private var acknowledged = 0

    /** Whether anybody wants more than decisions. */
    val wantOutcomes: Boolean get() = all.any { it is Subscriber.ToOutcomes }

    /** Adds somebody; where all is over, they hear at once that it is. */
    fun add(subscriber: Subscriber) {
        val late = synchronized(all) {
            if (!isOver) all += subscriber
            isOver
        }
        if (late) contained { subscriber.ended() }
    }

    fun remove(subscriber: Subscriber) {
        all -= subscriber
    }

    /** Nobody is told any more. */
    fun end() {
        val ended = synchronized(all) {
            isOver = true
            all.toList().also { all.clear() }
        }
        ended.forEach { contained { it.ended() } }
    }

    /** So many decisions were acknowledged. Whether the engine is to tell again, since who had no room for others now has. */
    fun acknowledged(count: Int): Boolean = synchronized(all) {
        val behind = all.filterIsInstance<Subscriber.ToDecisions>().filter { it.isBehind }
        if (behind.isEmpty()) return false
        acknowledged += count
        if (acknowledged < Ensue.BUFFER / 2) return false
        acknowledged = 0
        behind.forEach { it.isBehind = false }
        true
    }

    override fun onDecisions(decisions: List<FfiDecision>) {
        val converted = decisions.map { it.toKotlin() }
        for (subscriber in all) {
            if (subscriber is Subscriber.ToDecisions) converted.forEach { contained { subscriber.take(it) } }
        }
    }

    override fun onOutcomes(outcomes: List<FfiOutcome>) {
        val converted = outcomes.map { it.toKotlin() }
        for (subscriber in all) {
            if (subscriber is Subscriber.ToOutcomes) converted.forEach { contained { subscriber.tell(it) } }
        }
    }

    override fun onStore(report: FfiStoreReport) {
        val converted = report.toKotlin()
        for (subscriber in all) {
            if (subscriber is Subscriber.ToStore) contained { subscriber.tell(converted) }
        }
    }

    override fun onUnknownFeedback(feedback: List<FfiFeedback>) {
        val converted = feedback.map { it.toKotlin() }
        for (subscriber in all) {
            if (subscriber is Subscriber.ToStrangers) converted.forEach { contained { subscriber.tell(it) } }
        }
    }

    /** Runs what is the app's: what it throws goes to the app's own handler, and no further. */
    inline fun contained(body: () -> Unit) {
        try {
            body()
        } catch (thrown: Throwable) {
            runCatching { failed?.invoke(thrown) ?: thrown.printStackTrace() }
        }
    }
}

/** Somebody who is told. */
internal sealed class Subscriber(val ended: () -> Unit) {
    /** Of decisions; `tell` says whether it took one. */
    class ToDecisions(private val tell: (Decision) -> Boolean, ended: () -> Unit = {}) : Subscriber(ended) {
        /** The last ones it took, as many as the engine keeps decisions for. */
        private val given = object : LinkedHashMap<String, Unit>() {
            override fun removeEldestEntry(eldest: MutableMap.MutableEntry<String, Unit>) = size > REMEMBERED
        }

        /** It had no room for a decision, which stays in the outbox and is to be told again. */
        @Volatile
        var isBehind = false

        fun take(decision: Decision) {
            synchronized(given) { if (given.put(decision.id, Unit) != null) return }
            if (tell(decision)) return
            synchronized(given) { given.remove(decision.id) }
            isBehind = true
        }
    }

    /** Of all that happens. */
    class ToOutcomes(val tell: (Outcome) -> Unit, ended: () -> Unit) : Subscriber(ended)

    /** Of how the store is. */
    class ToStore(val tell: (StoreReport) -> Unit, ended: () -> Unit) : Subscriber(ended)

    /** Of feedback to decisions that nobody knows. */
    class ToStrangers(val tell: (Feedback) -> Unit, ended: () -> Unit) : Subscriber(ended)

    private companion object {
        const val REMEMBERED = 10_000
    }
}
