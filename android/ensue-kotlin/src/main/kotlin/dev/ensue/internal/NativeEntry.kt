package dev.ensue.internal

/** The thin JNI entry of the native library; a call of the generated bindings costs tens of times more. */
internal object NativeEntry {
    /**
     * Records the packed event in the first [length] bytes with the engine of that number: what became of it, as
     * [Became] has it. It never throws and never waits but in a replay.
     */
    @JvmStatic
    external fun record(engine: Long, event: ByteArray, length: Int): Int
}
