package dev.ensue.internal

import dev.ensue.Event
import dev.ensue.Recorded

/** Events on their way in: each thread packs them into an array of its own, and hands them over. */
internal object Recording {
    private val packers = object : ThreadLocal<Packer>() {
        override fun initialValue() = Packer()
    }

    private val packer: Packer get() = packers.get() ?: Packer()

    fun record(
        entrance: Entrance,
        actionType: String,
        scene: String?,
        args: Array<out Pair<String, Any?>>,
    ): Recorded {
        val packer = packer
        val refused = packer.refused(entrance) {
            head(Head(actionType, scene, keptMs = entrance.keptMs()))
            count(args.size)
            for (arg in args) arg(arg.first, arg.second)
        }
        return (refused ?: entrance.record(packer.bytes, packer.length)).also { packer.rest() }
    }

    fun record(entrance: Entrance, event: Event): Recorded {
        val packer = packer
        val refused = packer.refused(entrance) { event(event, entrance.keptMs()) }
        return (refused ?: entrance.record(packer.bytes, packer.length)).also { packer.rest() }
    }

    /** The packed form of an event, for as long as it is needed; [refused] hears why there is none. */
    fun packed(entrance: Entrance, event: Event, refused: (Recorded) -> Unit): ByteArray? {
        val packer = packer
        val unfit = packer.refused(entrance) { event(event, null) }
        val packed = if (unfit == null) packer.bytes.copyOf(packer.length) else null
        unfit?.let(refused)
        packer.rest()
        return packed
    }

    /** Loads what the first event in a process would have to load on its caller's thread. */
    fun prepare() {
        val packer = Packer()
        packer.event(Event("", args = mapOf("" to "")), null)
        Became.of(0)
    }

    private fun Packer.event(event: Event, keptMs: Long?) {
        with(event) { head(Head(actionType, scene, userId, tsMs, id, source, utcOffsetMin, keptMs)) }
        count(event.args.size)
        for ((name, value) in event.args) arg(name, value)
    }

    /** Packs an event. What cannot be packed is refused, and the engine counts it as one that cannot be read. */
    private inline fun Packer.refused(entrance: Entrance, pack: Packer.() -> Unit): Recorded? = try {
        pack()
        null
    } catch (unfit: Unfit) {
        entrance.record(bytes, 0)
        Recorded.Rejected(unfit.message.orEmpty())
    } catch (@Suppress("TooGenericExceptionCaught") strange: Throwable) {
        // A map or list of the app that throws, of whatever kind, or changes while it is read.
        entrance.record(bytes, 0)
        Recorded.Rejected(strange.toString())
    }
}
