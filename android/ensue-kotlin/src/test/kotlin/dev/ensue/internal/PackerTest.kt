package dev.ensue.internal

import dev.ensue.Source
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import java.io.ByteArrayOutputStream
import java.io.DataOutputStream

/** Packed events, byte by byte, against the JDK's own encoders. */
class PackerTest {
    private val packer = Packer()

    private fun packed(head: Head, vararg args: Pair<String, Any?>): ByteArray {
        packer.head(head)
        packer.count(args.size)
        for ((name, value) in args) packer.arg(name, value)
        return packer.bytes.copyOf(packer.length)
    }

    private fun expected(write: DataOutputStream.() -> Unit): ByteArray =
        ByteArrayOutputStream().also { DataOutputStream(it).write() }.toByteArray()

    private fun DataOutputStream.text(text: String) {
        val bytes = text.toByteArray()
        writeInt(bytes.size)
        write(bytes)
    }

    @Test
    fun `a head with all there is`() {
        val head = Head("pv", "ñ", "u", -2, "i", Source.STORAGE, 480)
        val expected = expected {
            write(byteArrayOf(3, 31))
            listOf("pv", "ñ", "u").forEach { text(it) }
            writeLong(-2)
            text("i")
            writeInt(480)
            writeShort(0)
        }
        assertArrayEquals(expected, packed(head))
    }

    @Test
    fun `when it was taken stands where its own time would, and yields to it`() {
        val expected = expected {
            write(byteArrayOf(0, 36))
            text("pv")
            writeLong(7)
            writeShort(0)
        }
        assertArrayEquals(expected, packed(Head("pv", null, keptMs = 7)))
        assertArrayEquals(packed(Head("pv", null, tsMs = 8)), packed(Head("pv", null, tsMs = 8, keptMs = 7)))
    }

    @Test
    fun `values of every kind`() {
        val list = listOf<Any?>(null, true, false, 'c')
        val args = arrayOf(
            "i" to 7,
            "l" to Long.MIN_VALUE,
            "f" to 0.5f,
            "t" to StringBuilder("x"),
            "a" to arrayOf(1.toByte()),
        )
        val expected = expected {
            write(byteArrayOf(0, 0))
            text("pv")
            writeShort(7)
            for ((name, value) in listOf("i" to 7L, "l" to Long.MIN_VALUE)) {
                text(name)
                write(3)
                writeLong(value)
            }
            text("f")
            write(4)
            writeDouble(0.5)
            text("t")
            write(5)
            text("x")
            text("a")
            write(6)
            writeInt(1)
            write(3)
            writeLong(1)
            text("list")
            write(6)
            writeInt(4)
            write(byteArrayOf(0, 2, 1, 5))
            text("c")
            text("map")
            write(7)
            writeInt(1)
            text("k")
            write(0)
        }
        assertArrayEquals(expected, packed(Head("pv", null), *args, "list" to list, "map" to mapOf("k" to null)))
    }

    @Test
    fun `texts are UTF-8, half pairs a replacement`() {
        for (text in listOf("", "plain", "é", "日本", "a😀b", "ab\u0000", "x".repeat(100_000))) {
            val expected = expected {
                write(byteArrayOf(0, 0))
                text(text)
                writeShort(0)
            }
            assertArrayEquals(expected, packed(Head(text, null)), text.take(10))
        }
        val half = packed(Head("a\ud800b\udc00", null))
        assertArrayEquals(packed(Head("a\ufffdb\ufffd", null)), half)
    }

    @Test
    fun `what is no value is named`() {
        val unfit = assertThrows(Unfit::class.java) { packed(Head("pv", null), "x" to listOf(Thread.currentThread())) }
        assertEquals("`args.x`: java.lang.Thread is no value of an event", unfit.message)
    }
}
