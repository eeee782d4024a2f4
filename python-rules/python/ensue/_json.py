"""What callers may give where JSON is meant."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any, Union

from . import _ensue

Duration = Union[int, str, timedelta]
"""Milliseconds, a text of the rule language (`"10 MIN"`), or a timedelta."""


def milliseconds(duration: Duration) -> int:
    """The whole milliseconds of a duration."""
    if isinstance(duration, timedelta):
        return duration // timedelta(milliseconds=1)
    if isinstance(duration, str):
        return _ensue.duration_ms(duration)
    if isinstance(duration, int) and not isinstance(duration, bool):
        return duration
    raise TypeError(f"a duration is milliseconds, a text like '10 MIN' or a timedelta, not {duration!r}")


def _rule_of(value: Any) -> object:
    if hasattr(value, "to_rule"):
        return value.to_rule()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


# Made once: making one costs more than an event.
_ENCODER = json.JSONEncoder(default=_rule_of, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def dumps(value: object) -> str:
    """Compact JSON; whatever has a `to_rule` (a pattern) as its rule."""
    return _ENCODER.encode(value)


def documents(tasks: object) -> str:
    """Task documents as JSON text: from objects, JSON text, or the path of a file."""
    if isinstance(tasks, bytes):
        return tasks.decode("utf-8-sig")
    if isinstance(tasks, str) and tasks.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        return tasks
    if isinstance(tasks, (str, os.PathLike)):
        with open(tasks, encoding="utf-8-sig") as file:
            return file.read()
    return dumps(tasks)
