"""The engine from Python: opening, decisions, time, users, the end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, List

import pytest

import ensue
from ensue import Engine, EngineError, EnsueError, InternalError, TaskError, _ensue
from support import RENTAL, touch_on


def test_first_record_first_decision() -> None:
    with Engine() as engine:
        report = engine.apply(touch_on("pv"))
        assert [(t["id"], t["status"]) for s in report["sets"] for t in s["tasks"]] == [("t", "added")]
        assert engine.record("pv", scene="item_detail", n=42)
        [decision] = engine.decisions()
        assert (decision["kind"], decision["touch"], decision["values"]) == ("decision", "hi", {"n": 42})
        assert engine.ack(decision) == 1
        assert list(engine.decisions()) == []
        assert engine.ack(decision["id"]) == 0


def test_feedback_is_counted_once_of_each_kind() -> None:
    told: List[Any] = []
    with Engine() as engine:
        engine.apply(touch_on("pv"))
        engine.record("pv", n=1)
        [decision] = engine.decisions()
        assert engine.feedback(decision, "clicked") and engine.feedback(decision["id"], "clicked")
        engine.set_listener(None, on_unknown_feedback=told.append)
        assert engine.feedback("nobody", "shown", ts=1_000)
        engine.flush()
        stats = engine.stats()
        assert [stats[f"feedback{n}"] for n in ("", "_again", "_unknown")] == [1, 1, 1]
        with pytest.raises(ValueError, match="`liked` is no feedback"):
            engine.feedback(decision, "liked")  # type: ignore[arg-type]
    assert told == [{"decision": "nobody", "feedback": "shown", "ts": 1_000}]


def test_how_the_store_is_is_told(tmp_path: Path) -> None:
    path, told = tmp_path / "ensue.db", list[Any]()
    with Engine(path, replay=True) as engine:
        engine.apply(touch_on("pv"))
        engine.set_listener(None, on_store=told.append)
        path.unlink()
        engine.record_event({"actionType": "pv", "ts": 1_000})
        engine.flush()
        assert [report["state"] for report in told] == ["afresh"]
        assert path.exists() and "gone" in told[0]["detail"]


def test_identify() -> None:
    with Engine() as engine:
        engine.apply(touch_on("pv"))
        for user in ("u", 7, None):
            engine.identify(user)
            engine.record("pv")
        assert [d["user"] for d in engine.decisions()] == ["u", "7", None]


def test_time_is_moved_and_says_when_it_is_wanted() -> None:
    rule = "EVENT: a -> !b WHERE a.actionType = 'pv' AND b.actionType = 'buy' WITHIN 1 MIN"
    with Engine(replay=True) as engine:
        engine.apply({"taskArray": [{"id": "t", "rule": rule, "taskType": "cep", "output": {"type": "touch", "touch": "x"}}]})
        assert engine.next_wakeup() is None
        engine.record_event({"ts": 1_000, "actionType": "pv"})
        engine.flush()
        assert engine.next_wakeup() == 61_000
        engine.advance_to(60_999)
        assert list(engine.decisions()) == []
        engine.advance_to(61_000)
        assert [d["at"] for d in engine.decisions()] == [61_000]


def test_decisions_are_limited_and_wait_in_the_file(tmp_path: Path) -> None:
    db = tmp_path / "store.db"
    with Engine(db) as engine:
        engine.apply(touch_on("pv"))
        for n in range(3):
            engine.record("pv", n=n)
        assert [d["values"]["n"] for d in engine.decisions(2)] == [0, 1]
        engine.ack(*engine.decisions(2))
    with Engine(str(db)) as engine:
        assert engine.opened["tasks"] == 1
        assert engine.opened["set_aside"] is None
        assert [d["values"]["n"] for d in engine.decisions()] == [2]


def test_a_closed_engine_says_so() -> None:
    engine = Engine()
    engine.close()
    calls = (engine.flush, lambda: engine.apply(touch_on("pv")), lambda: engine.advance_to(1), lambda: engine.ack("x"))
    for call in (*calls, engine.decisions):
        with pytest.raises(EngineError, match="closed") as raised:
            call()
        assert raised.value.code == "closed"
    assert engine.next_wakeup() is None
    assert engine.stats()["events"] == 0


def test_a_store_stays_where_it_was_opened_wherever_the_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    with Engine("s.db", replay=True) as engine:
        engine.apply(touch_on("pv"))
        monkeypatch.chdir(there)
        for n in range(3):
            engine.record("pv", ts=1_000 + n, n=n)
            assert len(list(engine.decisions())) == n + 1
    assert [p.name for p in here.iterdir()] == ["s.db"]
    assert list(there.iterdir()) == []


def test_what_is_called_memory_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Engine(":memory:") as engine:
        engine.apply(touch_on("pv"))
        for n in range(3):
            engine.record("pv", n=n)
            assert len(list(engine.decisions())) == n + 1
        assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_opened_is_an_exception(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as raised:
        Engine(tmp_path / "no" / "such.db")
    assert raised.value.code == "unusable_path"
    with Engine(tmp_path / "store.db"), pytest.raises(EngineError) as raised:
        Engine(tmp_path / "store.db")
    assert raised.value.code == "in_use"
    torn = tmp_path / "torn.db"
    torn.write_bytes(b"not a store" * 1000)
    with Engine(torn) as engine:
        assert engine.opened["set_aside"] is not None
        assert Path(engine.opened["set_aside"]).exists()


def test_a_malformed_document_is_an_exception_with_its_place() -> None:
    with Engine() as engine:
        with pytest.raises(TaskError) as raised:
            engine.apply('{"taskArray": [}')
        assert raised.value.code == "E0501"
        with pytest.raises(TaskError) as raised:
            engine.apply({"taskArray": 7})
        assert (raised.value.code, raised.value.path) == ("E0502", "taskArray")
        with pytest.raises(TypeError):
            engine.apply({"taskArray": object()})
        bad = touch_on("pv")
        bad["taskArray"][0]["policy"] = {"priorty": 1}
        [task] = engine.apply([bad])["sets"][0]["tasks"]
        assert task["status"] == "refused"
        assert task["error"] is not None and task["error"]["path"] == "[0].taskArray[0].policy.priorty"


def test_a_set_is_replaced_by_its_source() -> None:
    def statuses(version: int, *tasks: Any) -> List[Any]:
        report = engine.apply({"source": "s", "version": version, "taskArray": [t["taskArray"][0] for t in tasks]})
        [of_set] = report["sets"]
        return [of_set["refused"] and of_set["refused"]["code"], *((t["id"], t["status"]) for t in of_set["tasks"])]

    one, two = touch_on("pv", id="one"), touch_on("leave", id="two")
    with Engine() as engine:
        assert statuses(1, one) == [None, ("one", "added")]
        assert statuses(2, one, two) == [None, ("one", "unchanged"), ("two", "added")]
        assert statuses(3, two) == [None, ("two", "unchanged"), ("one", "removed")]
        assert statuses(2, one)[0] is not None


def test_a_panic_becomes_an_exception_of_ours() -> None:
    with pytest.raises(InternalError, match="on purpose") as raised:
        _ensue._panic_for_test("on purpose")
    assert isinstance(raised.value, EnsueError)
    assert isinstance(raised.value, Exception)


def test_the_rental_example_live_from_its_files(tmp_path: Path) -> None:
    """Old events in a live engine: the same matches and decisions as far as no timer is concerned."""
    with Engine(tmp_path / "x.db", replay=True) as engine:
        engine.apply(RENTAL / "tasks.json")
        for line in (RENTAL / "events.jsonl").read_bytes().splitlines():
            engine.record_event(line)
        engine.flush()
        stats = engine.stats()
        assert (stats["events"], stats["rejected"], stats["late"]) == (304, 2, 1)
        touches = [d["touch"] for d in engine.decisions()]
        assert "coupon_popup" in touches and len(touches) == 5


def test_options_are_checked() -> None:
    with Engine(lateness="1 S", session_gap=1000, default_window="1 H", queue=10, early=5, event_bytes=100, users=8, keep_at_least="1 D") as engine:
        for n in range(7):
            assert engine.record("pv", n=n).status == ("queued" if n < 5 else "full")
        engine.apply(touch_on("pv"))
        assert engine.record("pv", n="x" * 200).status == "rejected"
    for wrong in ({"lateness": 1.5}, {"queue": "x"}, {"nonsense": 1}):
        with pytest.raises(TypeError):
            Engine(**wrong)
    with pytest.raises(OverflowError):
        Engine(queue=-1)
    assert os.path.exists(ensue.__file__)


def test_a_user_is_exported_and_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "ensue.db"
    with Engine(path) as engine:
        engine.apply(touch_on("pv"))
        for user in ("u-7391", 7391, None):
            engine.record_event({"actionType": "pv", "userId": user, "args": {"n": f"of {user}"}})
        engine.flush()
        exported = engine.export_user("u-7391")
        assert (exported["user"], exported["sessions"]) == ("u-7391", 1)
        assert [event["args"] for event in exported["events"]] == [{"n": "of u-7391"}]
        assert [(d["touch"], d["acknowledged"]) for d in exported["decisions"]] == [("hi", False)]
        engine.forget("u-7391")
        assert engine.export_user("u-7391") == {"user": "u-7391"}
        assert b"u-7391" not in path.read_bytes()
        assert engine.export_user(7391)["events"] and engine.export_user()["events"]
        engine.forget(7391)
        engine.forget(None)
        assert list(engine.decisions()) == []


def test_who_opts_out_is_not_recorded_until_they_opt_in(tmp_path: Path) -> None:
    with Engine(tmp_path / "ensue.db") as engine:
        engine.apply(touch_on("pv"))
        engine.record("pv")
        engine.opt_out()
        assert list(engine.decisions()) == []
    with Engine(tmp_path / "ensue.db") as engine:
        answer = engine.record("pv")
        assert (answer.status, bool(answer), engine.stats()["opted_out"]) == ("opted_out", False, 1)
        engine.opt_in()
        assert engine.record("pv").status == "queued"
        assert len(list(engine.decisions())) == 1


def test_no_more_is_kept_than_the_limit(tmp_path: Path) -> None:
    rule = "EVENT: a -> b WHERE a.actionType = 'pv' AND b.actionType = 'never' WITHIN 1 DAY"
    tasks = {"taskArray": [{"id": "t", "rule": rule, "taskType": "cep"}]}
    with Engine(tmp_path / "ensue.db", keep_for="7d", keep_events=1_000, queue=10_000) as engine:
        engine.apply(tasks)
        for _ in range(9_000):
            engine.record("pv")
        engine.flush()
        assert len(engine.export_user()["events"]) < 9_000
        assert engine.stats()["truncated"] > 0


def test_it_answers_why_and_why_not_and_what_leaves_needs_consent(tmp_path: Path) -> None:
    rule = "EVENT: a -> b WHERE a.actionType = 'a' AND b.actionType = 'b' AND b.args.x > 10 WITHIN 1 H RETURN b.args.x AS x"
    tasks = {"taskArray": [{"id": "t", "rule": rule, "output": {"type": "touch", "touch": "hi"}}]}
    with Engine(tmp_path / "ensue.db", replay=True) as engine:
        engine.apply(tasks)
        assert engine.consent == set()
        engine.consent = ["decisions", "counters"]
        for ts, action, x in [(1, "a", 0), (2, "b", 7)]:
            engine.record_event({"ts": ts, "actionType": action, "userId": "u", "args": {"x": x}})
        (answer,) = engine.why_not("t", user="u")
        assert answer["furthest"]["nearMisses"][0]["failed"] == [{"condition": "b.args.x > 10", "found": {"b.args.x": 7}}]
        assert str(answer).startswith("t: did not match: it still waits\n")
        assert engine.why_not("t", user=None)[0]["events"] == 0 and len(engine.why_not()) == 1
        engine.record_event({"ts": 3, "actionType": "b", "userId": "u", "args": {"x": 11}})
        (decision,) = engine.decisions()
        why = engine.why(decision)
        assert why["decision"]["values"] == {"x": 11} and why["events"]["b"][0]["event"]["ts"] == 3
        with pytest.raises(EngineError) as unknown:
            engine.why("no-such-id")
        assert unknown.value.code == "unknown_id"
        batch = engine.drain()
        assert [d["id"] for d in batch["decisions"]] == [decision["id"]] and batch["counters"][0]["matches"] == 1
        assert engine.drain(batch["cursor"])["decisions"] == []
        with pytest.raises(EngineError):
            engine.drain("no cursor")
        with pytest.raises(ValueError):
            engine.consent = ["events"]
        assert engine.consent == {"decisions", "counters"}
        (task,) = engine.stats_report()["tasks"]
        assert (task["matches"], task["decisions"], task["stages"][0]) == (1, 1, {"stage": "a", "events": 1})
        engine.reset_stats()
        assert "matches" not in engine.stats_report()["tasks"][0]
