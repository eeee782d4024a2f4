package dev.ensue.internal

import dev.ensue.EnsueException
import dev.ensue.ffi.uniffiEnsureInitialized
import java.util.ServiceLoader

/** Loads the native library, once for the process. */
internal object NativeLibrary {
    private val loaded: Result<Unit> by lazy { runCatching { load(provider()) } }

    /** Loads it, or says again why it cannot be loaded. */
    fun ensure(): Unit = loaded.getOrThrow()

    private fun provider(): NativeLibraryProvider? {
        val loader = NativeLibraryProvider::class.java.classLoader
        return ServiceLoader.load(NativeLibraryProvider::class.java, loader).firstOrNull()
    }

    /** The library for [NativeEntry], then the same file for the generated bindings, which look at its checksums. */
    fun load(provider: NativeLibraryProvider?) {
        try {
            if (provider == null) {
                System.loadLibrary(NAME)
            } else {
                val file = provider.file()
                System.load(file)
                System.setProperty("uniffi.component.$NAME.libraryOverride", file)
            }
        } catch (missing: UnsatisfiedLinkError) {
            throw missing(missing)
        }
        compare()
    }

    /** Holds the library against the generated code, which does so as it is initialized. */
    private fun compare() {
        try {
            uniffiEnsureInitialized()
        } catch (@Suppress("TooGenericExceptionCaught") failed: Throwable) {
            val cause = (failed as? ExceptionInInitializerError)?.cause ?: failed
            throw when (cause) {
                // A call is not in it; else JNA could not load its own library.
                is UnsatisfiedLinkError ->
                    if ("looking up function" in cause.message.orEmpty()) mismatch(cause) else missing(cause)

                // The numbers that stand for its calls are others.
                is RuntimeException -> mismatch(cause)

                else -> failed
            }
        }
    }

    private fun mismatch(cause: Throwable) = EnsueException.NativeLibraryMismatch(
        "the native library of Ensue is of another version than its Kotlin code (${cause.message}). Give all modules " +
            "of dev.ensue the same version, and build lib$NAME.so of the same sources",
        cause,
    )

    private fun missing(cause: UnsatisfiedLinkError) = EnsueException.NativeLibraryMissing(
        platform(),
        "no native library of Ensue for ${platform()}: ${cause.message}. On a desktop JVM add " +
            "dev.ensue:ensue-native-jvm; an Android app packs lib$NAME.so for its ABIs",
        cause,
    )

    private const val NAME = "ensue_ffi"
}

/** This platform, as the folders of native libraries are named. */
public fun platform(): String {
    val name = System.getProperty("os.name").orEmpty().lowercase()
    val os = when {
        name.startsWith("mac") -> "darwin"
        name.startsWith("windows") -> "windows"
        else -> name.substringBefore(' ')
    }
    val arch = when (val arch = System.getProperty("os.arch").orEmpty().lowercase()) {
        "amd64", "x86_64" -> "x86-64"
        "arm64", "aarch64" -> "aarch64"
        else -> arch
    }
    return "$os-$arch"
}
