package dev.ensue.internal

import dev.ensue.Answer
import dev.ensue.ApplyReport
import dev.ensue.Batch
import dev.ensue.Config
import dev.ensue.Consent
import dev.ensue.Decision
import dev.ensue.DerivedEvent
import dev.ensue.EnsueException
import dev.ensue.Feedback
import dev.ensue.FeedbackKind
import dev.ensue.Match
import dev.ensue.OpenReport
import dev.ensue.Outcome
import dev.ensue.Recorded
import dev.ensue.Refusal
import dev.ensue.RefusalReason
import dev.ensue.Remark
import dev.ensue.SetReport
import dev.ensue.StoreReport
import dev.ensue.StoreState
import dev.ensue.TaskReport
import dev.ensue.TaskStatus
import dev.ensue.Timeout
import dev.ensue.Whose
import dev.ensue.ffi.Named
import dev.ensue.ffi.Value
import dev.ensue.ffi.Answer as FfiAnswer
import dev.ensue.ffi.ApplyReport as FfiApplyReport
import dev.ensue.ffi.Batch as FfiBatch
import dev.ensue.ffi.Config as FfiConfig
import dev.ensue.ffi.Consent as FfiConsent
import dev.ensue.ffi.Decision as FfiDecision
import dev.ensue.ffi.EnsueException as FfiException
import dev.ensue.ffi.Feedback as FfiFeedback
import dev.ensue.ffi.FeedbackKind as FfiFeedbackKind
import dev.ensue.ffi.InternalException as FfiInternal
import dev.ensue.ffi.Match as FfiMatch
import dev.ensue.ffi.OpenReport as FfiOpenReport
import dev.ensue.ffi.Outcome as FfiOutcome
import dev.ensue.ffi.Recorded as FfiRecorded
import dev.ensue.ffi.Refusal as FfiRefusal
import dev.ensue.ffi.RefusalReason as FfiReason
import dev.ensue.ffi.Remark as FfiRemark
import dev.ensue.ffi.StoreReport as FfiStoreReport
import dev.ensue.ffi.Whose as FfiWhose

internal fun Config.toFfi() = FfiConfig(
    path = path,
    replay = replay,
    latenessMs = lateness?.inWholeMilliseconds,
    sessionGapMs = sessionGap?.inWholeMilliseconds,
    defaultWindowMs = defaultWindow?.inWholeMilliseconds,
    queue = queue?.toUInt(),
    early = early?.toUInt(),
    eventBytes = eventBytes?.toUInt(),
    users = users?.toUInt(),
    consent = consent?.toFfi(),
    keepAtLeastMs = keepAtLeast?.inWholeMilliseconds,
    keepForMs = keepFor?.inWholeMilliseconds,
    keepEvents = keepEvents?.toULong(),
    keepBytes = keepBytes?.toULong(),
)

internal fun Value.toKotlin(): Any? = when (this) {
    is Value.Null -> null
    is Value.Truth -> value
    is Value.Whole -> value
    is Value.Number -> value
    is Value.Text -> value
    is Value.Items -> values.map { it.toKotlin() }
    is Value.Entries -> values.mapValues { it.value.toKotlin() }
}

private fun List<Named>.toMap(): Map<String, Any?> = associate { it.name to it.value.toKotlin() }

internal fun FfiDecision.toKotlin() = Decision(
    id = id,
    task = task,
    version = version,
    user = user,
    atMs = atMs,
    output = output.toInt(),
    touch = touch,
    payload = payload.toKotlin(),
    values = values.toMap(),
    matchId = matchId,
    expiresAtMs = expiresAtMs,
)

private fun FfiRefusal.toKotlin() = Refusal(
    id = id,
    task = task,
    version = version,
    user = user,
    atMs = atMs,
    output = output?.toInt(),
    touch = touch,
    payload = payload.toKotlin(),
    values = values.toMap(),
    matchId = matchId,
    expiresAtMs = expiresAtMs,
    reason = reason.toKotlin(),
    detail = detail,
)

private fun FfiReason.toKotlin() = RefusalReason.entries.find { it.name == name } ?: RefusalReason.OTHER

private fun FfiMatch.toKotlin() = Match(
    id = id,
    task = task,
    source = source,
    version = version,
    user = user,
    partition = partition?.map { it.toKotlin() },
    atMs = atMs,
    byTime = byTime,
    bindings = bindings.associate { bound -> bound.stage to bound.events.map { it.toKotlin() } },
    values = values.toMap(),
)

internal fun FfiOutcome.toKotlin(): Outcome = when (this) {
    is FfiOutcome.Matched -> found.toKotlin()
    is FfiOutcome.TimedOut -> Timeout(found.toKotlin())
    is FfiOutcome.Derived -> DerivedEvent(event.id, event.task, event.user, event.atMs, event.event)
    is FfiOutcome.Decided -> decision.toKotlin()
    is FfiOutcome.Refused -> refusal.toKotlin()
}

internal fun FfiOpenReport.toKotlin() = OpenReport(setAside, tasks.toLong(), events.toLong())

internal fun FfiStoreReport.toKotlin() = StoreReport(StoreState.valueOf(state.name), detail, unwritten.toLong())

private fun FfiRemark.toKotlin() = Remark(path, code, message)

internal fun FfiApplyReport.toKotlin() = ApplyReport(
    sets.map { set ->
        val tasks = set.tasks.map { task ->
            val warnings = task.warnings.map { it.toKotlin() }
            TaskReport(task.id, TaskStatus.valueOf(task.status.name), task.error?.toKotlin(), warnings)
        }
        SetReport(set.source, set.version, set.refused?.toKotlin(), set.warnings.map { it.toKotlin() }, tasks)
    },
)

internal fun FfiAnswer.toKotlin() = Answer(json, text)

internal fun Whose.toFfi(): FfiWhose = when (this) {
    is Whose.Everyone -> FfiWhose.Everyone
    is Whose.User -> name?.let { FfiWhose.User(it) } ?: FfiWhose.Anonymous
}

internal fun Consent.toFfi() = FfiConsent(decisions, feedback, counters)

internal fun FfiConsent.toKotlin() = Consent(decisions, feedback, counters)

internal fun FfiBatch.toKotlin() = Batch(json, cursor, more, items.toLong())

internal fun FeedbackKind.toFfi(): FfiFeedbackKind = FfiFeedbackKind.valueOf(name)

internal fun FfiFeedback.toKotlin() = Feedback(decision, FeedbackKind.valueOf(kind.name), tsMs)

internal fun FfiRecorded.toKotlin(): Recorded = Became.of(ordinal)

/** Runs a call of the generated bindings; what it throws is ours. */
internal inline fun <T> translated(call: () -> T): T = try {
    call()
} catch (e: FfiException) {
    throw e.toKotlin()
} catch (e: FfiInternal) {
    throw EnsueException.Internal(e.message.orEmpty(), e)
}

internal fun FfiException.toKotlin(): EnsueException = when (this) {
    is FfiException.Tasks ->
        EnsueException.MalformedTasks(code, reason, hint, path, line?.toInt(), column?.toInt())

    is FfiException.Closed -> EnsueException.Closed(reason)

    is FfiException.InUse -> EnsueException.InUse(reason)

    is FfiException.NewerSchema -> EnsueException.NewerSchema(reason)

    is FfiException.UnusablePath -> EnsueException.UnusablePath(reason)

    is FfiException.Store -> EnsueException.StoreFailed(reason)

    is FfiException.Unknown -> EnsueException.Unknown(reason)

    is FfiException.BadCursor -> EnsueException.BadCursor(reason)

    is FfiException.Unavailable -> EnsueException.Unavailable(reason)

    is FfiException.Event -> EnsueException.Internal(reason, this)

    is FfiException.Callback -> EnsueException.Internal(reason, this)

    is FfiException.Internal -> EnsueException.Internal(reason, this)
}
