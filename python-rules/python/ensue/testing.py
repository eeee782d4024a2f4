"""Scripts under test: recorded events in, what a script found out.

    def test_three_views_and_away() -> None:
        ran = run_script("scripts/rent.py", [pv(1), pv(2), pv(3), leave(4)], trigger="leave")
        assert ran.values == [{"views": 3}]
"""

from __future__ import annotations

import hashlib
import os
import traceback
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from ._json import Duration
from .engine import run
from .scripts import Scripts, _unfit
from .types import Decision

__all__ = ["Ran", "ScriptFailed", "run_script"]

Json = Dict[str, Any]
Script = Union[str, "os.PathLike[str]", Callable[[Any], object]]


class ScriptFailed(AssertionError):
    """The script was refused, or came to no answer. The text says why, with the traceback."""


class Ran:
    """What came of a script."""

    __slots__ = ("items",)

    def __init__(self, items: List[Json]) -> None:
        self.items = items
        """The objects of `ensue run --json`."""

    def of_kind(self, kind: str) -> List[Any]:
        """The objects of one kind, in order."""
        return [item for item in self.items if item["kind"] == kind]

    @property
    def matches(self) -> List[Json]:
        """What was found, with `bindings` (ids of events) and `values`."""
        return self.of_kind("match")

    @property
    def values(self) -> List[Json]:
        """The values of each match."""
        return [match["values"] for match in self.matches]

    @property
    def decisions(self) -> List[Decision]:
        """What its outputs decided."""
        return self.of_kind("decision")

    @property
    def refusals(self) -> List[Json]:
        """What was refused."""
        return self.of_kind("refusal")

    def __repr__(self) -> str:
        return f"<Ran: {len(self.matches)} matches, {len(self.decisions)} decisions, {len(self.refusals)} refusals>"


def run_script(
    script: Script,
    events: Union[str, os.PathLike[str], Iterable[object]],
    *,
    trigger: Union[str, Sequence[str]],
    scene: Union[str, Sequence[str]] = (),
    filter: Optional[Sequence[Mapping[str, object]]] = None,
    rule: object = None,
    budget: Duration = "10 S",
    failures: bool = False,
    **task: object,
) -> Ran:
    """Runs recorded events through a task with this script: a file, a source of several lines, or the function itself.

    trigger, scene: at which events the script is asked.
    filter: the entries of the task's filter; None: all events of the user.
    rule: the rule beside, which gives the window; None: 24 hours.
    failures: whether a script may come to no answer; else that raises ScriptFailed.
    task: more keys of the task (`output`, `policy`, `scope`).
    """
    name, scripts = _shelf(script, budget)
    entry = {"taskType": "py_backtrace", "pythonName": name, **task}
    if filter is not None:
        entry["filter"] = list(filter)
    if rule is not None:
        entry["rule"] = rule
    document = {"actionTypeIn": _names(trigger), "sceneIn": _names(scene), "taskArray": [entry]}
    ran = Ran(list(run(document, events, scripts=scripts)))
    for item in ran.items:
        if item["kind"] == "report" and item.get("message"):
            raise ScriptFailed(item["message"])
        if not failures and item["kind"] == "refusal" and item["reason"] == "script":
            raise ScriptFailed(f"at line {item['line']} of the events:\n{item['detail']}")
    return ran


def _names(given: Union[str, Sequence[str]]) -> List[str]:
    return [given] if isinstance(given, str) else list(given)


def _shelf(script: Script, budget: Duration) -> Tuple[str, Scripts]:
    if callable(script) and not isinstance(script, os.PathLike):
        return "script", _OneFunction(script, budget)
    if isinstance(script, str) and "\n" in script:
        return "script", Scripts({"script": script}, budget=budget)
    file = os.fspath(script)
    return os.path.splitext(os.path.basename(file))[0], Scripts(os.path.dirname(file) or ".", budget=budget)


class _OneFunction(Scripts):
    """A function that is there already."""

    def __init__(self, run: Callable[[Any], object], budget: Duration) -> None:
        super().__init__({}, budget=budget)
        self._run = run
        self._hash = hashlib.sha256(repr(run).encode()).hexdigest()

    def _find(self, name: str) -> Tuple[str, str]:
        why = _unfit(self._run)
        return ("broken", why) if why else ("sound", self._hash)

    def _function(self, name: str, hash: str) -> Tuple[Optional[Callable[[Any], object]], str]:
        return self._run, ""

    def _story(self, error: BaseException, file: str, interrupted: bool) -> str:
        return "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip()
