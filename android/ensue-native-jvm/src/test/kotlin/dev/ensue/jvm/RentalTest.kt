package dev.ensue.jvm

import com.google.gson.JsonObject
import dev.ensue.Ensue
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

/** The examples give exactly the lines that the command line gives. */
class RentalTest {
    @Test
    fun `the rental example gives the expected lines`() = replays("rental")

    @Test
    fun `the example of controls gives the expected lines`() = replays("controls")

    private fun replays(example: String) = runBlocking {
        val folder = repository.resolve("examples/$example")
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
