"""Conformance cases (tests/cases/flink), each through the pattern API and `ensue.run`, compared with its answer."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Set, Tuple

import pytest

import ensue
from ensue import AfterMatch, Pattern, any_of, avg, count, e, first, group, last, max_, min_, prior, sum_, this
from ensue.expr import Attribute, Chain, Expr, StageRef
from support import REPOSITORY

CASES = REPOSITORY / "tests" / "cases" / "flink"
FILES = ["suite-*.json", "differences.json", "consume.json", "random.json", "random-timing.json"]

Json = Dict[str, Any]
ACTION = "e"
AGGREGATES = {"sum": sum_, "avg": avg, "min": min_, "max": max_, "first": first, "last": last}
COMPARE = {"eq": "__eq__", "ne": "__ne__", "lt": "__lt__", "le": "__le__", "gt": "__gt__", "ge": "__ge__"}


def cases() -> List[Any]:
    found = []
    for pattern in FILES:
        for path in sorted(CASES.glob(pattern)):
            for case in json.loads(path.read_text(encoding="utf-8")):
                if is_runnable(case):
                    found.append(pytest.param(case, id=f"{path.stem}:{case['name']}"))
    return found


def is_runnable(case: Json) -> bool:
    """What `run` can be asked: an answer, a stream in order, and no longer than the default window."""
    stamps = [event["ts"] for event in case["events"]]
    in_order = stamps == sorted(stamps)
    short = not stamps or max(*stamps, case.get("advance_to") or 0) - stamps[0] < 86_400_000
    return case.get("matches") is not None and in_order and short and is_sayable(case["pattern"])


def is_sayable(elements: List[Json]) -> bool:
    """In a rule a conjunct is asked of the latest stage that it mentions: one that looks at earlier stages only cannot be
    put off to a later one."""
    inside = [part for spelled in elements for key in ("group", "any_of") for part in spelled.get(key) or []]
    each = all(looks_at(c, s["name"]) for s in elements if s.get("where") for c in conjuncts_of(s["where"]))
    return each and (not inside or is_sayable(inside))


def conjuncts_of(given: Json) -> List[Json]:
    return [c for arg in given["args"] for c in conjuncts_of(arg)] if given["op"] == "and" else [given]


def looks_at(given: Any, name: str) -> bool:
    """Whether a condition looks at the stage itself: at the event under test, or at those before it."""
    if isinstance(given, list):
        return any(looks_at(part, name) for part in given)
    if not isinstance(given, dict):
        return False
    own = given.get("var") == name or "this" in given or given.get("op") in ("true", "subtype")
    return own or ("field" in given and "op" in given) or any(looks_at(part, name) for part in given.values())


def rule(case: Json) -> Pattern:
    pattern = sequence(case["pattern"])
    if case.get("within_ms") is not None:
        of = "previous" if case.get("within_type") == "previous_and_current" else "match"
        pattern = pattern.within(case["within_ms"], of=of)
    if case.get("timeouts") is not None:
        pattern = pattern.on_timeout()
    return pattern.after_match(after_match(case.get("skip", {"strategy": "consume"})))


def after_match(skip: Json) -> AfterMatch:
    to, or_error = skip.get("to") or "", bool(skip.get("throw_on_miss"))
    return {
        "consume": AfterMatch.consume(),
        "no_skip": AfterMatch.no_skip(2**32 - 1),
        "skip_to_next": AfterMatch.skip_to_next_event(),
        "skip_past_last_event": AfterMatch.skip_past_last_event(),
        "skip_to_first": AfterMatch.skip_to_first(to, or_error=or_error),
        "skip_to_last": AfterMatch.skip_to_last(to, or_error=or_error),
    }[skip["strategy"]]


def sequence(elements: List[Json]) -> Pattern:
    pattern: Optional[Pattern] = None
    for spelled in elements:
        how = spelled.get("contiguity", "begin")
        if how in ("not_next", "not_followed_by"):
            assert pattern is not None
            pattern = getattr(pattern, how)(spelled["name"])
            pattern = conditions(pattern, spelled)
            continue
        inside = element(spelled)
        pattern = inside if pattern is None else getattr(pattern, "followed_by" if how == "begin" else how)(inside)
    assert pattern is not None
    return pattern


def element(spelled: Json) -> Pattern:
    if spelled.get("any_of"):
        return any_of(*map(element, spelled["any_of"]))
    inside = group(sequence(spelled["group"])) if spelled.get("group") else conditions(Pattern(spelled["name"]), spelled)
    quant = {"min": 1, "max": 1, "optional": False, "greedy": False, "inner": "relaxed", **spelled.get("quant", {})}
    plain = quant == {"min": 1, "max": 1, "optional": False, "greedy": False, "inner": "relaxed"}
    if plain and not spelled.get("until") and spelled.get("window_ms") is None:
        return inside
    inside = inside.times_or_more(quant["min"]) if quant["max"] is None else inside.times(quant["min"], quant["max"])
    inside = inside.optional() if quant["optional"] else inside
    inside = inside.greedy() if quant["greedy"] else inside
    inside = inside.consecutive() if quant["inner"] == "strict" else inside
    inside = inside.allow_combinations() if quant["inner"] == "relaxed_any" else inside
    if spelled.get("window_ms") is not None:
        inside = inside.gap(spelled["window_ms"])
    return inside.until(condition(spelled["until"], this, spelled["name"])) if spelled.get("until") else inside


def conditions(pattern: Pattern, spelled: Json) -> Pattern:
    given = spelled.get("where")
    if given is None or given == {"op": "true"}:
        return pattern
    return pattern.where(condition(given, e(spelled["name"]), spelled["name"]))


def condition(given: Json, stage: StageRef, name: str) -> Expr:
    op = given["op"]
    if op in COMPARE:
        return compare(op, stage.args[given["field"]], given["value"])
    if op in ("contains", "starts_with"):
        text = given["value"].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return stage.args[given["field"]].like(f"%{text}%" if op == "contains" else f"{text}%")
    if op == "subtype":
        return stage.args["sub"] == True  # noqa: E712
    if op == "true":
        return Expr({"literal": True})
    if op == "iter":
        spec = given["spec"]
        return compare(spec["cmp"], term(spec["left"], stage, name), term(spec["right"], stage, name))
    kept = [arg for arg in given["args"] if op == "or" or arg != {"op": "true"}] or given["args"]
    each = [condition(arg, stage, name) for arg in kept]
    joined = each[0] if len(each) == 1 else Chain("OR" if op == "or" else "AND", tuple(each))
    return ~joined if op == "not" else joined


def compare(op: str, left: Any, right: Any) -> Expr:
    if not isinstance(left, Expr):
        left = Expr({"literal": left})
    found: Expr = getattr(left, COMPARE[op])(right)
    return found


def term(given: Json, stage: StageRef, name: str) -> Any:
    if "const" in given:
        return given["const"]
    if "this" in given:
        return stage.args[given["this"]]
    if "add" in given:
        parts = [term(part, stage, name) for part in given["add"]]
        total = parts[0] if isinstance(parts[0], Expr) else Expr({"literal": parts[0]})
        for part in parts[1:]:
            total = total + part
        return total
    of = e(given["var"])
    if given["agg"] == "count":
        aggregate = count(of)
    else:
        attribute: Attribute = of.args[given["field"]]
        aggregate = AGGREGATES[given["agg"]](attribute)
    return prior(aggregate) if given["var"] == name and stage.name is not None else aggregate


def event(fed: Json) -> Json:
    args = {key: value for key, value in fed.items() if key not in ("id", "ts")}
    return {"ts": fed["ts"], "id": fed["id"], "actionType": ACTION, "args": args}


Found = Set[Tuple[Tuple[str, Tuple[int, ...]], ...]]


def bound(matches: List[Json]) -> Found:
    """Stages with the events bound to them, in no order."""
    return {tuple(sorted((name, tuple(ids)) for name, ids in match.items() if ids)) for match in matches}


@pytest.mark.parametrize("case", cases())
def test_a_case_gives_its_answer(case: Json) -> None:
    found = list(ensue.run(rule=rule(case), events=map(event, case["events"]), now=case.get("advance_to")))
    assert found[0].get("status") == "added", found[0]
    assert bound([o["bindings"] for o in found if o["kind"] == "match"]) == bound(case["matches"])
    if case.get("timeouts") is not None:
        assert bound([o["bindings"] for o in found if o["kind"] == "timeout"]) == bound(case["timeouts"])


def test_there_are_many_cases() -> None:
    assert len(cases()) > 1_000
