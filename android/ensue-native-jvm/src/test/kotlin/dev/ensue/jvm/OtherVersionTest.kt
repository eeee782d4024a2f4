package dev.ensue.jvm

import dev.ensue.Ensue
import dev.ensue.EnsueException
import dev.ensue.Recorded
import dev.ensue.internal.platform
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

/** What a process sees that has this code with the library of another version. */
internal object OtherVersion {
    @JvmStatic
    fun main(args: Array<String>) = runBlocking {
        Ensue.initialize().use { ensue ->
            try {
                ensue.ready()
                println("opened")
            } catch (e: EnsueException) {
                println("${e.javaClass.simpleName}: ${e.message}")
            }
            println(ensue.record("pv") == Recorded.Closed)
        }
    }
}

/** The numbers that stand for the calls of the library are compared at start. */
class OtherVersionTest {
    @Test
    fun `a library of another version is refused at start`(@TempDir folder: File) {
        assumeTrue(platform().startsWith("linux"))
        val library = folder.resolve("dev/ensue/native/${platform()}/libensue_ffi.so").apply { parentFile.mkdirs() }
        library.writeBytes(File(BundledLibrary().file()).readBytes())
        assertEquals(listOf("opened", "false"), said(folder))
        run(repository.resolve("bindings/other-version.sh").path, library.path)
        val (refused, isClosed) = said(folder)
        assertTrue(refused.startsWith("NativeLibraryMismatch: the native library of Ensue is of another"), refused)
        assertTrue("checksum mismatch" in refused, refused)
        assertEquals("true", isClosed)
    }

    /** What a process says that finds its library in a folder. */
    private fun said(folder: File): List<String> {
        val java = File(System.getProperty("java.home"), "bin/java").path
        val path = folder.path + File.pathSeparator + System.getProperty("java.class.path")
        return run(java, "-cp", path, OtherVersion::class.java.name).trim().lines()
    }

    private fun run(vararg command: String): String {
        val process = ProcessBuilder(*command).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        val said = process.inputStream.bufferedReader().readText()
        assertEquals(0, process.waitFor(), said)
        return said
    }
}
