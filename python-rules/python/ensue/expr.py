"""Expressions of rules, written with Python's operators: attributes of stages, and what operators make of them.

`e("v").args.price > 3` is `v.args.price > 3`. Join conditions by `&`, `|` and `~`, with each comparison in parentheses:
Python's `and`, `or` and `not` cannot be given another meaning. Functions and aggregates are in `functions`, conditions that
do not say of which stage in `conditions`.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple, Union

from .errors import RuleError

if TYPE_CHECKING:
    from .functions import Aggregate

__all__ = ["Attribute", "Expr", "StageRef", "e", "this"]

Json = Dict[str, Any]
Literal = Union[None, bool, int, float, str, timedelta]

_BUILT_IN = {
    "actionType": "actionType",
    "action_type": "actionType",
    "scene": "scene",
    "source": "source",
    "ts": "ts",
    "userId": "userId",
    "user_id": "userId",
}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MIN, _MAX = -(2**63), 2**63 - 1


class Expr:
    """An expression of a rule."""

    __slots__ = ("_json",)
    __iter__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, json: Json) -> None:
        self._json = json

    def to_json(self) -> Json:
        """As it stands in a compiled rule."""
        return self._json

    def __eq__(self, other: object) -> Expr:  # type: ignore[override]
        return _binary("=", self, other)

    def __ne__(self, other: object) -> Expr:  # type: ignore[override]
        return _binary("!=", self, other)

    def __lt__(self, other: object) -> Expr:
        return _binary("<", self, other)

    def __le__(self, other: object) -> Expr:
        return _binary("<=", self, other)

    def __gt__(self, other: object) -> Expr:
        return _binary(">", self, other)

    def __ge__(self, other: object) -> Expr:
        return _binary(">=", self, other)

    def __add__(self, other: object) -> Expr:
        return _binary("+", self, other)

    def __radd__(self, other: object) -> Expr:
        return _binary("+", other, self)

    def __sub__(self, other: object) -> Expr:
        return _binary("-", self, other)

    def __rsub__(self, other: object) -> Expr:
        return _binary("-", other, self)

    def __mul__(self, other: object) -> Expr:
        return _binary("*", self, other)

    def __rmul__(self, other: object) -> Expr:
        return _binary("*", other, self)

    def __truediv__(self, other: object) -> Expr:
        return _binary("/", self, other)

    def __rtruediv__(self, other: object) -> Expr:
        return _binary("/", other, self)

    def __mod__(self, other: object) -> Expr:
        return _binary("%", self, other)

    def __rmod__(self, other: object) -> Expr:
        return _binary("%", other, self)

    def __neg__(self) -> Expr:
        return Expr({"unary": ["-", self.to_json()]})

    def __abs__(self) -> Expr:
        return Expr({"call": {"func": "ABS", "args": [self.to_json()]}})

    def __and__(self, other: object) -> Expr:
        return chain("AND", self, other)

    def __or__(self, other: object) -> Expr:
        return chain("OR", self, other)

    def __rand__(self, other: object) -> Expr:
        raise _unparenthesised()

    __ror__ = __rand__

    def __invert__(self) -> Expr:
        return Expr({"unary": ["NOT", self.to_json()]})

    def in_(self, values: Sequence[object]) -> Expr:
        """`x IN (a, b)`."""
        if isinstance(values, str):
            raise TypeError("in_ takes a list of values")
        return Expr({"in": [self.to_json(), [_json(value) for value in values]]})

    def between(self, low: object, high: object) -> Expr:
        """`x BETWEEN low AND high`, both ends in."""
        return Expr({"between": [self.to_json(), _json(low), _json(high)]})

    def like(self, pattern: str) -> Expr:
        """`x LIKE pattern`: `%` any text, `_` one character, escape `\\`."""
        return Expr({"like": [self.to_json(), _text(pattern)]})

    def matches(self, pattern: str) -> Expr:
        """`x MATCHES pattern`: a regular expression, searched."""
        return Expr({"matches": [self.to_json(), _text(pattern)]})

    def is_null(self) -> Expr:
        """`x IS NULL`."""
        return Expr({"is_null": self.to_json()})

    def is_not_null(self) -> Expr:
        """`x IS NOT NULL`."""
        return ~self.is_null()

    def __bool__(self) -> bool:
        raise TypeError(
            "an expression of a rule is neither true nor false here: join conditions by & | ~, "
            "put each comparison in parentheses, and write (a < b) & (b < c) for a < b < c"
        )

    def __repr__(self) -> str:
        return f"Expr({self.to_json()})"


class Chain(Expr):
    """Conditions joined by AND or OR: as many as there are, side by side."""

    __slots__ = ("op", "operands")

    def __init__(self, op: str, operands: Tuple[Expr, ...]) -> None:
        self.op = op
        self.operands = operands

    def to_json(self) -> Json:
        return _balanced(self.op, self.operands)


def _balanced(op: str, operands: Sequence[Expr]) -> Json:
    """As the rule language joins a chain: two halves, the first the greater."""
    if len(operands) == 1:
        return operands[0].to_json()
    half = (len(operands) + 1) // 2
    return {"binary": [op, _balanced(op, operands[:half]), _balanced(op, operands[half:])]}


def chain(op: str, left: Expr, right: object) -> Expr:
    """`left op right`; what is joined by the same word on the left goes on."""
    if not isinstance(right, Expr):
        raise _unparenthesised()
    more = left.operands if isinstance(left, Chain) and left.op == op else (left,)
    return Chain(op, (*more, right))


def conjuncts(condition: Expr) -> List[Expr]:
    """The conditions that AND joins, in order."""
    if isinstance(condition, Chain) and condition.op == "AND":
        return [conjunct for operand in condition.operands for conjunct in conjuncts(operand)]
    return [condition]


def _unparenthesised() -> TypeError:
    return TypeError("& and | join conditions: put each comparison in parentheses, as in (a == 1) & (b == 2)")


class Attribute(Expr):
    """An attribute of a stage's event: `e("v").scene`, `e("v").args.price`, `e("v").args.a.b`, `e("v").args["max-price"]`.

    A name that is also a method (`like`, `in_`) is reached by brackets.
    """

    __slots__ = ("_path", "_stage")

    def __init__(self, stage: Optional[str], path: Tuple[str, ...]) -> None:
        self._stage = stage
        self._path = path

    def to_json(self) -> Json:
        return {"attr": of_stage(self._stage, self.text)}

    @property
    def text(self) -> str:
        """As it stands in a rule, without the stage."""
        return ".".join(_quoted(name) for name in self._path)

    @property
    def stage(self) -> Optional[str]:
        """The stage; None for the event under test."""
        return self._stage

    def __getattr__(self, name: str) -> Attribute:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Attribute:
        if self._path[0] != "args":
            raise RuleError("E0402", f"`{self.text}` has nothing inside", hint="only `args.` goes into maps")
        return Attribute(self._stage, (*self._path, _text(name)))


class _Args:
    """`args` or `extra_info` of a stage's event."""

    __slots__ = ("_extra", "_stage")
    __iter__ = None

    def __init__(self, stage: Optional[str], extra: bool) -> None:
        self._stage = stage
        self._extra = extra

    def __getattr__(self, name: str) -> Attribute:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Attribute:
        built_in = self._extra and name in _BUILT_IN and _BUILT_IN[name] == name
        return Attribute(self._stage, (name,) if built_in else ("args", _text(name)))


class StageRef:
    """A stage as expressions name it; `this` is the event under test, in `until` and `partition_by`."""

    __slots__ = ("name",)

    def __init__(self, name: Optional[str]) -> None:
        self.name = name

    def _built_in(self, name: str) -> Attribute:
        return Attribute(self.name, (name,))

    @property
    def actionType(self) -> Attribute:  # noqa: N802 (the name in events)
        """What was done."""
        return self._built_in("actionType")

    @property
    def action_type(self) -> Attribute:
        """What was done."""
        return self._built_in("actionType")

    @property
    def scene(self) -> Attribute:
        """Where."""
        return self._built_in("scene")

    @property
    def source(self) -> Attribute:
        """`page`, `network`, `storage`, `derived` or `custom`."""
        return self._built_in("source")

    @property
    def ts(self) -> Attribute:
        """Milliseconds since 1970."""
        return self._built_in("ts")

    @property
    def userId(self) -> Attribute:  # noqa: N802 (the name in events)
        """The user; null if anonymous."""
        return self._built_in("userId")

    @property
    def user_id(self) -> Attribute:
        """The user; null if anonymous."""
        return self._built_in("userId")

    @property
    def args(self) -> _Args:
        """Everything else, by name."""
        return _Args(self.name, extra=False)

    @property
    def extra_info(self) -> _Args:
        """The same, as rules for the cloud engine say it: built-in attributes too."""
        return _Args(self.name, extra=True)

    @property
    def count(self) -> Aggregate:
        """`COUNT(v)`: how many events the stage has."""
        from .functions import count  # which is made of this

        return count(self)

    def attribute(self, key: str) -> Attribute:
        """The attribute of that text: `actionType`, `args.item`, `extra_info.scene`."""
        first, *rest = key.split(".")
        if first in ("args", "extra_info") and rest:
            found = getattr(self, first)[rest[0]]
            for name in rest[1:]:
                found = found[name]
            return found  # type: ignore[no-any-return]
        if _BUILT_IN.get(first) == first and not rest:
            return self._built_in(first)
        raise RuleError("E0402", f"no attribute begins with `{first}`", hint=f"did you mean `args.{key}`?")

    def __repr__(self) -> str:
        return "this" if self.name is None else f"e({self.name!r})"


def e(stage: str) -> StageRef:
    """The stage of that name."""
    return StageRef(_text(stage))


this = StageRef(None)
"""The event under test: `until(this.actionType == "leave")`, `partition_by(this.args.item)`."""


def expression(value: object) -> Json:
    """The JSON of an expression or a constant."""
    return _json(value)


def of_stage(stage: Optional[str], attr: str) -> Json:
    """An attribute with its stage, if one is named."""
    return {"attr": attr} if stage is None else {"stage": stage, "attr": attr}


def _binary(op: str, left: object, right: object) -> Expr:
    return Expr({"binary": [op, _json(left), _json(right)]})


def _json(value: object) -> Json:
    if isinstance(value, Expr):
        return value.to_json()
    if isinstance(value, timedelta):
        return {"literal": value // timedelta(milliseconds=1)}
    if isinstance(value, (StageRef, _Args)):
        raise RuleError("E0403", f"{value!r} is a stage, not a value", hint="name an attribute of it: .args.x")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a rule has no NaN and no infinity: ask is_null()")
    if isinstance(value, int) and not _MIN <= value <= _MAX:
        raise ValueError(f"{value} is outside the whole numbers of 64 bits")
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"literal": value}
    raise TypeError(f"{type(value).__name__} is no value of a rule")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a str is needed, not {type(value).__name__}")
    return value


def _quoted(name: str) -> str:
    return name if _PLAIN.match(name) else "`" + name.replace("`", "``") + "`"
