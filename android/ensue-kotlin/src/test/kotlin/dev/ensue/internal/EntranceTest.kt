package dev.ensue.internal

import dev.ensue.Config
import dev.ensue.Recorded
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** What waits while no library is there. */
class EntranceTest {
    private val event = ByteArray(4)

    @Test
    fun `so many events wait, however often a user is said`() {
        val entrance = Entrance(Config(early = 3))
        repeat(10_000) { assertTrue(entrance.identify("u$it")) }
        val answers = List(4) { entrance.record(event, 4) }
        assertEquals(List(3) { Recorded.Queued } + Recorded.Full, answers)
        assertNotNull(entrance.keptMs())
    }

    @Test
    fun `nothing comes in once it is closed`() {
        for (end in listOf(Entrance::close, Entrance::giveUp)) {
            val entrance = Entrance(Config())
            entrance.record(event, 4)
            end(entrance)
            assertEquals(Recorded.Closed, entrance.record(event, 4))
            assertTrue(entrance.identify("u"), "nobody is to be told")
            assertNull(entrance.keptMs())
        }
    }

    /** Writes down what is let in; [meanwhile] runs at each event. */
    private class Written(private val meanwhile: (Int) -> Unit = {}) : Inside {
        val lines = mutableListOf<String>()

        override val number = 7L

        override fun record(event: ByteArray) {
            lines += "event ${event[0]}"
            meanwhile(lines.size)
        }

        override fun identify(user: String?) {
            lines += "user $user"
        }

        override fun lose(events: Long) {
            lines += "lost $events"
        }
    }

    @Test
    fun `what waited is let in in its order, and where something was lost`() {
        val entrance = Entrance(Config(early = 3))
        entrance.record(byteArrayOf(1), 1)
        entrance.identify("u")
        entrance.record(byteArrayOf(2), 1)
        entrance.record(byteArrayOf(3), 1)
        repeat(2) { assertEquals(Recorded.Full, entrance.record(byteArrayOf(4), 1)) }
        // Who comes while others are let in waits behind them; and has no more room, for inside there is none either.
        val inside = Written { n ->
            if (n == 1) entrance.identify("v")
            if (n == 3) assertEquals(Recorded.Full, entrance.record(byteArrayOf(4), 1))
        }
        assertTrue(entrance.open(inside))
        assertEquals(listOf("event 1", "user u", "event 2", "event 3", "lost 2", "user v", "lost 1"), inside.lines)
        assertNull(entrance.keptMs())
    }

    @Test
    fun `closed while it opens, it lets in what had come before`() {
        val entrance = Entrance(Config())
        repeat(3) { entrance.record(byteArrayOf(it.toByte()), 1) }
        val inside = Written { n ->
            if (n == 1) entrance.close()
            assertEquals(Recorded.Closed, entrance.record(byteArrayOf(9), 1))
        }
        assertFalse(entrance.open(inside))
        assertEquals(listOf("event 0", "event 1", "event 2"), inside.lines)
    }
}
