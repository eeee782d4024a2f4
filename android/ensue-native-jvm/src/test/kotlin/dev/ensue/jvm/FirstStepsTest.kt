package dev.ensue.jvm

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

/** The program that the README begins with, `examples/first/First.kt`, as a process of its own. */
class FirstStepsTest {
    @Test
    fun `the first program decides`(@TempDir folder: File) {
        repository.resolve("examples/first/tasks.json").copyTo(folder.resolve("tasks.json"))
        val java = File(System.getProperty("java.home"), "bin/java").path
        val process = ProcessBuilder(java, "-cp", System.getProperty("java.class.path"), "FirstKt")
            .directory(folder).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        assertEquals("coupon_popup {item=42}\n", process.inputStream.bufferedReader().readText())
        assertEquals(0, process.waitFor())
    }
}
