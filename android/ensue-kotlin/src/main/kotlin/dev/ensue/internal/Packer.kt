package dev.ensue.internal

import dev.ensue.Source
import java.nio.ByteBuffer

/**
 * Packs an event into bytes, as `bindings/src/packed.rs` reads them. Reused: it keeps its array, so that recording makes
 * no garbage.
 */
internal class Packer {
    var bytes: ByteArray = ByteArray(FIRST)
        private set(array) {
            field = array
            numbers = ByteBuffer.wrap(array)
        }

    /** The same array: numbers are written at once, not byte by byte. */
    private var numbers: ByteBuffer = ByteBuffer.wrap(bytes)
    var length: Int = 0
        private set

    /** Begins an event; the attributes follow. */
    fun head(head: Head) {
        length = 0
        room(2)
        bytes[length++] = head.source.ordinal.toByte()
        bytes[length++] = head.present().toByte()
        text(head.actionType)
        head.scene?.let { text(it) }
        head.userId?.let { text(it) }
        (head.tsMs ?: head.keptMs)?.let { long(it) }
        head.id?.let { text(it) }
        head.utcOffsetMin?.let { int(it) }
    }

    /** Says how many attributes follow. */
    fun count(n: Int) {
        if (n > 0xffff) throw Unfit("more than 65,535 attributes")
        room(2)
        bytes[length++] = (n ushr 8).toByte()
        bytes[length++] = n.toByte()
    }

    /** An attribute. */
    fun arg(name: String, value: Any?) {
        text(name)
        try {
            value(value, DEEPEST)
        } catch (unfit: Unfit) {
            throw Unfit("`args.$name`: ${unfit.message}")
        }
    }

    private fun value(value: Any?, depth: Int) {
        when (value) {
            null -> tag(NULL)

            is String -> {
                tag(TEXT)
                text(value)
            }

            is Boolean -> tag(if (value) TRUE else FALSE)

            is Int -> whole(value.toLong())

            is Double -> fraction(value)

            is Long -> whole(value)

            is Short, is Byte -> whole((value as Number).toLong())

            is Number -> fraction(value.toDouble())

            else -> inside(value, depth - 1)
        }
    }

    private fun whole(value: Long) {
        tag(INT)
        long(value)
    }

    private fun fraction(value: Double) {
        tag(FLOAT)
        long(value.toRawBits())
    }

    private fun inside(value: Any, depth: Int) {
        if (depth == 0) throw Unfit("nested too deeply")
        when (value) {
            is CharSequence, is Char -> value(value.toString(), depth)

            is Map<*, *> -> map(value, depth)

            is Collection<*> -> {
                tag(LIST)
                int(value.size)
                for (item in value) value(item, depth)
            }

            is Array<*> -> inside(value.asList(), depth)

            else -> throw Unfit("${value.javaClass.name} is no value of an event")
        }
    }

    private fun map(map: Map<*, *>, depth: Int) {
        tag(MAP)
        int(map.size)
        for ((name, item) in map) {
            text(name as? String ?: throw Unfit("the names of a map are texts"))
            value(item, depth)
        }
    }

    private fun tag(tag: Byte) {
        room(1)
        bytes[length++] = tag
    }

    private fun int(value: Int) {
        room(4)
        numbers.putInt(length, value)
        length += 4
    }

    private fun long(value: Long) {
        room(8)
        numbers.putLong(length, value)
        length += 8
    }

    /** UTF-8 with its length before it. */
    private fun text(text: String) {
        if (text.length > LONGEST) throw Unfit("a text of ${text.length} characters")
        room(4 + 3 * text.length)
        val into = bytes
        val start = length + 4
        var at = start
        var i = 0
        while (i < text.length) {
            val c = text[i]
            if (c.code >= 0x80) break
            into[at++] = c.code.toByte()
            i++
        }
        if (i < text.length) at = wide(text, i, at)
        numbers.putInt(start - 4, at - start)
        length = at
    }

    /** The rest of a text from its first character that is not ASCII. */
    private fun wide(text: String, from: Int, to: Int): Int {
        val into = bytes
        var at = to
        var i = from
        while (i < text.length) {
            var code = text[i++].code
            if (code in 0xd800..0xdbff && i < text.length && text[i].isLowSurrogate()) {
                code = 0x10000 + ((code - 0xd800) shl 10) + (text[i++].code - 0xdc00)
            } else if (code in 0xd800..0xdfff) {
                // Half of a pair is no character.
                code = 0xfffd
            }
            val more = if (code < 0x80) {
                0
            } else if (code < 0x800) {
                1
            } else if (code < 0x10000) {
                2
            } else {
                3
            }
            into[at++] = (LEADS[more] or (code ushr (6 * more))).toByte()
            for (shift in 6 * (more - 1) downTo 0 step 6) into[at++] = (0x80 or (code ushr shift and 0x3f)).toByte()
        }
        return at
    }

    private fun room(n: Int) {
        if (bytes.size - length < n) bytes = bytes.copyOf(maxOf(bytes.size * 2, length + n))
    }

    /** Lets go of an array that one large event made large. */
    fun rest() {
        if (bytes.size > KEPT) bytes = ByteArray(FIRST)
    }

    private companion object {
        const val FIRST = 512
        const val KEPT = 64 * 1024
        const val LONGEST = 16 * 1024 * 1024

        /** The engine's own limit is 64. */
        const val DEEPEST = 65

        const val NULL: Byte = 0
        const val FALSE: Byte = 1
        const val TRUE: Byte = 2
        const val INT: Byte = 3
        const val FLOAT: Byte = 4
        const val TEXT: Byte = 5
        const val LIST: Byte = 6
        const val MAP: Byte = 7

        val LEADS = intArrayOf(0, 0xc0, 0xe0, 0xf0)
    }
}

/** All of an event but its attributes. */
internal class Head(
    val actionType: String,
    val scene: String?,
    val userId: String? = null,
    val tsMs: Long? = null,
    val id: String? = null,
    val source: Source = Source.CUSTOM,
    val utcOffsetMin: Int? = null,
    /** When it was taken, where it brings no time and waits for an engine. */
    val keptMs: Long? = null,
) {
    /** A bit for each that is there, in their order; one more where its time is when it was taken. */
    fun present(): Int {
        var bits = 0
        if (scene != null) bits = bits or 1
        if (userId != null) bits = bits or 2
        if (tsMs != null) {
            bits = bits or 4
        } else if (keptMs != null) {
            bits = bits or KEPT
        }
        if (id != null) bits = bits or 8
        if (utcOffsetMin != null) bits = bits or 16
        return bits
    }

    private companion object {
        const val KEPT = 4 or 32
    }
}

/** What cannot be packed, and why. Without a stack: whoever records is told by value. */
internal class Unfit(message: String) : RuntimeException(message, null, false, false)
