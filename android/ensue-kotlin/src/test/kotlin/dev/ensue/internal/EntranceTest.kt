package dev.ensue.internal

import dev.ensue.Config
import dev.ensue.Recorded
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** What waits while no library is there. */
class EntranceTest {
    private val event = ByteArray(4)

    @Test
    fun `so many events wait, however often a user is said`() {
        val entrance = Entrance(Config(early = 3))
        repeat(10_000) { assertTrue(entrance.identify("u$it")) }
        val answers = List(3) { entrance.record(event, 4) }
        assertEquals(listOf(Recorded.Queued, Recorded.Queued, Recorded.Full), answers)
        assertTrue(entrance.isOpening)
    }

    @Test
    fun `nothing comes in once it is closed`() {
        for (end in listOf(Entrance::close, Entrance::giveUp)) {
            val entrance = Entrance(Config())
            entrance.record(event, 4)
            end(entrance)
            assertEquals(Recorded.Closed, entrance.record(event, 4))
            assertTrue(entrance.identify("u"), "nobody is to be told")
            assertFalse(entrance.isOpening)
        }
    }
}
