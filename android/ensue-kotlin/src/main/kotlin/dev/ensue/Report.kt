package dev.ensue

/**
 * How opening went.
 *
 * @property setAside the file that was there was no sound store: it was set aside under this name, and a fresh one begun.
 * @property tasks tasks that run on from before.
 * @property events events read again to rebuild their state.
 */
public data class OpenReport(
    public val setAside: String?,
    public val tasks: Long,
    public val events: Long,
)

/**
 * How the store of a running engine is.
 *
 * @property state how it is.
 * @property detail why, for a person.
 * @property unwritten rows that could not be written since the engine was opened, as far as it is known now.
 */
public data class StoreReport(
    public val state: StoreState,
    public val detail: String,
    public val unwritten: Long,
)

/** How a store is, in a word. */
public enum class StoreState {
    /** It cannot be written: matching goes on in memory, and what comes is not kept. */
    FAILING,

    /** It can be written again. Decisions made meanwhile are kept now; events are not, and their place is marked. */
    WORKING,

    /** There is a fresh file: the one before was gone, and all of it was written anew; or torn, and all that was known but the events was. */
    AFRESH,
}

/**
 * How applying task documents went.
 *
 * @property sets a report a source, in the order given.
 */
public data class ApplyReport(public val sets: List<SetReport>)

/**
 * How applying the tasks of a source went.
 *
 * @property source whose tasks they are.
 * @property version their version.
 * @property refused why all of them changed nothing.
 * @property warnings notes on the documents as a whole.
 * @property tasks the tasks in document order, then those that are gone.
 */
public data class SetReport(
    public val source: String,
    public val version: Long?,
    public val refused: Remark?,
    public val warnings: List<Remark>,
    public val tasks: List<TaskReport>,
)

/**
 * What became of a task.
 *
 * @property id the task.
 * @property status what became of it.
 * @property error why, where it is refused or its last good version was kept.
 * @property warnings what its author should know.
 */
public data class TaskReport(
    public val id: String,
    public val status: TaskStatus,
    public val error: Remark?,
    public val warnings: List<Remark>,
)

/** What became of a task, in a word. */
public enum class TaskStatus {
    /** It is new and runs. */
    ADDED,

    /** It runs in its new form. */
    UPDATED,

    /** It was there in the same form. */
    UNCHANGED,

    /** The new form is refused; the one before runs on. */
    KEPT,

    /** It is refused and does not run. */
    REFUSED,

    /** It is no longer in the set. */
    REMOVED,
}

/**
 * Something to say about a place in a document.
 *
 * @property path the JSON path.
 * @property code stable: `E` or `W` and four digits.
 * @property message one sentence for a person, with line and column where it is about a rule text.
 */
public data class Remark(
    public val path: String,
    public val code: String,
    public val message: String,
)

/**
 * Counters since the engine was opened, by their names in `ensue run --json`: `events`, `rejected`, `late`, `demanded`,
 * `dropped`, `matches`, `decisions`, `refusals` and others. `runs`, the tasks, users and partitions with a partial match alive, is as of
 * when last looked after; where many tasks begin alike, those are not in it of which only a beginning was noted.
 *
 * @property byName all of them.
 */
public data class Stats(public val byName: Map<String, Long>) {
    /** The counter of that name; 0 where there is none. */
    public operator fun get(name: String): Long = byName[name] ?: 0
}
