package dev.ensue.jvm

import com.google.gson.JsonElement
import com.google.gson.JsonObject
import dev.ensue.Ensue
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** The conformance cases that every face runs: `tests/cases/faces.jsonl`. */
class ConformanceTest {
    @Test
    fun `every case gives its answer`() = runBlocking {
        val cases = repository.resolve("tests/cases/faces.jsonl").readLines().map(::json)
        assertTrue(cases.size > 150, "${cases.size} cases")
        for (case in cases) {
            val events = case["events"].asJsonArray.joinToString("\n").toByteArray()
            val now = case["now"].takeUnless { it.isJsonNull }?.asLong
            val items = Ensue.replay(case["tasks"].toString(), events, nowMs = now).map(::json)
            assertEquals("added", items.first()["status"].asString, case["name"].asString)
            assertEquals(expected(case["matches"]), found(items, "match"), case["name"].asString)
            if (!case["timeouts"].isJsonNull) {
                assertEquals(expected(case["timeouts"]), found(items, "timeout"), case["name"].asString)
            }
        }
    }

    private fun expected(answers: JsonElement) = answers.asJsonArray.map { it.toString() }.toSet()

    /** The bindings of all of a kind, the stages in the order of their names, as the file has them. */
    private fun found(items: List<JsonObject>, kind: String) =
        items.filter { it["kind"].asString == kind }.map { sorted(it["bindings"].asJsonObject).toString() }.toSet()

    private fun sorted(bindings: JsonObject) = JsonObject().apply {
        bindings.keySet().sorted().filter { bindings[it].asJsonArray.size() > 0 }.forEach { add(it, bindings[it]) }
    }
}
