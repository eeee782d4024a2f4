"""Rule scripts: what they are handed, what their answers mean, and what becomes of those that go wrong."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional

import pytest

import ensue
from ensue import Engine, EngineError, Scripts
from support import Json

FILTER = [{"alias": "e1", "actionType": "leave"}, {"alias": "e2", "actionType": "pv"}]
EVENTS = [
    {"ts": 1, "actionType": "pv", "scene": "home", "id": "first", "args": {"price": 3, "deep": {"list": [1, 2.5, None]}}},
    {"ts": 2, "actionType": "click"},
    {"ts": 3, "actionType": "pv", "source": "page", "utcOffsetMin": 60, "args": {"price": 5}},
    {"ts": 4, "actionType": "leave", "userId": None, "args": {"why": "tired"}},
]


def document(name: str = "s", **task: Any) -> Json:
    of = {"taskType": "py_backtrace", "pythonName": name, "filter": FILTER, **task}
    return {"actionTypeIn": ["leave"], "taskArray": [of]}


def ran(source: str, events: Iterable[Json] = EVENTS, budget: object = "10 S", **task: Any) -> List[Json]:
    scripts = Scripts({"s": source}, budget=budget)  # type: ignore[arg-type]
    return list(ensue.run(document(**task), events, scripts=scripts))


def values(source: str, events: Iterable[Json] = EVENTS, **task: Any) -> List[Dict[str, Any]]:
    found = ran(source, events, **task)
    refused = [o for o in found if o["kind"] == "refusal"]
    assert not refused, refused[0]["detail"]
    return [o["values"] for o in found if o["kind"] == "match"]


def refusal(source: str, **more: Any) -> Json:
    [refused] = [o for o in ran(source, **more) if o["kind"] == "refusal"]
    assert (refused["reason"], refused["match"], refused["task"]) == ("script", None, "s")
    return refused


def seen(body: str) -> Any:
    """What an expression over `ctx` gives."""
    [found] = values(f"def run(ctx):\n    return {{'it': {body}}}")
    return found["it"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("[ctx.trigger.actionType, ctx.trigger.ts, ctx.trigger.args.why]", ["leave", 4, "tired"]),
        ("[e.ts for e in ctx.history]", [1, 3, 4]),
        ("[e.ts for e in reversed(ctx.history)]", [4, 3, 1]),
        ("[e.ts for e in ctx.history['e2']]", [1, 3]),
        ("[e.ts for e in reversed(ctx.history['e2'])]", [3, 1]),
        ("[len(ctx.history), len(ctx.history['e1']), bool(ctx.history['e2'])]", [3, 1, True]),
        ("[ctx.history[-1].ts, ctx.history[0].ts, ctx.history['e2'][-1].ts, ctx.history['e2'][0].ts]", [4, 1, 3, 1]),
        ("[[e.ts for e in ctx.history[s]] for s in (slice(1, None), slice(None, None, -2), slice(9, 4))]", [[3, 4], [4, 1], []]),
        ("ctx.history[0].args.deep", {"list": [1, 2.5, None]}),
        ("[ctx.history[0][p] for p in ('args.deep.list', 'args.no', 'scene', 'ts', 'source')]", [[1, 2.5, None], None, "home", 1, "custom"]),
        ("[ctx.history[0].args.no, ctx.history[0].extra_info.price, ctx.history[0].args['price']]", [None, 3, 3]),
        ("[ctx.history[0].args.get('no', 7), 'price' in ctx.history[0].args, len(ctx.history[0].args)]", [7, True, 2]),
        ("[sorted(ctx.history[0].args), dict(ctx.history['e2'][-1].args), {**ctx.history['e2'][-1].args}]", [["deep", "price"], {"price": 5}, {"price": 5}]),
        ("[ctx.history[0].id, ctx.history[0].scene, ctx.history[1].source, ctx.history[1].utcOffsetMin]", ["first", "home", "page", 60]),
        ("[ctx.history[0].userId, ctx.user, ctx.task, ctx.history.lost]", [None, None, "s", []]),
        ("[ctx.history[0] == ctx.history[-3], ctx.history[0] == ctx.trigger, len({*ctx.history, *ctx.history})]", [True, False, 3]),
        ("repr(ctx.history[1])", '<Event pv at 3 {"price":5}>'),
        ("[repr(ctx), repr(ctx.history), repr(ctx.history['e2'])]", ["<Context of s at 4>", "<History before 4>", "<History of e2 before 4>"]),
    ],
)
def test_what_a_script_sees(expression: str, value: object) -> None:
    assert seen(expression) == value


def test_arguments_are_a_mapping() -> None:
    assert issubclass(ensue.Args, Mapping)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("None", []),
        ("False", []),
        ("[]", []),
        ("True", [{}]),
        ("{}", [{}]),
        ("{'n': 1, 'l': [1, {'a': None}], 'f': 2.5, 't': 'x', 'b': True}", [{"n": 1, "l": [1, {"a": None}], "f": 2.5, "t": "x", "b": True}]),
        ("[{'n': 1}, {'n': 2}]", [{"n": 1}, {"n": 2}]),
        ("ctx.match('EVENT: a WHERE a.actionType = \\'pv\\' AFTER MATCH NO SKIP RETURN a.ts AS at')", [{"at": 1}, {"at": 3}]),
        ("[m.returns(n=len(m['a'])) for m in ctx.match('EVENT: a{2} WHERE a.actionType = \\'pv\\' RETURN 1 AS x')]", [{"x": 1, "n": 2}]),
        ("[ctx.match('EVENT: a')[0], {'n': 2}]", [{}, {"n": 2}]),
    ],
)
def test_what_an_answer_means(body: str, found: List[Json]) -> None:
    assert values(f"def run(ctx):\n    return {body}") == found


def test_true_says_what_is_in_values() -> None:
    source = "def run(ctx):\n    ctx.values['views'] = len(ctx.history['e2'])\n    return True"
    assert values(source) == [{"views": 2}]


def test_a_match_binds_its_events_and_goes_on_like_any_other() -> None:
    source = """
from ensue import KVCondition, Pattern, e, last

pattern = (Pattern("v").where(KVCondition("actionType", "pv")).one_or_more()
           .followed_by("l").where(KVCondition("actionType", "leave")).returns(price=last(e("v").args.price)))

def run(ctx):
    [found] = ctx.match(pattern)
    assert list(found.bindings) == ["v", "l"] and found["v"] == ctx.history[:2] and found["no"] == []
    assert repr(found) == "<Match v=2 l=1 {'price': 5}>", found
    return found
"""
    output = [{"type": "touch", "touch": "hi", "when": "price > 4"}, {"type": "touch", "touch": "no", "when": "price > 9"}]
    found = ran(source, output=output, policy={"caps": [{"limit": 1, "per": "day"}]})
    assert [(o["kind"], o.get("touch")) for o in found] == [
        ("report", None),
        ("match", None),
        ("decision", "hi"),
        ("summary", None),
    ]
    assert found[1]["bindings"] == {"v": ["first", 3], "l": [4]}
    # What it bound is consumed: the second trigger has only what came after.
    twice = [*EVENTS, {"ts": 5, "actionType": "pv", "args": {"price": 9}}, {"ts": 6, "actionType": "leave"}]
    source = source.replace("assert", "0 and")
    matches = [o for o in ran(source, twice) if o["kind"] == "match"]
    assert [m["bindings"] for m in matches] == [{"v": ["first", 3], "l": [4]}, {"v": [5], "l": [6]}]


def test_the_window_is_that_of_the_rule_beside() -> None:
    source = "def run(ctx):\n    return {'n': len(ctx.history)}"
    assert values(source) == [{"n": 3}]
    assert values(source, rule="EVENT: a WITHIN 2 MS") == [{"n": 2}]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def run(ctx):\n    return 1 / 0", ["line 2, in run", "ZeroDivisionError: division by zero"]),
        ("import sys\ndef run(ctx):\n    sys.exit(3)", ["SystemExit: 3"]),
        ("def run(ctx):\n    raise KeyboardInterrupt", ["KeyboardInterrupt"]),
        ("def run(ctx):\n    return ctx.history[9]", ["IndexError"]),
        ("def run(ctx):\n    return ctx.history['e3']", ["KeyError", "it has: e1, e2"]),
        ("def run(ctx):\n    return ctx.match('EVENT: a ->')", ["RuleError", "line 2, in run"]),
        ("def run(ctx):\n    return ctx.match('EVENT: a ON TIMEOUT RETURN 1 AS x')", ["RuleError", "ON TIMEOUT"]),
        ("def run(ctx):\n    return ctx.match(7)", ["TypeError"]),
        ("def run(ctx):\n    return 7", ["int; it is None, True"]),
        ("def run(ctx):\n    return [7]", ["int; it is None, True"]),
        ("def run(ctx):\n    return {'x': object()}", ["`x`: object is no value"]),
        ("def run(ctx):\n    return {1: 2}", ["a str is needed"]),
        ("def run(ctx):\n    def deep(): return deep()\n    return deep()", ["RecursionError"]),
    ],
)
def test_what_goes_wrong_is_told_with_its_traceback(source: str, told: List[str]) -> None:
    detail = refusal(source)["detail"]
    assert all(text in detail for text in told), detail
    assert "ensue/" not in detail.replace("ensue/_ensue", "").split("Traceback")[-1] or "RuleError" in detail


def test_a_refusal_hurts_nothing_else() -> None:
    source = "def run(ctx):\n    if ctx.trigger.ts < 5:\n        raise ValueError\n    return True"
    found = ran(source, [*EVENTS, {"ts": 5, "actionType": "leave"}])
    assert [o["kind"] for o in found] == ["report", "refusal", "match", "summary"]


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n        try:\n            while True: pass\n        except Exception: pass",
        "for _ in iter(int, 1): list(ctx.history)",
    ],
)
def test_a_script_that_does_not_end_is_ended(body: str) -> None:
    events = [*EVENTS, {"ts": 5, "actionType": "leave"}]
    source = f"def run(ctx):\n    if ctx.trigger.ts == 5: return True\n    {body}"
    found = ran(source, events, budget=50)
    assert [o["kind"] for o in found] == ["report", "refusal", "match", "summary"]
    assert found[1]["detail"].startswith("it took longer than 50 ms and was ended\nTraceback"), found[1]["detail"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (None, "no script is called `s`"),
        ("def run(ctx:\n", "line 1: SyntaxError: '(' was never closed" if sys.version_info >= (3, 10) else "SyntaxError"),
        ("x = 1\nimport no_such_module\n", "line 2: ModuleNotFoundError: No module named 'no_such_module'"),
        ("def f():\n    return 1 / 0\nf()", "line 2: ZeroDivisionError: division by zero"),
        ("raise SystemExit(1)", "line 1: SystemExit: 1"),
        ("x = 1", "it has no function `run`"),
        ("run = 1", "`run` is no function but int"),
        ("\ndef run(): pass", "line 2: `run` does not take one argument, the context"),
        ("while True: pass", "its import takes longer than 50 ms"),
        ("\0", "null byte"),
    ],
)
def test_a_script_that_cannot_run_refuses_its_task(source: Optional[str], says: str) -> None:
    scripts = Scripts({} if source is None else {"s": source}, budget=50)
    other = {"id": "t", "rule": "EVENT: a WHERE a.actionType = 'pv' WITHIN 1 H"}
    tasks = [*document()["taskArray"], other]
    with Engine(scripts=scripts) as engine:
        [one] = engine.apply({"actionTypeIn": ["leave"], "taskArray": tasks})["sets"]
    refused, good = one["tasks"]
    assert (refused["id"], refused["status"], good["status"]) == ("s", "refused", "added")
    error = refused["error"]
    assert error is not None and error["path"] == "taskArray[0].pythonName"
    assert error["code"] == ("E0514" if source is None else "E0515")
    assert "`s`" in error["message"] and says in error["message"], error


def test_scripts_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "secret.py").write_text("def run(ctx): return True")
    script = tmp_path / "folder" / "s.py"

    def status(engine: Engine, name: str = "s") -> str:
        task = engine.apply(document(name))["sets"][0]["tasks"][0]
        return task["status"] if task["error"] is None else task["error"]["code"]

    with Engine(scripts=tmp_path / "folder", replay=True) as engine:
        assert status(engine) == "E0514"
        script.write_text("def run(ctx): return {'version': 1}")
        assert [status(engine), status(engine)] == ["added", "unchanged"]
        script.write_text("def run(ctx): return {'version': 2}")
        engine.record_event(EVENTS[-1])
        # A changed file is another version when its task is applied, not before.
        assert status(engine) == "updated"
        assert [status(engine, name) for name in ("../secret", "folder/s", "..", "")] == ["E0514"] * 3 + ["E0503"]
    with pytest.raises(NotADirectoryError):
        Engine(scripts=script)
    assert [d["code"] for d in ensue.check_tasks(document())] == ["E0509"]
    assert ensue.check_tasks(document(), scripts=tmp_path / "folder") == []


def test_after_a_restart_scripts_run_on_until_they_change(tmp_path: Path) -> None:
    path, one = tmp_path / "store.db", "def run(ctx): return {'version': 1}"
    task = document(output={"type": "touch", "touch": "hi"})

    def triggered(scripts: Optional[Dict[str, str]], ts: int) -> List[object]:
        with Engine(path, replay=True, scripts=scripts) as engine:
            engine.record_event({"ts": ts, "actionType": "leave"})
            engine.flush()
            decided = [d["values"]["version"] for d in engine.decisions()]
            engine.ack(*engine.decisions())
            return [*decided, engine.stats()["refusals"]]

    with Engine(path, replay=True, scripts={"s": one}) as engine:
        engine.apply(task)
    assert triggered({"s": one}, 1) == [1, 0]
    assert triggered({"s": one.replace("1", "2")}, 2) == [1]
    assert triggered({}, 3) == [1]
    assert triggered(None, 4) == [1]


def test_a_slow_script_holds_up_no_event_and_flush_waits_for_it() -> None:
    arrived, go = threading.Event(), threading.Event()
    names: Dict[str, Any] = {"arrived": arrived, "go": go}
    source = "def run(ctx):\n    arrived.set()\n    assert go.wait(60)\n    return True"
    scripts = Scripts({"s": "from test_scripts_gate import *\n" + source})
    gate = sys.modules["test_scripts_gate"] = type(sys)("test_scripts_gate")
    gate.__dict__.update(names)
    try:
        with Engine(scripts=scripts) as engine:
            both = document(output={"type": "touch", "touch": "script"})
            by_rule = {"id": "t", "rule": "EVENT: a WHERE a.actionType = 'pv' WITHIN 1 H", "output": {"type": "touch", "touch": "rule"}}
            engine.apply([both, {"source": "other", "taskArray": [by_rule]}])
            engine.record("leave")
            assert arrived.wait(60)
            engine.record("pv")
            assert [d["touch"] for d in engine.decisions()] == ["rule"]
            go.set()
            engine.flush()
            assert [d["touch"] for d in engine.decisions()] == ["rule", "script"]
    finally:
        del sys.modules["test_scripts_gate"]


def test_a_script_cannot_wait_for_the_engine_that_asks_it() -> None:
    told: List[str] = []
    gate = sys.modules["test_scripts_gate"] = type(sys)("test_scripts_gate")
    try:
        with Engine(scripts={"s": "import test_scripts_gate as g\ndef run(ctx): return {'said': g.ask()}"}) as engine:

            def ask() -> str:
                with pytest.raises(EngineError) as raised:
                    engine.flush()
                told.append(raised.value.code)
                return "no"

            gate.ask = ask  # type: ignore[attr-defined]
            engine.apply(document())
            engine.record("leave")
            engine.flush()
            assert (told, engine.stats()["matches"]) == (["unavailable"], 1)
    finally:
        del sys.modules["test_scripts_gate"]


def test_what_a_script_keeps_is_of_no_use_after_the_call() -> None:
    source = """
kept = []

def run(ctx):
    kept.append(ctx)
    before, trigger = kept[0].history, kept[0].trigger
    if len(kept) == 1:
        return {"n": len(before)}
    if trigger.ts != 4:
        return None
    return before[-1]
"""
    found = ran(source, [*EVENTS, {"ts": 5, "actionType": "leave"}, {"ts": 6, "actionType": "leave"}])
    assert [o["kind"] for o in found if o["kind"] != "report"] == ["match", "refusal", "refusal", "summary"]


def test_a_match_of_another_call_is_no_answer() -> None:
    source = "kept = []\ndef run(ctx):\n    kept.extend(ctx.match('EVENT: a'))\n    return kept[0]"
    found = ran(source, [*EVENTS, {"ts": 5, "actionType": "leave"}])
    assert [o.get("detail") for o in found if o["kind"] == "refusal"] == [
        "run returned what is no answer: a match of another call"
    ]


def test_what_calls_cost_is_counted() -> None:
    scripts = Scripts({"s": "def run(ctx):\n    if ctx.trigger.ts == 5: 1 / 0\n    return bytearray(64 << 20) and None"})
    list(ensue.run(document(), [*EVENTS, {"ts": 5, "actionType": "leave"}], scripts=scripts))
    stats = scripts.stats["s"]
    assert (stats["calls"], stats["failures"]) == (2, 1)
    assert 0 < stats["seconds"] < 60
    assert stats["peak_growth"] >= 0


def test_an_interpreter_that_ends_meanwhile_ends(tmp_path: Path) -> None:
    program = """
from ensue import Engine, Scripts
engine = Engine(scripts=Scripts({"s": "def run(ctx):\\n    while True: pass"}, budget=100))
engine.apply({"actionTypeIn": ["x"], "taskArray": [{"taskType": "py_backtrace", "pythonName": "s"}]})
engine.record("x")
print("recorded")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert (ended.stdout, ended.stderr) == ("recorded\n", "")
