package dev.ensue.internal

import dev.ensue.Config
import dev.ensue.Recorded
import java.util.ArrayDeque

/** Events that wait for the library; users that are said between them do so too, at most one before each. */
private const val EARLY = 1_000
private const val OPENING = -1L
private const val CLOSED = -2L

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

    /** Events, packed, and as [Early] whose the later ones are. */
    private var kept = ArrayDeque<Any>()

    @Volatile
    private var made: Running? = null

    private class Early(val user: String?)

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

    /** Whether events wait here, and so have to bring their time. */
    val isOpening: Boolean get() = engine == OPENING

    fun record(bytes: ByteArray, length: Int): Recorded {
        val number = engine
        if (number == OPENING) return keep(bytes, length)
        if (number == CLOSED) return Recorded.Closed
        return Became.of(NativeEntry.record(number, bytes, length))
    }

    private fun keep(bytes: ByteArray, length: Int): Recorded {
        synchronized(lock) {
            if (engine == OPENING) {
                if (kept.size >= limit) return Recorded.Full
                kept.addLast(bytes.copyOf(length))
                return Recorded.Queued
            }
        }
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
    fun open(number: Long, identify: (String?) -> Unit): Boolean = synchronized(lock) {
        for (early in kept) {
            if (early is ByteArray) NativeEntry.record(number, early, early.size)
            if (early is Early) identify(early.user)
        }
        kept = ArrayDeque()
        if (engine == CLOSED) return false
        engine = number
        true
    }

    /** Lets nothing in any more; what has come goes on to wait for an engine that is still opening. */
    fun close(): Unit = synchronized(lock) { engine = CLOSED }

    /** There will be no engine. */
    fun giveUp(): Unit = synchronized(lock) {
        engine = CLOSED
        kept = ArrayDeque()
    }
}
