package dev.ensue.internal

/** Finds the native library where it is not the system's to find; not for apps. Found by [java.util.ServiceLoader]. */
public interface NativeLibraryProvider {
    /** The path of a file with the library of this platform; throws [dev.ensue.EnsueException.NativeLibraryMissing]. */
    public fun file(): String
}
