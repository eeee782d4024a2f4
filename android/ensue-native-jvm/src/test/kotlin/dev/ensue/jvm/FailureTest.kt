package dev.ensue.jvm

import dev.ensue.Config
import dev.ensue.Decision
import dev.ensue.Ensue
import dev.ensue.EnsueException
import dev.ensue.Event
import dev.ensue.Recorded
import dev.ensue.StoreState
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.coroutines.ContinuationInterceptor

/** Many threads, listeners that misbehave, closing at the wrong moment, files and libraries that are not there. */
class FailureTest {
    @Test
    fun `64 threads lose nothing below the queue's limit`() = runBlocking {
        val (threads, each) = 64 to 200
        Ensue.initialize(Config(queue = threads * each)).use { ensue ->
            ensue.apply(eachGo.replace("\"output\"", "\"x\""))
            val began = CountDownLatch(threads)
            val lost = AtomicInteger()
            val recorders = List(threads) {
                thread {
                    began.countDown()
                    began.await()
                    repeat(each) { n ->
                        if (ensue.record("go", scene = "s", "n" to n) !=
                            Recorded.Queued
                        ) {
                            lost.incrementAndGet()
                        }
                    }
                }
            }
            recorders.forEach { it.join() }
            ensue.flush()
            val stats = ensue.stats()
            assertEquals(0, lost.get())
            assertEquals(0, stats["dropped"])
            assertEquals((threads * each).toLong(), stats["demanded"])
            assertEquals((threads * each).toLong(), stats["matches"])
        }
    }

    @Test
    fun `a listener that throws harms nobody`() = runBlocking {
        val failures = ConcurrentLinkedQueue<String>()
        val heard = CountDownLatch(6)
        val threads = ConcurrentLinkedQueue<String>()
        val executor = Executors.newSingleThreadExecutor { thread(start = false, name = "mine", block = it::run) }
        Ensue.initialize(Config(onListenerFailure = { failures += it.message })).use { ensue ->
            ensue.addListener(executor) {
                threads += Thread.currentThread().name
                heard.countDown()
                error("no")
            }
            // On the engine's own thread, and with an executor that takes nothing.
            ensue.addListener(Runnable::run) {
                heard.countDown()
                throw StackOverflowError("deep")
            }
            ensue.addListener({ throw java.util.concurrent.RejectedExecutionException("full") }) {}
            ensue.apply(eachGo)
            repeat(3) { ensue.record("go") }
            assertTrue(heard.await(PATIENCE_S, TimeUnit.SECONDS))
            ensue.flush()
            assertEquals(3, ensue.pending().size)
        }
        executor.shutdown()
        assertTrue(executor.awaitTermination(PATIENCE_S, TimeUnit.SECONDS))
        assertEquals(setOf("mine"), threads.toSet())
        assertEquals(mapOf("no" to 3, "deep" to 3, "full" to 3), failures.groupingBy { it }.eachCount())
    }

    @Test
    fun `each subscriber is told once, a late one of what waits`() = runBlocking {
        Ensue.initialize().use { ensue ->
            val (first, second) = ConcurrentLinkedQueue<Decision>() to ConcurrentLinkedQueue<Decision>()
            val (one, all) = CountDownLatch(1) to CountDownLatch(4)
            ensue.addListener(Runnable::run) {
                first += it
                one.countDown()
                all.countDown()
            }
            ensue.apply(eachGo)
            ensue.record("go")
            assertTrue(one.await(PATIENCE_S, TimeUnit.SECONDS))
            val late = ensue.addListener(Runnable::run) {
                second += it
                all.countDown()
            }
            ensue.record("go")
            assertTrue(all.await(PATIENCE_S, TimeUnit.SECONDS))
            late.close()
            ensue.record("go")
            ensue.close()
            assertEquals(listOf(3, 2), listOf(first.size, second.size))
            assertEquals(3, first.map { it.id }.toSet().size)
        }
    }

    @Test
    fun `who has no room for all that waits is told of the rest as some are acknowledged`() = runBlocking {
        val waiting = Ensue.BUFFER + Ensue.BUFFER / 2
        Ensue.initialize().use { ensue ->
            ensue.apply(eachGo)
            repeat(waiting) { assertEquals(Recorded.Queued, ensue.record("go")) }
            ensue.flush()
            assertEquals(waiting, ensue.pending(limit = Int.MAX_VALUE).size)
            val told = withTimeout(PATIENCE_S * 1_000) {
                ensue.decisions.onEach { ensue.acknowledge(it) }.take(waiting).toList()
            }
            assertEquals(waiting, told.map { it.id }.toSet().size)
            assertEquals(emptyList<Decision>(), ensue.pending())
        }
    }

    @Test
    fun `who left before it was open is not called`() = runBlocking {
        Ensue.initialize().use { ensue ->
            val calls = AtomicInteger()
            ensue.addListener(Runnable::run) { calls.incrementAndGet() }.close()
            ensue.apply(eachGo)
            ensue.record("go")
            withTimeout(PATIENCE_S * 1_000) { ensue.decisions.first() }
            assertEquals(0, calls.get())
        }
    }

    @Test
    fun `closing while others record`() = runBlocking {
        repeat(10) { round ->
            val ensue = Ensue.initialize()
            if (round % 2 == 0) ensue.apply(eachGo)
            val stop = AtomicBoolean()
            val closed = AtomicInteger()
            val recorders = List(8) {
                thread {
                    while (!stop.get()) if (ensue.record("go") == Recorded.Closed) closed.incrementAndGet()
                }
            }
            // One that collects meanwhile, and one that comes when all is over.
            val collectors = listOf(Dispatchers.IO, coroutineContext[ContinuationInterceptor]!!).map {
                launch(it) { withTimeout(PATIENCE_S * 1_000) { ensue.decisions.toList() } }
            }
            ensue.close()
            ensue.close()
            assertEquals(Recorded.Closed, ensue.record("go"))
            while (closed.get() == 0) Thread.onSpinWait()
            stop.set(true)
            recorders.forEach { it.join() }
            collectors.forEach { it.join() }
            assertThrows(EnsueException.Closed::class.java) { runBlocking { ensue.flush() } }
            assertThrows(EnsueException.Closed::class.java) { runBlocking { ensue.pending() } }
            assertNull(ensue.nextWakeup())
        }
    }

    @Test
    fun `what collects a replay that is closed ends`() = runBlocking {
        val ensue = Ensue.initialize(Config(replay = true))
        ensue.ready()
        ensue.close()
        assertEquals(emptyList<Decision>(), withTimeout(PATIENCE_S * 1_000) { ensue.decisions.toList() })
    }

    @Test
    fun `closing at once keeps what was recorded before`(@TempDir folder: File) = runBlocking {
        val config = Config(path = folder.resolve("e.db").path)
        Ensue.initialize(config).use { it.apply(eachGo) }
        repeat(5) { round ->
            val ensue = Ensue.initialize(config)
            assertEquals(Recorded.Queued, ensue.record("go"))
            ensue.close()
            assertEquals(Recorded.Closed, ensue.record("go"))
            assertThrows(EnsueException.Closed::class.java) { runBlocking { ensue.apply(eachGo) } }
            Ensue.initialize(config).use { assertEquals(round + 1, it.pending().size) }
        }
        repeat(20) { Ensue.initialize().close() }
    }

    @Test
    fun `what there was no room for before it was open is counted`() = runBlocking {
        Ensue.initialize(Config(early = 2)).use { ensue ->
            val answers = List(5) { ensue.record("go") }
            ensue.apply(eachGo)
            assertEquals(List(2) { Recorded.Queued } + List(3) { Recorded.Full }, answers)
            assertEquals(3, ensue.stats()["dropped"])
            ensue.flush()
            assertEquals(2, ensue.pending().size)
        }
    }

    @Test
    fun `what comes before it is open is not late where the clock was set back`(@TempDir folder: File) = runBlocking {
        val config = Config(path = folder.resolve("e.db").path)
        val ahead = System.currentTimeMillis() + 30_000
        Ensue.initialize(config).use { ensue ->
            ensue.apply(eachGo)
            ensue.record(Event("go", tsMs = ahead))
        }
        Ensue.initialize(config).use { ensue ->
            ensue.record("go")
            ensue.record(Event("go"))
            ensue.flush()
            assertEquals(0, ensue.stats()["late"])
            assertEquals(List(3) { ahead }, ensue.pending().map { it.atMs })
        }
    }

    @Test
    fun `two engines know nothing of each other`() = runBlocking {
        Ensue.initialize().use { first ->
            Ensue.initialize().use { second ->
                listOf(first, second).forEach { it.apply(eachGo) }
                repeat(2) { first.record("go") }
                second.record("go")
                listOf(first, second).forEach { it.flush() }
                assertEquals(listOf(2, 1), listOf(first, second).map { it.pending().size })
            }
        }
    }

    @Test
    fun `a listener may close the engine`() = runBlocking {
        val done = CountDownLatch(1)
        val ensue = Ensue.initialize()
        ensue.addListener(Runnable::run) {
            ensue.close()
            done.countDown()
        }
        ensue.apply(eachGo)
        ensue.record("go")
        assertTrue(done.await(PATIENCE_S, TimeUnit.SECONDS))
    }

    @Test
    fun `a store goes on where it ended, and is one engine's`(@TempDir folder: File) = runBlocking {
        val config = Config(path = folder.resolve("e.db").path)
        val first = Ensue.initialize(config).use { ensue ->
            ensue.apply(eachGo)
            ensue.record("go")
            ensue.flush()
            assertThrows(EnsueException.InUse::class.java) {
                runBlocking { Ensue.initialize(config).use { it.ready() } }
            }
            ensue.pending().single()
        }
        Ensue.initialize(config).use { ensue ->
            assertEquals(1, ensue.ready().tasks)
            assertEquals(listOf(first.id), ensue.pending().map { it.id })
        }
    }

    @Test
    fun `a durable event is on the disk, and a file that is lost is told`(@TempDir folder: File) = runBlocking<Unit> {
        val file = folder.resolve("e.db")
        Ensue.initialize(Config(path = file.path)).use { ensue ->
            ensue.apply(eachGo)
            assertEquals(Recorded.Queued, ensue.recordDurable(Event("go", args = mapOf("x" to listOf(1, "é")))))
            assertEquals(1, ensue.stats()["stored"])
            assertEquals(Recorded.Unwanted, ensue.recordDurable(Event("noise")))
            assertTrue(ensue.recordDurable(Event("go", args = mapOf("x" to Any()))) is Recorded.Rejected)
            val told = async { withTimeout(PATIENCE_S * 1_000) { ensue.storeReports.first() } }
            // The flow subscribes on its own time: files are lost until it has.
            while (!told.isCompleted) {
                file.delete()
                ensue.record("go")
                ensue.flush()
            }
            assertEquals(StoreState.AFRESH, told.await().state)
            ensue.close()
            assertThrows(EnsueException.Closed::class.java) { runBlocking { ensue.recordDurable(Event("go")) } }
        }
    }

    @Test
    fun `a path that cannot be opened says so, and record goes on answering`() = runBlocking {
        Ensue.initialize(Config(path = "/nowhere/at/all/e.db")).use { ensue ->
            val thrown = assertThrows(EnsueException.UnusablePath::class.java) { runBlocking { ensue.ready() } }
            assertTrue("/nowhere/at/all/e.db" in thrown.message!!)
            assertEquals(Recorded.Closed, ensue.record("go"))
        }
    }

    @Test
    fun `a platform without a library is named`() {
        val thrown =
            assertThrows(EnsueException.NativeLibraryMissing::class.java) { BundledLibrary("plan9-mips").file() }
        assertEquals("plan9-mips", thrown.platform)
        assertTrue("no native library for plan9-mips" in thrown.message!!, thrown.message)
    }
}
