"""Functions and aggregates of rules: `count(e("v")) >= 3`, `lower(e("v").args.city) == "x"`."""

from __future__ import annotations

from typing import Any, Dict, Optional, Union

from .errors import RuleError
from .expr import Attribute, Expr, StageRef, expression, of_stage

__all__ = [
    "Aggregate",
    "abs_",
    "avg",
    "coalesce",
    "count",
    "first",
    "hour",
    "last",
    "length",
    "lower",
    "max_",
    "min_",
    "prev",
    "prior",
    "running",
    "substr",
    "sum_",
    "trends",
    "url_host",
    "url_param",
    "url_path",
    "weekday",
]

Json = Dict[str, Any]


class Aggregate(Expr):
    """A value over the events of a stage."""

    __slots__ = ("_aggregate",)

    def __init__(self, aggregate: Json) -> None:
        self._aggregate = aggregate

    def to_json(self) -> Json:
        return {"aggregate": self._aggregate}

    def over(self, scope: str) -> Aggregate:
        """The same over other events."""
        return Aggregate({**self._aggregate, "scope": scope})

    @property
    def scope(self) -> str:
        """`all`, `running`, `prior` or `trends`."""
        return str(self._aggregate["scope"])


Of = Union[StageRef, Attribute]


def _aggregate(func: str, of: Optional[Of], distinct: bool = False) -> Aggregate:
    json: Json = {"func": func, "scope": "all"}
    if distinct:
        json["distinct"] = True
    if isinstance(of, Attribute):
        json["attr"] = of.text
        stage = of.stage
    elif isinstance(of, StageRef) or of is None:
        stage = of.name if of else None
    else:
        raise TypeError(f"{func} is over a stage or an attribute of one, not {of!r}")
    if of is not None and stage is None:
        raise RuleError("E0407", f"{func} is over the events of one stage", hint="name the stage: e('v')")
    if stage is not None:
        json["stage"] = stage
    if func != "COUNT" and "attr" not in json:
        raise RuleError("E0407", f"{func} needs an attribute", hint=f"as in `{func}(v.args.x)`")
    return Aggregate(json)


def count(of: Optional[Of] = None, *, distinct: bool = False) -> Aggregate:
    """How many events, or values that are not null. `trends(count())` counts matches."""
    return _aggregate("COUNT", of, distinct)


def sum_(of: Attribute, *, distinct: bool = False) -> Aggregate:
    """The sum; of nothing 0."""
    return _aggregate("SUM", of, distinct)


def avg(of: Attribute) -> Aggregate:
    """The mean."""
    return _aggregate("AVG", of)


def min_(of: Attribute) -> Aggregate:
    """The least."""
    return _aggregate("MIN", of)


def max_(of: Attribute) -> Aggregate:
    """The greatest."""
    return _aggregate("MAX", of)


def first(of: Attribute) -> Aggregate:
    """That of the first event."""
    return _aggregate("FIRST", of)


def last(of: Attribute) -> Aggregate:
    """That of the last event."""
    return _aggregate("LAST", of)


def running(aggregate: Aggregate) -> Aggregate:
    """Over what the stage has so far, with the event under test."""
    return aggregate.over("running")


def prior(aggregate: Aggregate) -> Aggregate:
    """Over what the stage has so far, without the event under test."""
    return aggregate.over("prior")


def trends(aggregate: Aggregate) -> Aggregate:
    """Over all matches that one event completes."""
    return aggregate.over("trends")


def prev(of: Attribute) -> Expr:
    """That of the stage's event before the one under test."""
    return Expr({"prev": of_stage(of.stage, of.text)})


def _call(func: str, *args: object) -> Expr:
    return Expr({"call": {"func": func, "args": [expression(arg) for arg in args]}})


def lower(text: object) -> Expr:
    """In lower case."""
    return _call("LOWER", text)


def length(text: object) -> Expr:
    """How many characters."""
    return _call("LENGTH", text)


def abs_(number: object) -> Expr:
    """Without its sign."""
    return _call("ABS", number)


def coalesce(*values: object) -> Expr:
    """The first that is not null."""
    return _call("COALESCE", *values)


def substr(text: object, start: object, count: Optional[object] = None) -> Expr:
    """From a character on (the first is 1), so many."""
    return _call("SUBSTR", text, start, *(() if count is None else (count,)))


def url_host(url: object) -> Expr:
    """The host of a URL."""
    return _call("URL_HOST", url)


def url_path(url: object) -> Expr:
    """The path of a URL."""
    return _call("URL_PATH", url)


def url_param(url: object, name: str) -> Expr:
    """A query parameter of a URL."""
    return _call("URL_PARAM", url, name)


def hour(stage: Of) -> Expr:
    """The hour of the local time of the stage's event."""
    return _call("HOUR", stage.ts if isinstance(stage, StageRef) else stage)


def weekday(stage: Of) -> Expr:
    """The weekday of the local time of the stage's event; 1 is Monday."""
    return _call("WEEKDAY", stage.ts if isinstance(stage, StageRef) else stage)
