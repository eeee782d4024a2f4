package dev.ensue.jvm

import com.google.gson.JsonObject
import dev.ensue.Ensue
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

/** The rental example gives exactly the lines that the command line gives. */
class RentalTest {
    private val folder = repository.resolve("examples/rental")

    @Test
    fun `the rental example gives the expected lines`() = runBlocking {
        val lines = Ensue.replay(
            folder.resolve("tasks.json").readText(),
            folder.resolve("events.jsonl").readBytes(),
            drain = true,
        )
        val expected = folder.resolve("expected.jsonl").readLines().map(::timeless)
        assertEquals(expected, lines.map(::timeless))
        assertEquals("summary", json(lines.last())["kind"].asString)
    }

    /** Without what the machine's speed decides. */
    private fun timeless(line: String): JsonObject = json(line).apply { remove("seconds") }
}
