"""Rules as text: compiled, printed, checked."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Union

from . import _ensue
from ._json import documents, dumps
from .scripts import Scripts, Source
from .types import Diagnostic

__all__ = ["check", "check_tasks", "compile", "format"]


def compile(rule: object, dialect: str = "ensue") -> Dict[str, Any]:
    """The compiled rule, every default spelled out, of a text; or of a compiled rule, checked.

    Raises RuleError, whose text draws each mistake in its line.
    """
    if isinstance(rule, str):
        return _ensue.compile_text(rule, _known(dialect))[0]
    return _ensue.compile_rule(dumps(_compiled(rule)))


def format(rule: object) -> str:
    """The canonical text of a text (comments are kept) or of a compiled rule."""
    return _ensue.format_text(rule) if isinstance(rule, str) else _ensue.format_rule(dumps(_compiled(rule)))


def check(text: str, dialect: str = "ensue") -> List[Diagnostic]:
    """All that there is to say about a rule text, warnings too; it raises nothing."""
    found: Any = _ensue.check_rule(text, _known(dialect))
    return list(found)


def check_tasks(tasks: object, scripts: Optional[Union[Scripts, Source]] = None) -> List[Diagnostic]:
    """All that there is to say about task documents, and about the scripts that they name, where these are given."""
    given = scripts if scripts is None or isinstance(scripts, Scripts) else Scripts(scripts)
    found: Any = _ensue.check_tasks(documents(tasks), given)
    return list(found)


def _compiled(rule: Any) -> object:
    return rule.to_rule() if hasattr(rule, "to_rule") else rule


def _known(dialect: str) -> str:
    if dialect not in ("ensue", "flink"):
        raise ValueError(f"dialect is ensue or flink, not {dialect!r}")
    return dialect
