package dev.ensue.jvm

import dev.ensue.Consent
import dev.ensue.Decision
import dev.ensue.EnsueException
import dev.ensue.Event
import dev.ensue.Feedback
import dev.ensue.FeedbackKind
import dev.ensue.Match
import dev.ensue.Recorded
import dev.ensue.Source
import dev.ensue.TaskStatus
import dev.ensue.Whose
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Tasks in, events in, decisions out. */
class EngineTest {
    @Test
    fun `tasks in, events in, decisions out`() = runBlocking {
        replaying().use { ensue ->
            assertEquals(0, ensue.ready().tasks)
            val report = ensue.apply(tasks).sets.single()
            assertEquals(
                listOf("s", 3L, TaskStatus.ADDED),
                listOf(report.source, report.version, report.tasks.single().status),
            )
            val told = async { withTimeout(PATIENCE_S * 1_000) { ensue.decisions.first() } }
            assertEquals(Recorded.Queued, ensue.record(at(1_000, "a", "x" to listOf("é", mapOf("y" to 1.5)))))
            assertEquals(Recorded.Unwanted, ensue.record(at(1_100, "noise")))
            assertEquals(
                Recorded.Queued,
                ensue.record(at(1_500, "b").copy(scene = "home", source = Source.PAGE, utcOffsetMin = 60)),
            )
            ensue.flush()
            val decision = ensue.pending().single()
            assertEquals(decision, told.await())
            assertEquals(mapOf("x" to listOf("é", mapOf("y" to 1.5)), "n" to 1L), decision.values)
            assertEquals(mapOf("k" to listOf(1L, 2.5, null, true, "é")), decision.payload)
            assertEquals(
                listOf("popup", "u", 1_500L, 0),
                listOf(decision.touch, decision.user, decision.atMs, decision.output),
            )
            assertNull(decision.expiresAtMs)
            assertEquals(1, ensue.acknowledge(decision))
            assertTrue(ensue.pending().isEmpty())
            val stats = ensue.stats()
            assertEquals(listOf(3L, 2L, 1L), listOf(stats["events"], stats["demanded"], stats["decisions"]))
        }
    }

    @Test
    fun `outcomes are told to tools`() = runBlocking {
        replaying().use { ensue ->
            ensue.apply(tasks)
            val told = async { withTimeout(PATIENCE_S * 1_000) { ensue.outcomes.take(2).toList() } }
            // The flow subscribes on its own time: matches come until it has.
            var ms = 0L
            while (!told.isCompleted) {
                ensue.record(at(ms++, "a"))
                ensue.record(at(ms++, "b"))
                ensue.flush()
            }
            val match = told.await()[0] as Match
            assertEquals(setOf("a", "b"), match.bindings.keys)
            assertEquals(match.id, (told.await()[1] as Decision).matchId)
        }
    }

    @Test
    fun `what was recorded before the engine was open is not lost`() = runBlocking {
        replaying().use { ensue ->
            ensue.identify("one")
            ensue.record("a")
            ensue.identify("two")
            ensue.record("b")
            ensue.identify("one")
            ensue.record("b", scene = "home", "n" to 1)
            ensue.apply(tasks)
            ensue.flush()
            assertEquals(listOf("one"), ensue.pending().map { it.user })
        }
    }

    @Test
    fun `time moves where it is told`() = runBlocking {
        replaying().use { ensue ->
            ensue.apply(tasks.replace("a -> b", "a -> !b").replace(", COUNT(b) AS n", ""))
            ensue.record(at(1_000, "a"))
            ensue.flush()
            assertEquals(11_000L, ensue.nextWakeup())
            ensue.advanceTo(11_000)
            assertEquals(1, ensue.pending().size)
            assertNull(ensue.nextWakeup())
        }
    }

    @Test
    fun `users are forgotten, left alone, and shown what is stored`() = runBlocking {
        replaying().use { ensue ->
            ensue.apply(tasks)
            ensue.record(at(1_000, "a"))
            assertTrue("a1000" in ensue.export("u"))
            ensue.forget("u")
            assertTrue("a1000" !in ensue.export("u"))
            ensue.optOut()
            assertEquals(Recorded.OptedOut, ensue.record("a"))
            ensue.optIn()
            assertEquals(Recorded.Queued, ensue.record(at(2_000, "a")))
        }
    }

    @Test
    fun `decisions and their absence are explained, and leave only with consent`() = runBlocking {
        replaying().use { ensue ->
            ensue.apply(tasks)
            assertEquals(Consent(), ensue.consent())
            ensue.setConsent(Consent(decisions = true))
            ensue.record(at(1_000, "a"))
            ensue.record(at(1_500, "b"))
            ensue.record(at(2_000, "a"))
            ensue.flush()
            val decision = ensue.pending().single()
            val why = ensue.why(decision.id)
            assertTrue("\"touch\":\"popup\"" in why.json && "decided `popup`" in why.text, why.toString())
            val answer = ensue.whyNot(decision.task, Whose.User("u")).single()
            assertTrue("\"decisions\":1" in answer.json && answer.text.isNotEmpty(), answer.toString())
            assertTrue("\"decisions\":0" in ensue.whyNot(whose = Whose.User(null)).first().json)
            assertTrue("\"matches\":1" in ensue.statsReport())

            val batch = ensue.drain()
            assertTrue(decision.id in batch.json && batch.items == 1L && !batch.more, batch.toString())
            assertEquals(0, ensue.drain(batch.cursor).items)
            assertEquals(Recorded.Queued, ensue.feedback(decision, FeedbackKind.CLICKED))
            ensue.feedback("nobody", FeedbackKind.SHOWN, tsMs = 3_000)
            ensue.flush()
            val counts = ensue.stats()
            assertEquals(listOf(1L, 1L), listOf(counts["feedback"], counts["feedback_unknown"]))
            ensue.resetStats()
            assertTrue("\"matches\":1" !in ensue.statsReport())
            assertThrows(EnsueException.Unknown::class.java) { runBlocking { ensue.why("nobody") } }
            assertThrows(EnsueException.BadCursor::class.java) { runBlocking { ensue.drain("x") } }
            assertTrue(setOf("users", "runs", "truncated").all { it in ensue.stats().byName })
        }
    }

    @Test
    fun `feedback to nobody comes back`() = runBlocking {
        replaying().use { ensue ->
            ensue.apply(tasks)
            val told = async { withTimeout(PATIENCE_S * 1_000) { ensue.unknownFeedback.first() } }
            // The flow subscribes on its own time.
            while (!told.isCompleted) {
                ensue.feedback("nobody", FeedbackKind.DISMISSED, tsMs = 3_000)
                ensue.flush()
            }
            assertEquals(Feedback("nobody", FeedbackKind.DISMISSED, 3_000), told.await())
        }
    }

    @Test
    fun `malformed tasks say what and where`() = runBlocking {
        replaying().use { ensue ->
            val thrown =
                assertThrows(EnsueException.MalformedTasks::class.java) { runBlocking { ensue.apply("{\n  ?") } }
            assertEquals(listOf("E0501", 2, 3), listOf(thrown.code, thrown.line, thrown.column))
            assertTrue(thrown.message!!.startsWith("line 2, column 3: not JSON"), thrown.message)
            val refused = ensue.apply(tasks.replace("a -> b", "a -> ")).sets.single().tasks.single()
            assertEquals(TaskStatus.REFUSED, refused.status)
            assertEquals("taskArray[0].rule", refused.error!!.path)
            assertTrue(refused.error!!.message.startsWith("line 1, column"), refused.error!!.message)
        }
    }

    @Test
    fun `bad events are answered, never thrown`() = runBlocking {
        replaying().use { ensue ->
            ensue.apply(tasks)
            val cyclic = mutableListOf<Any?>()
            cyclic.add(cyclic)
            val inItself = arrayOfNulls<Any>(1)
            inItself[0] = inItself
            val angry = object : AbstractMap<String, Int>() {
                override val entries get() = throw StackOverflowError("deep")
            }
            for (bad in listOf(Any(), cyclic, inItself, angry, mapOf(1 to 2), "x".repeat(70_000))) {
                assertTrue(ensue.record("a", args = arrayOf("x" to bad)) is Recorded.Rejected)
            }
            assertTrue(ensue.record("") is Recorded.Rejected)
            val beyond = ensue.record(Event("a", utcOffsetMin = 1_441)) as Recorded.Rejected
            assertTrue("1440 minutes" in beyond.reason, beyond.reason)
            val malformed = ensue.recordJson("{\"actionType\":".toByteArray()) as Recorded.Rejected
            assertTrue("column 14" in malformed.reason, malformed.reason)
            assertEquals(Recorded.Queued, ensue.recordJson("{\"ts\":1,\"actionType\":\"a\"}".toByteArray()))
            assertEquals(9, ensue.stats()["rejected"])
        }
    }
}
