"""The objects that come out, for type checkers."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, TypedDict

__all__ = ["Applied", "AppliedSet", "AppliedTask", "Decision", "Diagnostic", "Remark", "ScriptStats"]

Decision = TypedDict(
    "Decision",
    {
        "kind": str,
        "id": str,
        "task": str,
        "version": Optional[int],
        "user": Optional[str],
        "at": int,
        "line": Optional[int],
        "output": int,
        "touch": str,
        "payload": Any,
        "values": Dict[str, Any],
        "match": str,
        "expiresAt": Optional[int],
    },
)
"""A match that is delivered."""


class Remark(TypedDict):
    """Something to say about a place in a document."""

    path: str
    code: str
    message: str


class AppliedTask(TypedDict):
    """What became of a task: `added`, `updated`, `unchanged`, `kept`, `refused` or `removed`."""

    id: str
    status: str
    error: Optional[Remark]
    warnings: List[Remark]


class AppliedSet(TypedDict):
    """What became of the tasks of a source."""

    source: str
    version: Optional[int]
    refused: Optional[Remark]
    warnings: List[Remark]
    tasks: List[AppliedTask]


class Applied(TypedDict):
    """What became of task documents."""

    sets: List[AppliedSet]


class Diagnostic(TypedDict):
    """One thing to say about a rule or a document."""

    code: str
    severity: str
    message: str
    hint: Optional[str]
    path: Optional[str]
    start: Optional[int]
    end: Optional[int]
    line: Optional[int]
    column: Optional[int]


class ScriptStats(TypedDict):
    """What the calls of a script cost."""

    calls: int
    failures: int
    """Of the calls: how many came to no answer."""
    seconds: float
    """Of all calls together."""
    peak_growth: int
    """The largest step, in bytes, by which the memory of the process reached a new peak during a call; other threads count too."""
