package dev.ensue

import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** This module carries no native library: what an app sees where there is none. */
class MissingLibraryTest {
    @Test
    fun `the error says what is missing and what to add`() {
        Ensue.initialize().use { ensue ->
            val ready = assertThrows(EnsueException.NativeLibraryMissing::class.java) { runBlocking { ensue.ready() } }
            assertTrue("dev.ensue:ensue-native-jvm" in ready.message!!, ready.message)
            assertTrue(ready.platform in ready.message!!)
            for (call in listOf<suspend () -> Any?>({
                ensue.apply("{}")
            }, { ensue.flush() }, { ensue.decisions.toList() })) {
                assertThrows(EnsueException.NativeLibraryMissing::class.java) { runBlocking { call() } }
            }
        }
    }

    @Test
    fun `recording never throws`() {
        Ensue.initialize().use { ensue ->
            ensue.identify("u")
            ensue.addListener(Runnable::run) {}
            repeat(2_000) { assertTrue(ensue.record("pv", scene = "home", "n" to it) in ANSWERS) }
            runCatching { runBlocking { ensue.ready() } }
            assertEquals(Recorded.Closed, ensue.record("pv"))
        }
    }

    private companion object {
        val ANSWERS = setOf(Recorded.Queued, Recorded.Full, Recorded.Closed)
    }
}
