"""Recording: what becomes of an event, given by its parts, as an object, as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Callable, Dict, List, Mapping, Tuple, Union

import ensue
from ensue import Engine, EngineError
from support import touch_on


def test_record_says_what_became_of_the_event() -> None:
    engine = Engine()
    engine.apply(touch_on("pv"))
    assert (engine.record("pv").status, bool(engine.record("pv"))) == ("queued", True)
    assert (engine.record("scroll").status, bool(engine.record("scroll"))) == ("unwanted", True)
    rejected = engine.record("")
    assert (rejected.status, bool(rejected)) == ("rejected", False)
    assert rejected.reason is not None and "action type" in rejected.reason
    assert repr(rejected).startswith("Recorded(rejected: ")
    engine.close()
    assert (engine.record("pv").status, bool(engine.record("pv"))) == ("closed", False)


def test_a_durable_record_is_there_after_a_kill(tmp_path: Path) -> None:
    script = """
import os, signal, sys
from ensue import Engine, EngineError
sys.path.insert(0, sys.argv[2])
from support import touch_on
engine = Engine(sys.argv[1])
try:
    engine.record_durable({"actionType": "pv"})
except EngineError as error:
    assert error.code == "no_tasks", error
engine.apply(touch_on("pv"))
assert engine.record_durable({"actionType": "pv"}).status == "queued"
assert engine.record_durable('{"actionType": "scroll"}').status == "unwanted"
assert engine.record_durable(b"[]").status == "rejected"
assert engine.record_durable({"actionType": object()}).status == "rejected"
os.kill(os.getpid(), signal.SIGKILL)
"""
    store = tmp_path / "ensue.db"
    here = os.path.dirname(__file__)
    ended = subprocess.run([sys.executable, "-c", script, str(store), here], capture_output=True, text=True)
    assert ended.returncode == -9, ended.stderr
    with Engine(store) as engine:
        assert len(list(engine.decisions())) == 2


VALUES = {
    "null": None,
    "truth": True,
    "int": -7,
    "big": 2**70,
    "float": 2.5,
    "text": "日本 'x'",
    "list": [1, (2, "x"), None],
    "map": {"a": {"b": 1}},
}


def test_values_go_in_and_out() -> None:
    with Engine(replay=True) as engine:
        returned = ", ".join(f"a.args.{name} AS `{name}`" for name in VALUES)
        rule = f"EVENT: a WHERE a.actionType = 'pv' WITHIN 1 MIN RETURN {returned}"
        engine.apply({"taskArray": [{"id": "t", "rule": rule, "taskType": "cep", "output": {"type": "touch", "touch": "x"}}]})
        engine.record("pv", **VALUES)  # type: ignore[arg-type]
        engine.record_event({"ts": 1, "actionType": "pv", "args": VALUES})
        one, other = engine.decisions()
        assert one["values"] == other["values"] == {**VALUES, "big": float(2**70), "list": [1, [2, "x"], None]}
        assert one["values"]["truth"] is True


class Index:
    def __index__(self) -> int:
        return 5


class Float:
    def __float__(self) -> float:
        return 0.5


def test_numbers_by_their_methods_are_numbers() -> None:
    with Engine(replay=True) as engine:
        engine.apply(touch_on("pv"))
        assert engine.record("pv", n=Index())
        assert engine.record("pv", n=Float())
        assert [d["values"]["n"] for d in engine.decisions()] == [5, 0.5]


def test_a_bad_event_is_counted_and_harms_nothing() -> None:
    loop: List[object] = []
    loop.append(loop)
    with Engine() as engine:
        engine.apply(touch_on("pv"))
        bad = [
            engine.record("pv", n=object()),
            engine.record("pv", n=loop),
            engine.record("pv", n={1: 2}),
            engine.record("pv", n="\ud800"),
            engine.record(7),  # type: ignore[arg-type]
            engine.record("pv", 7),  # type: ignore[arg-type]
            engine.record("x" * 100_000),
            engine.record_event({"actionType": "pv", "ts": "soon"}),
            engine.record_event({"actionType": "pv", "source": "derived"}),
            engine.record_event({"actionType": "pv", "utcOffsetMin": 1_441}),
            engine.record_event({"actionType": "pv", "args": {"x": loop}}),
            engine.record_event({"actionType": "pv", "args": {"x": object()}}),
            engine.record_event("{"),
            engine.record_event(b"\xff"),
            engine.record_event("\ud800"),
            engine.record_event([]),  # type: ignore[arg-type]
        ]
        assert [b.status for b in bad] == ["rejected"] * len(bad)
        assert all(b.reason for b in bad)
        assert engine.record("pv")
        assert len(list(engine.decisions())) == 1
        assert engine.stats()["rejected"] == len(bad)
        assert engine.stats()["events"] == 1


def test_events_in_their_json_form() -> None:
    now = int(time.time() * 1000)
    with Engine() as engine:
        engine.apply(touch_on("pv"))
        for event in [
            {"ts": now, "actionType": "pv", "userId": 7, "args": {"n": 1}},
            f'{{"ts":{now},"actionType":"pv","userId":"u","args":{{"n":2}}}}',
            f'{{"ts":{now},"actionType":"pv","args":{{"n":3}}}}'.encode(),
        ]:
            assert engine.record_event(event).status == "queued"  # type: ignore[arg-type]
        assert [(d["user"], d["values"]["n"]) for d in engine.decisions()] == [("7", 1), ("u", 2), (None, 3)]


class Name(str):
    """A str of its own class, as an enum's member is."""


def test_an_event_given_as_an_object_is_taken_as_its_json_is() -> None:
    good: List[Dict[str, object]] = [
        {"actionType": Name("pv"), "scene": "s", "userId": 7, "id": "e1", "args": {"n": 1}},
        {"actionType": "pv", "source": "page", "utcOffsetMin": 480, "args": None, "ts": None, "scene": None},
        {"actionType": "pv", "other": {"deep": [1]}, "decision": 7, "args": {"n": [1, {"a": (2.5, None)}], "big": 2**70}},
        {"actionType": "pv", "ts": 5, "args": {}},
    ]
    bad: List[Dict[str, object]] = [
        {},
        {"actionType": ""},
        {"actionType": 7},
        {"actionType": "pv", "ts": 1.5},
        {"actionType": "pv", "ts": True},
        {"actionType": "pv", "ts": 2**70},
        {"actionType": "pv", "ts": 2**60},
        {"actionType": "pv", "userId": [1]},
        {"actionType": "pv", "id": {"a": 1}},
        {"actionType": "pv", "source": "web"},
        {"actionType": "pv", "utcOffsetMin": 1441},
        {"actionType": "pv", "args": [1]},
        {"actionType": "pv", "args": 1.5},
        {"feedback": "liked", "decision": "d"},
        {"feedback": "shown"},
    ]
    told = []
    forms: Tuple[Callable[[Dict[str, object]], Union[Mapping[str, object], str]], ...] = (dict, MappingProxyType, json.dumps)
    for form in forms:
        with Engine(replay=True) as engine:
            engine.apply(touch_on("pv"))
            said = [engine.record_event(form(event)) for event in good + bad]
            assert [r.status for r in said] == ["queued"] * len(good) + ["rejected"] * len(bad)
            made = [{**d, "match": "", "id": ""} for d in engine.decisions()]
            told.append((made, [r.reason for r in said], engine.stats()["rejected"]))
    assert told[0] == told[1] == told[2]
    assert len(told[0][0]) == len(good)


def test_of_an_object_that_has_no_json_is_said_what_does_not_fit() -> None:
    with Engine() as engine:
        engine.apply(touch_on("pv"))
        for event, reason in [
            ({"actionType": "pv", "ts": date(2026, 1, 1)}, "`ts` must be an integer of milliseconds, not date"),
            ({"actionType": "pv", "args": date}, "`args` must be an object, not type"),
            ({"actionType": "pv", "args": {"n": date(2026, 1, 1)}}, "`args.n`: date is no value of an event"),
            ({"actionType": "\ud800"}, "`actionType` must be a string, not a text that is not valid Unicode"),
            ([], "an event is an object, or JSON as str or bytes, not list"),
            (None, "an event is an object, or JSON as str or bytes, not NoneType"),
        ]:
            assert engine.record_event(event).reason == reason  # type: ignore[arg-type]
            assert engine.record_durable(event).reason == reason  # type: ignore[arg-type]
        assert engine.record_durable(MappingProxyType({"actionType": "pv", "args": MappingProxyType({"n": Index()})}))
        assert [d["values"]["n"] for d in engine.decisions()] == [5]


def test_feedback_given_as_an_object() -> None:
    with Engine(replay=True) as engine:
        engine.apply(touch_on("pv"))
        engine.record("pv")
        (decision,) = engine.decisions()
        assert engine.record_event({"feedback": "shown", "decision": decision["id"]})
        assert engine.record_durable({"feedback": "clicked", "decision": decision["id"], "ts": None})
        assert [told["feedback"] for told in engine.why(decision)["feedback"]] == ["shown", "clicked"]
