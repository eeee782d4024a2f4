import dev.ensue.Config
import dev.ensue.Ensue
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import java.io.File

fun main() = runBlocking {
    Ensue.initialize(Config(path = "ensue.db")).use { ensue -> // returns at once
        ensue.apply(File("tasks.json").readText()) // what the cloud pushed
        for (item in 40..42) ensue.record("pv", scene = "item_detail", "item" to item) // never throws, never blocks
        val decision = ensue.decisions.first()
        println("${decision.touch} ${decision.values}") // show it, then
        ensue.acknowledge(decision)
    }
    Unit
}
