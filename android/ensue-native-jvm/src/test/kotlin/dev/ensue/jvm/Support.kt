package dev.ensue.jvm

import com.google.gson.JsonObject
import com.google.gson.JsonParser
import dev.ensue.Config
import dev.ensue.Ensue
import dev.ensue.Event
import java.io.File

/** How long a test waits for another thread before it fails. */
internal const val PATIENCE_S = 30L

internal val repository = File(System.getProperty("ensue.repository"))

internal fun json(line: String): JsonObject = JsonParser.parseString(line).asJsonObject

/** A document of one task: `a -> b`, a touch and its cap. */
internal val tasks = """
    {"source": "s", "version": 3, "taskArray": [{"id": "t", "taskType": "cep",
     "rule": "EVENT: a -> b WHERE a.actionType = 'a' AND b.actionType = 'b' WITHIN 10 S RETURN a.args.x AS x, COUNT(b) AS n",
     "output": {"type": "touch", "touch": "popup", "payload": {"k": [1, 2.5, null, true, "é"]}}}]}
""".trimIndent()

/** A document of one task that decides at each `go`. */
internal val eachGo = """
    {"taskArray": [{"id": "go", "taskType": "cep", "rule": "EVENT: g WHERE g.actionType = 'go' WITHIN 10 S",
     "output": {"type": "touch", "touch": "popup"}}]}
""".trimIndent()

internal fun replaying(): Ensue = Ensue.initialize(Config(replay = true))

internal fun at(ms: Long, actionType: String, vararg args: Pair<String, Any?>) =
    Event(actionType, tsMs = ms, userId = "u", id = "$actionType$ms", args = mapOf(*args))
