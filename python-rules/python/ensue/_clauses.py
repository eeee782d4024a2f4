"""What the clauses of a pattern are in the JSON of rules."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Union

from ._json import Duration, milliseconds
from .errors import RuleError
from .expr import Attribute, StageRef, expression

Json = Dict[str, Any]


def bound(under: Optional[Duration], at_most: Optional[Duration]) -> Optional[Json]:
    """The bound of a step or of repetitions."""
    if under is not None and at_most is not None:
        raise TypeError("under or at_most, not both")
    if under is not None:
        return {"limit": milliseconds(under)}
    return None if at_most is None else {"limit": milliseconds(at_most), "inclusive": True}


def returned(values: Mapping[str, object]) -> List[Json]:
    """Named values, of which RETURN has at least one."""
    if not values:
        raise TypeError("name at least one value, as in returns(views=e('v').count)")
    return timed_out(values)


def timed_out(values: Mapping[str, object]) -> List[Json]:
    """Named values; none: a timeout is told of without."""
    return [{"name": name, "expr": expression(value)} for name, value in values.items()]


def bare(attribute: Union[str, Attribute]) -> str:
    """An attribute of the event under test."""
    if isinstance(attribute, str):
        attribute = StageRef(None).attribute(attribute)
    if attribute.stage is not None:
        raise RuleError("E0405", "PARTITION BY is asked of every event, of no stage", hint="write this.args.x")
    return attribute.text


def name(given: object) -> str:
    """A name, which is text."""
    if not isinstance(given, str):
        raise TypeError(f"a name is a str, not {type(given).__name__}")
    return given
