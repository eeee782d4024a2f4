package dev.ensue.internal

import dev.ensue.Recorded
import java.util.ArrayDeque

/**
 * The way in for events: kept here until the engine is open, then straight into it.
 *
 * Recording reads one volatile field; only while the engine opens it takes a lock.
 */
internal class Entrance(private val limit: Int) {
    /** The number of the engine; [OPENING] or [CLOSED]. */
    @Volatile
    private var engine: Long = OPENING
    private val lock = Any()
    private var kept = ArrayDeque<Early>()

    private sealed interface Early {
        class Event(val bytes: ByteArray) : Early

        class User(val name: String?) : Early
    }

    /** Whether events wait here, and so have to bring their time. */
    val isOpening: Boolean get() = engine == OPENING

    fun record(bytes: ByteArray, length: Int): Recorded = when (val number = engine) {
        OPENING -> keep(bytes, length)
        CLOSED -> Recorded.Closed
        else -> Became.of(NativeEntry.record(number, bytes, length))
    }

    private fun keep(bytes: ByteArray, length: Int): Recorded {
        synchronized(lock) {
            if (engine == OPENING) {
                if (kept.size >= limit) return Recorded.Full
                kept.addLast(Early.Event(bytes.copyOf(length)))
                return Recorded.Queued
            }
        }
        return record(bytes, length)
    }

    /** Keeps who the user is from here on; false where the engine is to be told. */
    fun identify(user: String?): Boolean = synchronized(lock) {
        if (engine == OPENING) kept.addLast(Early.User(user))
        engine == OPENING || engine == CLOSED
    }

    /** Lets in what waited, in its order, and what comes from now on. False: it was closed before. */
    fun open(number: Long, identify: (String?) -> Unit): Boolean = synchronized(lock) {
        if (engine == CLOSED) return false
        for (early in kept) {
            when (early) {
                is Early.Event -> NativeEntry.record(number, early.bytes, early.bytes.size)
                is Early.User -> identify(early.name)
            }
        }
        kept = ArrayDeque()
        engine = number
        true
    }

    /** Lets nothing in any more. */
    fun close(): Unit = synchronized(lock) {
        engine = CLOSED
        kept = ArrayDeque()
    }

    private companion object {
        const val OPENING = -1L
        const val CLOSED = -2L
    }
}
