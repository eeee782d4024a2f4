"""Patterns: rules built in Python, for those who would rather not write rule text.

The names are those of the published pattern API and of flink-cep. A pattern never changes: each method gives a new one.
What it says is what its text says: `to_rule()` is `ensue.compile(pattern.to_text())`.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

from . import _clauses, _ensue
from ._json import Duration, dumps, milliseconds
from .after_match import AfterMatch
from .conditions import ConditionLike, resolve
from .errors import RuleError
from .expr import Attribute, Chain, Expr, StageRef, conjuncts

__all__ = ["Pattern", "any_of", "any_order", "begin", "group"]

Json = Dict[str, Any]


class _Step:
    """An element, how it follows what is before it, and the conditions that came with it."""

    __slots__ = ("arrow", "bound", "conditions", "element")

    def __init__(
        self, arrow: str, element: Json, bound: Optional[Json] = None, conditions: Tuple[Expr, ...] = ()
    ) -> None:
        self.arrow = arrow
        self.element = element
        self.bound = bound
        self.conditions = conditions

    def but(self, **changes: Any) -> _Step:
        kept = {"arrow": self.arrow, "element": self.element, "bound": self.bound, "conditions": self.conditions}
        return _Step(**{**kept, **changes})

    def to_json(self) -> Json:
        json: Json = {"arrow": self.arrow, "element": self.element}
        if self.bound is not None:
            json["bound"] = self.bound
        return json


Follower = Union[str, "Pattern"]


class Pattern:
    """A sequence of stages with their conditions, and the clauses of a rule."""

    __slots__ = ("_clauses", "_steps")

    def __init__(self, first: Follower) -> None:
        element, conditions = _element(first)
        self._steps: Tuple[_Step, ...] = (_Step("relaxed", element, None, conditions),)
        self._clauses: Json = {}

    @classmethod
    def begin(cls, first: Follower) -> Pattern:
        """A pattern that begins with a stage, or with another pattern."""
        return cls(first)

    # What follows.

    def next(self, what: Follower, *, under: Optional[Duration] = None, at_most: Optional[Duration] = None) -> Pattern:
        """`=> b`: the very next event. `under` and `at_most` bound the time of the step: `=>[< d] b`, `=>[<= d] b`."""
        return self._then("strict", what, under, at_most)

    def followed_by(
        self, what: Follower, *, under: Optional[Duration] = None, at_most: Optional[Duration] = None
    ) -> Pattern:
        """`-> b`: later; no event is passed over that would be taken."""
        return self._then("relaxed", what, under, at_most)

    followedby = followby = followed_by

    def followed_by_any(
        self, what: Follower, *, under: Optional[Duration] = None, at_most: Optional[Duration] = None
    ) -> Pattern:
        """`->> b`: any later event."""
        return self._then("any", what, under, at_most)

    def not_next(self, name: str) -> Pattern:
        """`=> !n`: the next event is not an n."""
        return self._append(_Step("strict", {"not": _clauses.name(name)}))

    def not_followed_by(self, name: str) -> Pattern:
        """`-> !n`: no n until the next stage; at the end, until the window is over."""
        return self._append(_Step("relaxed", {"not": _clauses.name(name)}))

    # Conditions on the last stage.

    def where(self, condition: ConditionLike) -> Pattern:
        """The last stage takes only events for which this holds. Several hold all.

        A condition that names its stages is asked of the latest of them, wherever it is written.
        """
        added = tuple(conjuncts(resolve(condition, self._stage())))
        return self._but(conditions=self._steps[-1].conditions + added)

    def and_(self, other: Union[ConditionLike, Pattern]) -> Pattern:
        """Of a condition: `where` again. Of a pattern: `a & b`, both in any order."""
        return any_order(self, other) if isinstance(other, Pattern) else self.where(other)

    def or_(self, other: Union[ConditionLike, Pattern]) -> Pattern:
        """Of a condition: what the last stage was given so far, or this. Of a pattern: `a | b`, either."""
        if isinstance(other, Pattern):
            return any_of(self, other)
        before = self._steps[-1].conditions
        if not before:
            return self.where(other)
        held = before[0] if len(before) == 1 else Chain("AND", before)
        return self._but(conditions=(held | resolve(other, self._stage()),))

    def __and__(self, other: Union[ConditionLike, Pattern]) -> Pattern:
        return self.and_(other)

    def __or__(self, other: Union[ConditionLike, Pattern]) -> Pattern:
        return self.or_(other)

    # How often the last stage or group comes.

    def one_or_more(self) -> Pattern:
        """`a+`."""
        return self._times(1, None)

    def zero_or_more(self) -> Pattern:
        """`a*`."""
        return self._times(0, None)

    def times(self, least: int, most: Optional[int] = None) -> Pattern:
        """`a{n}`, or `a{n,m}`."""
        return self._times(least, least if most is None else most)

    def times_or_more(self, least: int) -> Pattern:
        """`a{n,}`."""
        return self._times(least, None)

    def optional(self) -> Pattern:
        """`a?`; behind another quantifier: none, or at least its minimum."""
        quantifier = self._quantifier()
        if quantifier is None:
            return self._times(0, 1)
        if quantifier.get("optional"):
            raise RuleError("E0204", "it is optional already", hint="leave optional() out")
        return self._quantified({**quantifier, "optional": True})

    def greedy(self) -> Pattern:
        """`GREEDY`, as in flink-cep: until the next stage takes its first event, nothing after the loop takes or passes
        over what the loop would take."""
        return self._suffix("greedy", True)

    def consecutive(self) -> Pattern:
        """`STRICT`: each repetition is the very next event."""
        return self._inner("strict")

    def allow_combinations(self) -> Pattern:
        """`ANY`: a repetition is any later event."""
        return self._inner("any")

    def until(self, condition: ConditionLike) -> Pattern:
        """`UNTIL (...)`: an event for which it holds closes the loop. `this` is the event under test."""
        return self._suffix("until", resolve(condition, StageRef(None)).to_json())

    def gap(self, under: Optional[Duration] = None, *, at_most: Optional[Duration] = None) -> Pattern:
        """`[< d]`: how long after a repetition the next may come; `at_most` is `[<= d]`."""
        bound = _clauses.bound(under, at_most)
        if bound is None:
            raise TypeError("gap takes a duration")
        return self._suffix("gap", bound)

    # The clauses of a rule.

    def named(self, name: str) -> Pattern:
        """`RULE name`."""
        return self._clause(name=_clauses.name(name))

    def within(self, duration: Duration, *, of: str = "match") -> Pattern:
        """`WITHIN d`; of `session`: and in one session; of `previous`: of the step to the last stage."""
        if of not in ("match", "session", "previous"):
            raise ValueError(f"of is match, session or previous, not {of!r}")
        return self._clause(within={"duration": milliseconds(duration), "kind": of})

    def partition_by(self, *attributes: Union[str, Attribute]) -> Pattern:
        """`PARTITION BY args.item`: `"args.item"` or `this.args.item`."""
        return self._clause(partition_by=[_clauses.bare(attribute) for attribute in attributes])

    def after_match(self, skip: AfterMatch) -> Pattern:
        """`AFTER MATCH ...`."""
        return self._clause(after_match=skip.json)

    def returns(self, values: Optional[Mapping[str, object]] = None, /, **named: object) -> Pattern:
        """`RETURN expr AS name, ...`."""
        return self._clause(returns=_clauses.returned({**(values or {}), **named}))

    def on_timeout(self, values: Optional[Mapping[str, object]] = None, /, **named: object) -> Pattern:
        """`ON TIMEOUT [RETURN expr AS name, ...]`: report partial matches whose window ended."""
        return self._clause(on_timeout=_clauses.timed_out({**(values or {}), **named}))

    # What it is.

    def to_rule(self, dialect: str = "ensue") -> Json:
        """The compiled rule, as a task document takes it. `dialect` decides what no `after_match` means: `ensue`
        consume, `flink` no skip.

        Raises RuleError, with the place in the pattern's text.
        """
        steps = [step.to_json() for step in self._steps]
        given = [condition for step in self._steps for condition in step.conditions]
        # At which stage a condition is asked follows from its text; the first serves until then.
        stage = _first_name(steps[0]["element"])
        rule: Json = {
            "format": 1,
            "pattern": {"first": steps[0]["element"], "then": steps[1:]},
            "conditions": [{"stage": stage, "expr": condition.to_json()} for condition in given],
            "after_match": self._default_skip(dialect),
            **self._clauses,
        }
        return _ensue.compile_rule(dumps(rule))

    def to_text(self, dialect: str = "ensue") -> str:
        """The canonical text of the rule."""
        return _ensue.format_rule(dumps(self.to_rule(dialect)))

    def _repr_html_(self) -> str:
        """For notebooks: the text of the rule and its automaton."""
        from .drawing import rule_html

        return rule_html(self)

    def __repr__(self) -> str:
        try:
            return f"<Pattern {' '.join(self.to_text().split())}>"
        except RuleError as error:
            return f"<Pattern, refused: {error.message}>"

    def _default_skip(self, dialect: str) -> Union[str, Json]:
        if dialect not in ("ensue", "flink"):
            raise ValueError(f"dialect is ensue or flink, not {dialect!r}")
        returned = self._clauses.get("returns", [])
        trends = any('"trends"' in dumps(value["expr"]) for value in returned)
        return {"no_skip": {"limit": None}} if trends or dialect == "flink" else "consume"

    def _with(self, steps: Tuple[_Step, ...], clauses: Json) -> Pattern:
        pattern = Pattern.__new__(Pattern)
        pattern._steps = steps
        pattern._clauses = clauses
        return pattern

    def _append(self, step: _Step) -> Pattern:
        return self._with((*self._steps, step), self._clauses)

    def _then(
        self, arrow: str, what: Follower, under: Optional[Duration], at_most: Optional[Duration]
    ) -> Pattern:
        element, conditions = _element(what)
        return self._append(_Step(arrow, element, _clauses.bound(under, at_most), conditions))

    def _but(self, **changes: Any) -> Pattern:
        return self._with((*self._steps[:-1], self._steps[-1].but(**changes)), self._clauses)

    def _clause(self, **clause: Any) -> Pattern:
        return self._with(self._steps, {**self._clauses, **clause})

    def _stage(self) -> StageRef:
        """The last stage, for conditions that do not name one."""
        element = self._steps[-1].element
        if "stage" in element:
            return StageRef(element["stage"]["name"])
        return StageRef(element["not"]) if "not" in element else _NoStage()

    def _quantifier(self) -> Optional[Json]:
        element = self._steps[-1].element
        found = element.get("stage") or element.get("group") or {}
        quantifier: Optional[Json] = found.get("quantifier")
        return quantifier

    def _times(self, least: int, most: Optional[int]) -> Pattern:
        if self._quantifier() is not None:
            raise RuleError("E0205", "a second quantifier", hint="keep one; for a loop of loops make a group()")
        quantifier: Json = {"min": max(least, 1), "inner": "relaxed"}
        if most is not None:
            quantifier["max"] = most
        if least == 0:
            quantifier["optional"] = True
        return self._quantified(quantifier)

    def _suffix(self, key: str, value: object) -> Pattern:
        quantifier = self._quantifier()
        if quantifier is None:
            raise RuleError("E0203", f"{key}() stands behind a quantifier", hint=f"as in one_or_more().{key}()")
        if key in quantifier:
            raise RuleError("E0208", f"{key}() was there already", hint="each comes once")
        return self._quantified({**quantifier, key: value})

    def _inner(self, inner: str) -> Pattern:
        quantifier = self._quantifier()
        if quantifier is None:
            raise RuleError("E0203", "it says how repetitions follow", hint="as in one_or_more().consecutive()")
        if quantifier["inner"] != "relaxed":
            raise RuleError("E0208", "it was said how repetitions follow", hint="consecutive() or allow_combinations()")
        return self._quantified({**quantifier, "inner": inner})

    def _quantified(self, quantifier: Json) -> Pattern:
        element = self._steps[-1].element
        if "not" in element:
            raise RuleError("E0210", "a negation has no quantifier", hint="it forbids every one: leave it out")
        if "stage" in element:
            return self._but(element={"stage": {**element["stage"], "quantifier": quantifier}})
        inside = element["group"] if "group" in element else {"pattern": {"first": element}}
        return self._but(element={"group": {**inside, "quantifier": quantifier}})


class _NoStage(StageRef):
    """In place of the last stage, where a condition would have to choose one of several."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(None)

    def attribute(self, key: str) -> Attribute:
        raise RuleError("E0404", f"`{key}` of which stage?", hint=f"name it: e('v').{key}")


def begin(first: Follower) -> Pattern:
    """A pattern that begins with a stage, or with another pattern."""
    return Pattern(first)


def group(pattern: Pattern) -> Pattern:
    """`( ... )`: the pattern as one element, which may be repeated as a whole."""
    inside, conditions = _inside(pattern)
    return _of({"group": {"pattern": inside}}, conditions)


def any_of(*alternatives: Follower) -> Pattern:
    """`a | b`: either; a pattern of several stages stands as a group."""
    elements: List[Json] = []
    conditions: Tuple[Expr, ...] = ()
    for alternative in alternatives:
        element, more = _element(alternative)
        elements.extend(element.get("any_of", [element]))
        conditions += more
    return _of({"any_of": elements} if len(elements) > 1 else elements[0], conditions)


def any_order(*members: Follower) -> Pattern:
    """`a & b`: all, in any order; members are single stages."""
    stages: List[Json] = []
    conditions: Tuple[Expr, ...] = ()
    for member in members:
        element, more = _element(member)
        if "all_of" in element:
            stages.extend(element["all_of"])
        elif "stage" in element:
            stages.append(element["stage"])
        else:
            raise RuleError("E0214", "the members of `&` are single stages", hint="order them, or take stages")
        conditions += more
    return _of({"all_of": stages} if len(stages) > 1 else {"stage": stages[0]}, conditions)


def _of(element: Json, conditions: Tuple[Expr, ...]) -> Pattern:
    pattern = Pattern("_")
    pattern._steps = (_Step("relaxed", element, None, conditions),)
    return pattern


def _element(what: Follower) -> Tuple[Json, Tuple[Expr, ...]]:
    """One element: a stage by its name; of a pattern its only element, or all of it as a group."""
    if isinstance(what, str):
        return {"stage": {"name": what}}, ()
    if not isinstance(what, Pattern):
        raise TypeError(f"a stage's name or a Pattern is needed, not {what!r}")
    inside, conditions = _inside(what)
    return (inside["first"] if not inside.get("then") else {"group": {"pattern": inside}}), conditions


def _inside(pattern: Pattern) -> Tuple[Json, Tuple[Expr, ...]]:
    if pattern._clauses:
        clause = next(iter(pattern._clauses))
        raise RuleError("E0105", f"{clause} belongs to the whole rule", hint="say it of the outermost pattern")
    steps = [step.to_json() for step in pattern._steps]
    inside: Json = {"first": steps[0]["element"]}
    if steps[1:]:
        inside["then"] = steps[1:]
    return inside, tuple(condition for step in pattern._steps for condition in step.conditions)


def _first_name(element: Json) -> str:
    while "stage" not in element:
        if "group" in element:
            element = element["group"]["pattern"]["first"]
        elif "any_of" in element:
            element = element["any_of"][0]
        elif "all_of" in element:
            element = {"stage": element["all_of"][0]}
        else:
            return str(element.get("not", "_"))
    return str(element["stage"]["name"])
