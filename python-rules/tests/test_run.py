"""`ensue.run` gives what `ensue run --json` gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Iterator

import pytest

import ensue
from ensue import EngineError, KVCondition, Pattern
from support import CONTROLS, RENTAL, lines, timeless, touch_on

EXPECTED = lines(RENTAL / "expected.jsonl")
PV = {"ts": 1, "actionType": "pv"}


def test_the_rental_example_gives_what_is_expected() -> None:
    found = timeless(ensue.run(RENTAL / "tasks.json", RENTAL / "events.jsonl", drain=True))
    for n, (one, other) in enumerate(zip(found, EXPECTED)):
        assert one == other, f"object {n + 1}"
        assert list(one) == list(other), f"the order in object {n + 1}"
    assert len(found) == len(EXPECTED)


def test_the_example_of_controls_gives_what_is_expected() -> None:
    found = timeless(ensue.run(CONTROLS / "tasks.json", CONTROLS / "events.jsonl", drain=True))
    assert found == lines(CONTROLS / "expected.jsonl")


def test_objects_and_lines_give_the_same_as_files(tmp_path: Path) -> None:
    tasks = json.loads((RENTAL / "tasks.json").read_text(encoding="utf-8"))
    text = (RENTAL / "events.jsonl").read_bytes().splitlines(keepends=True)
    # A line that is no JSON stays a line.
    events = [json.loads(line) if line.rstrip().endswith(b"}") else line for line in text]
    assert timeless(ensue.run(tasks, text, drain=True)) == EXPECTED
    assert timeless(ensue.run(json.dumps(tasks), str(RENTAL / "events.jsonl"), drain=True)) == EXPECTED
    without_bytes = [{k: v for k, v in o.items() if k != "bytes_in"} for o in EXPECTED]
    found = [{k: v for k, v in o.items() if k != "bytes_in"} for o in timeless(ensue.run(tasks, events, drain=True))]
    assert found == without_bytes
    assert timeless(ensue.run(tasks, text, drain=True, db=tmp_path / "store.db")) == EXPECTED


def test_it_goes_on_where_a_run_over_the_same_store_ended(tmp_path: Path) -> None:
    db, tasks = tmp_path / "store.db", RENTAL / "tasks.json"
    text = (RENTAL / "events.jsonl").read_text(encoding="utf-8").splitlines()
    kinds = ("match", "event", "decision", "refusal")

    def told(parts: int) -> list[str]:
        size = -(-len(text) // parts)
        found = []
        for n in range(parts):
            store = db if parts > 1 else None
            for o in ensue.run(tasks, text[n * size : (n + 1) * size], db=store, drain=n + 1 == parts):
                if o["kind"] in kinds:
                    found.append(o["kind"] + o["task"] + str(o["at"]))
        return found

    assert told(3) == told(1)


def test_it_gives_as_it_goes() -> None:
    def endless() -> Iterator[object]:
        n = 0
        while True:
            n += 1
            yield {"ts": n, "actionType": "pv"}

    found = ensue.run(touch_on("pv"), endless())
    assert [next(found)["kind"] for _ in range(5)] == ["report", "match", "decision", "match", "decision"]
    found.close()  # type: ignore[attr-defined]


def test_a_rule_alone() -> None:
    pattern = Pattern("a").where(KVCondition("actionType", "pv")).within("1 MIN")
    for rule in ("EVENT: a WHERE a.actionType = 'pv' WITHIN 1 MIN", pattern, pattern.to_rule()):
        found = list(ensue.run(rule=rule, events=[PV, {"ts": 2, "actionType": "leave"}]))
        assert [o["kind"] for o in found] == ["report", "match", "summary"]
        assert found[0]["task"] == "rule"
        assert found[1]["bindings"] == {"a": [1]}
    assert next(ensue.run(rule=pattern.named("views"), events=[]))["task"] == "views"


def test_a_rule_in_a_file_is_called_as_the_file(tmp_path: Path) -> None:
    path = tmp_path / "views.txt"
    path.write_text("EVENT: a WHERE a.actionType = 'pv' WITHIN 1 MIN")
    assert [o.get("task") for o in ensue.run(rule=path, events=[PV])] == ["views", "views", None]


def test_a_rule_serves_the_tasks_that_have_none() -> None:
    tasks = {"taskArray": [{"taskType": "py_backtrace", "pythonName": "script"}]}
    found = list(ensue.run(tasks, [PV], rule="EVENT: a WHERE a.actionType = 'pv' WITHIN 1 MIN"))
    assert [(o["kind"], o.get("task")) for o in found[:2]] == [("report", "script"), ("match", "script")]


def test_what_is_refused_is_reported_and_the_rest_runs() -> None:
    tasks = touch_on("pv")
    tasks["taskArray"].append({"id": "bad", "rule": "EVENT: a ->", "taskType": "cep"})
    found = list(ensue.run(tasks, [PV]))
    assert [(o["kind"], o.get("task"), o.get("status")) for o in found[:2]] == [
        ("report", "t", "added"),
        ("report", "bad", "refused"),
    ]
    assert found[1]["code"] == "E0105"
    assert [o["kind"] for o in found[2:]] == ["match", "decision", "summary"]
    refused = list(ensue.run("{]", [PV]))
    assert [(o["kind"], o.get("status")) for o in refused] == [("report", "refused"), ("summary", None)]
    refused = list(ensue.run(rule="EVENT:", events=[PV]))
    assert [(o["kind"], o.get("status")) for o in refused] == [("report", "refused"), ("summary", None)]


def test_what_is_no_event_is_rejected_by_number() -> None:
    loop: list[object] = []
    loop.append(loop)
    events = [PV, 7, {"ts": "x"}, object(), loop, {**PV, "args": {"x": float("nan")}}, "", PV]
    found = [o for o in ensue.run(touch_on("pv"), events) if o["kind"] in ("rejected", "summary")]
    assert [o["line"] for o in found[:-1]] == [2, 3, 4, 5, 6]
    assert all(o["reason"] for o in found[:-1])
    assert (found[-1]["events"], found[-1]["rejected"]) == (2, 5)


def test_time_after_the_last_event() -> None:
    rule = "EVENT: a -> !b WHERE a.actionType = 'pv' AND b.actionType = 'buy' WITHIN 1 MIN"
    for more, matches in [({}, 0), ({"now": 60_000}, 0), ({"now": 60_001}, 1), ({"drain": True}, 1)]:
        found = list(ensue.run(rule=rule, events=[PV], **more))  # type: ignore[arg-type]
        assert found[-1]["matches"] == matches, more


def test_lateness_and_sessions_are_as_given() -> None:
    events = [{"ts": 5_000, "actionType": "x"}, {**PV, "ts": 4_000}]
    assert list(ensue.run(touch_on("pv"), events))[-1]["late"] == 1
    assert list(ensue.run(touch_on("pv"), events, lateness="2 S"))[-1]["late"] == 0
    rule = "EVENT: a -> b WHERE a.actionType = 'pv' AND b.actionType = 'x' WITHIN 1 H OF SESSION"
    events = [PV, {"ts": 60_000, "actionType": "x"}]
    assert list(ensue.run(rule=rule, events=events))[-1]["matches"] == 1
    assert list(ensue.run(rule=rule, events=events, session_gap="10 S"))[-1]["matches"] == 0


def test_what_cannot_be_opened_is_an_exception(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as raised:
        ensue.run(touch_on("pv"), [], db=tmp_path / "no" / "such" / "folder.db")
    assert raised.value.code == "unusable_path"
    with pytest.raises(FileNotFoundError):
        ensue.run("no-such-file.json", [])
    with pytest.raises(FileNotFoundError):
        list(ensue.run(touch_on("pv"), "no-such-file.jsonl"))
    with pytest.raises(TypeError):
        ensue.run()
