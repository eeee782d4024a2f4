"""What can go wrong, as exceptions. Each says what, and where that is known: at which JSON path, line and column."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

__all__ = ["EngineError", "EnsueError", "InternalError", "RuleError", "ScriptError", "TaskError"]


class EnsueError(Exception):
    """Anything that Ensue raises."""

    code: str
    """Stable: of a rule or document `E` and four digits (docs/errors.md), of an engine a word."""
    message: str
    """One sentence for a person."""
    hint: Optional[str]
    """What to write instead."""
    path: Optional[str]
    """The JSON path in the task document."""
    line: Optional[int]
    """The line of the rule text, from 1."""
    column: Optional[int]
    """The column in it, in characters from 1."""
    diagnostics: List[Dict[str, Any]]
    """All that there is to say, warnings too."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: Optional[str] = None,
        path: Optional[str] = None,
        line: Optional[int] = None,
        column: Optional[int] = None,
        drawn: Optional[str] = None,
        diagnostics: Optional[List[Dict[str, Any]]] = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.hint = hint
        self.path = path
        self.line = line
        self.column = column
        self.diagnostics = diagnostics or []
        self._drawn = drawn

    def __str__(self) -> str:
        """The error drawn as `ensue check` draws it: the place, the line with a caret, the hint."""
        if self._drawn:
            return self._drawn.rstrip()
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.message}{hint} [{self.code}]"


class RuleError(EnsueError, ValueError):
    """A rule is refused: its text, its compiled form, or the pattern that was to become one."""


class TaskError(EnsueError, ValueError):
    """Task documents are malformed as a whole, and nothing of them applies. A bad task among good ones is no exception:
    it is in the report."""


class ScriptError(EnsueError, ValueError):
    """A script does more than a rule can: it cannot be compiled. `line` and `column` are in the script."""


class EngineError(EnsueError, RuntimeError):
    """The engine cannot do what it was asked. `code` is `closed`, `in_use`, `newer_schema`, `unusable_path`, `no_tasks`, `store`,
    `unavailable`, `unknown_task`, `unknown_id` or `bad_cursor`."""


class InternalError(EnsueError, RuntimeError):
    """A mistake of Ensue itself; please report it."""
