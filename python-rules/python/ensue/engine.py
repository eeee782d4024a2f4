"""The engine: tasks in, events in, decisions out."""

from __future__ import annotations

import atexit
import json
import os
import weakref
from enum import Enum
from typing import Any, Dict, Iterable, Iterator, List, Literal, Mapping, Optional, Set, Type, Union

from . import _ensue
from ._json import Duration, documents, dumps, milliseconds
from .scripts import Scripts, Source
from .types import Applied, Decision

_open: weakref.WeakSet[Engine] = weakref.WeakSet()


_KINDS = ("decisions", "feedback", "counters")


class Everyone(Enum):
    """Not one user but all."""

    EVERYONE = "everyone"


EVERYONE = Everyone.EVERYONE


class Answer(Dict[str, Any]):
    """An answer to "why?" or "why not?": an object, whose `str` is the text for a person."""

    def __init__(self, data: str, text: str) -> None:
        super().__init__(json.loads(data))
        self._text = text

    def __str__(self) -> str:
        return self._text


class Engine(_ensue.Engine):
    """Runs tasks over the events that are recorded, and keeps what they need in a file or in memory.

    Safe to use from several threads. No call holds the interpreter while it waits. Use it as a context manager, or
    `close()` it; what is still open is closed when Python ends.
    """

    def __new__(
        cls,
        path: Optional[Union[str, os.PathLike[str]]] = None,
        *,
        lateness: Optional[Duration] = None,
        session_gap: Optional[Duration] = None,
        default_window: Optional[Duration] = None,
        queue: Optional[int] = None,
        early: Optional[int] = None,
        event_bytes: Optional[int] = None,
        users: Optional[int] = None,
        keep_at_least: Optional[Duration] = None,
        keep_for: Optional[Duration] = None,
        keep_events: Optional[int] = None,
        keep_bytes: Optional[int] = None,
        replay: bool = False,
        scripts: Optional[Union[Scripts, Source]] = None,
    ) -> Engine:
        """Opens the store and waits until it is open.

        path: the file; None, or ":memory:": in memory.
        lateness: how late an event may come behind its user's latest; 0.
        session_gap: a longer pause begins a new session; 30 minutes.
        default_window: the window of a rule without WITHIN; 24 hours.
        queue: events that wait for the worker; 4,096. What comes while it is full is dropped and counted.
        early: events that wait for the first tasks; 1,000.
        event_bytes: a larger event is rejected; 64 KiB.
        users: whose state is in memory at most, about; those beyond are put away in the store while nothing of them is due;
            4,096.
        keep_at_least: for how long an event that some task wants stays, so that `why_not` can answer; as long as tasks look
            at it.
        keep_for, keep_events, keep_bytes: what is kept of events at most, whatever tasks want; 31 days, 200,000, 64 MiB; in
            replay no limit.
        replay: the times of events are the only clock; a full queue makes `record` wait, and the listener is called
            before `flush` returns.
        scripts: a folder of `.py` files, sources by name, or a Scripts: what tasks may name as `pythonName`.
        """
        engine = super().__new__(
            cls,
            path,
            lateness_ms=_ms(lateness),
            session_gap_ms=_ms(session_gap),
            window_ms=_ms(default_window),
            queue=queue,
            early=early,
            event_bytes=event_bytes,
            users=users,
            retention=(_ms(keep_at_least), _ms(keep_for), keep_events, keep_bytes),
            replay=replay,
            scripts=shelf(scripts),
        )
        assert isinstance(engine, Engine)
        _open.add(engine)
        return engine

    def apply(self, tasks: object) -> Applied:
        """Puts task documents (objects, JSON text or the path of a file) in place of those of their sources, and waits
        until that is committed. A refused task is in the report; a malformed document raises TaskError."""
        report: Any = self._apply(documents(tasks))
        applied: Applied = report
        return applied

    def decisions(self, limit: Optional[int] = None) -> Iterator[Decision]:
        """The decisions that nobody acknowledged, oldest first, of all that was recorded until now. Raises EngineError where
        the engine is closed."""
        waiting: Any = self._decisions(limit)
        return iter(waiting)

    def ack(self, *decisions: Union[Decision, Mapping[str, Any], str]) -> int:
        """Acknowledges decisions, or their ids: they are not delivered again. Gives how many were not yet."""
        return self._ack([decision if isinstance(decision, str) else decision["id"] for decision in decisions])

    def feedback(
        self,
        decision: Union[Decision, Mapping[str, Any], str],
        kind: Literal["shown", "clicked", "dismissed", "converted"],
        ts: Optional[int] = None,
    ) -> _ensue.Recorded:
        """Says what became of a decision, or of that of an id; what policies count of it counts for all that is decided
        after this call. Each kind counts once for a decision. ts: when, in ms; None: now. An id that no decision has is
        counted as `feedback_unknown`."""
        return self._feedback(decision if isinstance(decision, str) else decision["id"], kind, ts)

    def export_user(self, user: Optional[Union[str, int]] = None) -> Dict[str, Any]:
        """All that is stored of a user (None: the anonymous one), for them to read."""
        exported: Dict[str, Any] = json.loads(self._export_user(user))
        return exported

    def why(self, decision: Union[Decision, Mapping[str, Any], str]) -> Answer:
        """Where a decision or a refusal (or the one of that id) came from: `docs/why.md` has the keys. Raises EngineError
        with the code `unknown_id` where it is not known."""
        return Answer(*self._why(decision if isinstance(decision, str) else decision["id"]))

    def why_not(
        self,
        task: Optional[str] = None,
        *,
        user: Union[str, int, None, Everyone] = EVERYONE,
        since: Optional[int] = None,
    ) -> List[Answer]:
        """How far a task came in the events that are kept, what it waited for and what ended it; of every task where none
        is named. user: whose events (None: the anonymous user's); everyone's if not said. since: in ms."""
        everyone = isinstance(user, Everyone)
        one = None if isinstance(user, Everyone) else user
        return [Answer(*answer) for answer in self._why_not(task, everyone, one, since)]

    def stats_report(self) -> Dict[str, Any]:
        """The counters of all tasks and versions since they were last reset."""
        report: Dict[str, Any] = json.loads(self._stats_report())
        return report

    @property
    def consent(self) -> Set[str]:
        """What may leave the device: of "decisions", "feedback", "counters"; nothing at first. Remembered."""
        return {kind for kind, given in zip(_KINDS, self._consent()) if given}

    @consent.setter
    def consent(self, kinds: Iterable[str]) -> None:
        given = set(kinds)
        if unknown := given.difference(_KINDS):
            raise ValueError(f"{sorted(unknown)[0]!r} is none of {', '.join(_KINDS)}")
        self._set_consent(*(kind in given for kind in _KINDS))

    def drain(self, since: Optional[str] = None, max_bytes: int = 64 * 1024) -> Dict[str, Any]:
        """What may leave and was not fetched yet: `decisions`, `feedback`, `counters`, the `cursor` to give back as
        `since` once it has arrived, and whether there is `more`."""
        batch: Dict[str, Any] = json.loads(self._drain(since, max_bytes)[0])
        return batch

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: object, trace: object) -> None:
        self.close()


def shelf(scripts: Optional[Union[Scripts, Source]]) -> Optional[Scripts]:
    """Scripts, from whatever they were given as."""
    return scripts if scripts is None or isinstance(scripts, Scripts) else Scripts(scripts)


def _ms(duration: Optional[Duration]) -> Optional[int]:
    return None if duration is None else milliseconds(duration)


@atexit.register
def _close_all() -> None:
    """No thread of an engine may look for the interpreter when it is gone."""
    for engine in list(_open):
        engine.close()


def run(
    tasks: object = None,
    events: Union[str, os.PathLike[str], Iterable[object]] = (),
    *,
    rule: object = None,
    db: Optional[Union[str, os.PathLike[str]]] = None,
    drain: bool = False,
    now: Optional[int] = None,
    lateness: Optional[Duration] = None,
    session_gap: Optional[Duration] = None,
    scripts: Optional[Union[Scripts, Source]] = None,
) -> Iterator[Dict[str, Any]]:
    """Recorded events through tasks: the objects of `ensue run --json`, one after another, in the documented order.

    tasks: documents, as objects, JSON text or the path of a file.
    events: the path of a file of JSON lines, or objects or lines.
    rule: a rule alone (text, compiled, or a Pattern); beside tasks it serves those that have none.
    db: the file of the store; None: in memory. The run goes on where an earlier one ended.
    drain: after the last event time moves to the last timer.
    now: after the last event time moves to this, in ms.
    scripts: a folder of `.py` files, sources by name, or a Scripts: what tasks may name as `pythonName`.
    """
    if tasks is None and rule is None:
        raise TypeError("run takes tasks or a rule")
    replay = _ensue.Replay(
        db, lateness_ms=_ms(lateness), session_gap_ms=_ms(session_gap), scripts=shelf(scripts)
    )
    given = None if rule is None else given_rule(rule)
    return items(replay, None if tasks is None else documents(tasks), given, batches(events), drain, now)


def given_rule(rule: Any) -> tuple[str, bool, Optional[str]]:
    """The rule, whether it is text, and the id under which it runs alone."""
    if isinstance(rule, os.PathLike):
        with open(rule, encoding="utf-8-sig") as file:
            text = file.read()
        return text, not text.lstrip().startswith("{"), os.path.splitext(os.path.basename(rule))[0]
    if isinstance(rule, str):
        return rule, True, None
    return dumps(rule.to_rule() if hasattr(rule, "to_rule") else rule), False, None


def items(
    replay: _ensue.Replay,
    tasks: Optional[str],
    rule: Optional[tuple[str, bool, Optional[str]]],
    batches: Iterator[List[bytes]],
    drain: bool,
    now: Optional[int],
) -> Iterator[Any]:
    """What comes of a replay, in the form that it gives."""
    reports, busy = replay.apply(tasks, rule)
    yield from reports
    yield from replay.left_over()
    replay.acknowledge()
    if busy:
        for batch in batches:
            yield from replay.lines(batch)
            replay.acknowledge()
        if now is not None:
            yield from replay.advance_to(now)
        if drain:
            yield from replay.drain()
        replay.acknowledge()
    yield replay.finish()


_PIECE = 256 * 1024


def batches(events: Union[str, os.PathLike[str], Iterable[object]]) -> Iterator[List[bytes]]:
    """The lines, some at a time."""
    if isinstance(events, (str, os.PathLike)):
        with open(events, "rb") as file:
            while lines := file.readlines(_PIECE):
                yield lines
        return
    batch: List[bytes] = []
    for event in events:
        batch.append(_line(event))
        if len(batch) == 1_024:
            yield batch
            batch = []
    yield batch


def _line(event: object) -> bytes:
    if isinstance(event, bytes):
        return event
    if isinstance(event, str):
        # Half a character is rejected as what it is, by its line.
        return event.encode(errors="surrogatepass")
    # What has no form in JSON is a line that is no event: it is rejected by number, and stops nothing.
    try:
        return dumps(event).encode()
    except (TypeError, ValueError, RecursionError):
        return json.dumps(repr(event)).encode()
