package dev.ensue.jvm

import dev.ensue.EnsueException
import dev.ensue.internal.NativeLibraryProvider
import dev.ensue.internal.platform
import java.io.File

/** The native libraries in this jar, one a platform. */
public class BundledLibrary internal constructor(private val platform: String) : NativeLibraryProvider {
    /** For the platform that it runs on. */
    public constructor() : this(platform())

    /** Copies the library of this platform out of the jar: only a file can be loaded. */
    override fun file(): String {
        val suffix = if (platform.startsWith("darwin")) ".dylib" else ".so"
        val resource = "/dev/ensue/native/$platform/libensue_ffi$suffix"
        val bundled = BundledLibrary::class.java.getResourceAsStream(resource) ?: throw missing(resource)
        val file = File.createTempFile("libensue_ffi", suffix)
        file.deleteOnExit()
        bundled.use { from -> file.outputStream().use { from.copyTo(it) } }
        return file.absolutePath
    }

    private fun missing(resource: String) = EnsueException.NativeLibraryMissing(
        platform,
        "this build of dev.ensue:ensue-native-jvm has no native library for $platform ($resource is not in it)",
    )
}
