package dev.ensue

/** What goes wrong with an engine as a whole. Bad events and refused tasks are no exceptions: they are reported. */
public sealed class EnsueException(message: String, cause: Throwable? = null) : Exception(message, cause) {
    /**
     * Task documents are malformed as a whole, and nothing of them applies.
     *
     * @property code stable: `E` and four digits.
     * @property reason what is wrong.
     * @property hint what to write instead.
     * @property path the JSON path, where it is known.
     * @property line the line, from 1, where it is known.
     * @property column the column in characters, from 1, where it is known.
     */
    public class MalformedTasks(
        public val code: String,
        public val reason: String,
        public val hint: String?,
        public val path: String?,
        public val line: Int?,
        public val column: Int?,
    ) : EnsueException(
        buildString {
            if (line != null) append("line $line, column $column: ")
            if (path != null) append("$path: ")
            append("$reason [$code]")
            if (hint != null) append(" ($hint)")
        },
    )

    /** The engine is closed. */
    public class Closed(reason: String) : EnsueException(reason)

    /** Another process, or another engine of this one, has the file. */
    public class InUse(reason: String) : EnsueException(reason)

    /** The file was written by a later version of Ensue. */
    public class NewerSchema(reason: String) : EnsueException(reason)

    /** The path is not a file that can be opened. */
    public class UnusablePath(reason: String) : EnsueException(reason)

    /** The store failed: disk full, I/O. */
    public class StoreFailed(reason: String) : EnsueException(reason)

    /** No decision, refusal or task has this id. */
    public class Unknown(reason: String) : EnsueException(reason)

    /** What was given as the cursor of a batch is none. */
    public class BadCursor(reason: String) : EnsueException(reason)

    /** It cannot be done now. */
    public class Unavailable(reason: String) : EnsueException(reason)

    /**
     * There is no native library for this platform, or it cannot be loaded.
     *
     * @property platform the platform, as `linux-x86-64`.
     */
    public class NativeLibraryMissing(
        public val platform: String,
        reason: String,
        cause: Throwable? = null,
    ) : EnsueException(reason, cause)

    /** The native library is of another version of Ensue than this code. */
    public class NativeLibraryMismatch(reason: String, cause: Throwable? = null) : EnsueException(reason, cause)

    /** A mistake of Ensue itself; please report it. */
    public class Internal(reason: String, cause: Throwable? = null) : EnsueException(reason, cause)
}
