package dev.ensue.internal

import dev.ensue.Config
import dev.ensue.Recorded
import java.util.ArrayDeque

/** Events that wait for the library; users that are said between them do so too, at most one before each. */
private const val EARLY = 1_000
private const val OPENING = -1L
private const val CLOSED = -2L

/** What waits is let in so often before those who record have to wait for the rest. */
private const val ROUNDS = 4

/** An engine that is open, to those who wait at the entrance. */
internal interface Inside {
    val number: Long

    fun record(event: ByteArray)

    fun identify(user: String?)

    /** So many events were lost here, because there was no room for them. */
    fun lose(events: Long)
}

/**
 * The way in for events: kept here until the engine is open, then straight into it. And the thread that opens it.
 *
 * Recording reads one volatile field; only while the engine opens it takes a lock.
 *
 * Whoever calls `initialize` pays for the classes that it needs, each of which costs the first caller in a process some
 * tenths of a millisecond. So these are few, this one among them: no companion object, nothing of coroutines, of the
 * generated bindings or of JNA. All that is in [Running], which the thread makes, or who asks for it first.
 */
internal class Entrance(private val config: Config) : Runnable {
    /** The number of the engine; [OPENING] or [CLOSED]. */
    @Volatile
    private var engine: Long = OPENING
    private val lock = Any()
    private val limit = config.early ?: EARLY

    /** Events, packed; as [Early] whose the later ones are; as [Lost] how many came when there was no room. */
    private var kept = ArrayDeque<Any>()

    /** How many events were ever kept: behind them the engine, without tasks, has no room for more. */
    private var events = 0

    @Volatile
    private var made: Running? = null

    private class Early(val user: String?)

    private class Lost(var events: Long)

    /** Opens the engine on a thread of its own. */
    fun start() {
        val thread = Thread(this, "ensue-open")
        thread.isDaemon = true
        thread.start()
    }

    override fun run() {
        running().open()
    }

    /** All that is behind the entrance. */
    fun running(): Running {
        val running = made
        if (running != null) return running
        // Not the lock of those who record: making it loads classes.
        synchronized(this) {
            val first = made ?: Running(config, this)
            made = first
            return first
        }
    }

    /** Now, where events wait here and so have to say when they were taken. */
    fun keptMs(): Long? = if (engine == OPENING) System.currentTimeMillis() else null

    fun record(bytes: ByteArray, length: Int): Recorded {
        val number = engine
        if (number == OPENING) return keep(bytes, length)
        if (number == CLOSED) return Recorded.Closed
        return Became.of(NativeEntry.record(number, bytes, length))
    }

    private fun keep(bytes: ByteArray, length: Int): Recorded {
        synchronized(lock) {
            if (engine == OPENING && events < limit) {
                events++
                kept.addLast(bytes.copyOf(length))
                return Recorded.Queued
            }
            if (engine == OPENING && !config.replay) {
                val lost = kept.peekLast() as? Lost ?: Lost(0).also(kept::addLast)
                lost.events++
                return Recorded.Full
            }
        }
        // A replay loses nothing: it waits.
        if (engine == OPENING) running().awaitOpen()
        return record(bytes, length)
    }

    /** Keeps who the user is from here on; false where the engine is to be told. */
    fun identify(user: String?): Boolean = synchronized(lock) {
        if (engine == OPENING) {
            // Who says it again and again before anything happens is kept once.
            if (kept.peekLast() is Early) kept.removeLast()
            kept.addLast(Early(user))
        }
        engine == OPENING || engine == CLOSED
    }

    /**
     * Lets in what waited, in its order, and what comes from now on. False: it was closed meanwhile, and only what had come
     * before is let in.
     */
    fun open(inside: Inside): Boolean {
        repeat(ROUNDS) {
            val waiting = synchronized(lock) { kept.also { kept = ArrayDeque() } }
            waiting.forEach { letIn(it, inside) }
        }
        synchronized(lock) {
            kept.forEach { letIn(it, inside) }
            kept = ArrayDeque()
            if (engine == CLOSED) return false
            engine = inside.number
            return true
        }
    }

    private fun letIn(one: Any, inside: Inside) {
        when (one) {
            is ByteArray -> inside.record(one)
            is Early -> inside.identify(one.user)
            is Lost -> inside.lose(one.events)
        }
    }

    /** Lets nothing in any more; what has come goes on to wait for an engine that is still opening. */
    fun close(): Unit = synchronized(lock) { engine = CLOSED }

    /** There will be no engine. */
    fun giveUp(): Unit = synchronized(lock) {
        engine = CLOSED
        kept = ArrayDeque()
    }
}
