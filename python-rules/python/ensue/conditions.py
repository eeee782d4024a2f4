"""Conditions that do not say of which stage: `Pattern("v").where(KVCondition("actionType", "pv"))`."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Sequence, Union

from .expr import Attribute, Expr, Literal, StageRef

__all__ = ["Condition", "ConditionLike", "KVCondition", "resolve"]


class Condition:
    """A condition that does not say of which stage: of the one to which it is given."""

    __slots__ = ("of",)

    def __init__(self, of: Callable[[StageRef], Expr]) -> None:
        self.of = of

    def __and__(self, other: ConditionLike) -> Condition:
        return Condition(lambda stage: resolve(self, stage) & resolve(other, stage))

    def __or__(self, other: ConditionLike) -> Condition:
        return Condition(lambda stage: resolve(self, stage) | resolve(other, stage))

    def __invert__(self) -> Condition:
        return Condition(lambda stage: ~resolve(self, stage))

    def __bool__(self) -> bool:
        raise TypeError("join conditions by & | ~")


_OPERATORS: Dict[str, Callable[[Expr, Any], Expr]] = {
    "=": lambda x, y: x == y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
    "<>": lambda x, y: x != y,
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
}


class KVCondition(Condition):
    """An attribute equals a value (or one of several): `KVCondition("actionType", "pv")`."""

    __slots__ = ()

    def __init__(self, key: str, value: Union[Literal, Sequence[Literal]], op: str = "=") -> None:
        compare = _OPERATORS.get(op)
        if compare is None:
            raise ValueError(f"{op!r} compares nothing; the operators are = != < <= > >=")
        if isinstance(value, (list, tuple)):
            if op not in ("=", "==", "!=", "<>"):
                raise ValueError("several values are compared by = or != only")
            values, negate = list(value), op in ("!=", "<>")
            super().__init__(lambda stage: _among(stage.attribute(key), values, negate))
        else:
            super().__init__(lambda stage: compare(stage.attribute(key), value))
        StageRef(None).attribute(key)


def _among(attribute: Attribute, values: List[Any], negate: bool) -> Expr:
    found = attribute.in_(values)
    return ~found if negate else found


ConditionLike = Union[Expr, Condition, Callable[[StageRef], Expr]]
"""An expression, a condition without a stage, or a function of the stage to an expression."""


def resolve(condition: ConditionLike, stage: StageRef) -> Expr:
    """The expression that a condition is, of this stage."""
    if isinstance(condition, Condition):
        return condition.of(stage)
    if isinstance(condition, Expr):
        return condition
    if callable(condition):
        return resolve(condition(stage), stage)
    raise TypeError(f"{condition!r} is no condition")
