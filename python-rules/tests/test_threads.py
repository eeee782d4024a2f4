"""Listeners and threads: who is called where, what misbehaves, and how it ends. Nothing here waits for a clock: a thread waits
for what another does."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any, List

import pytest

from ensue import Decision, Engine, EngineError
from support import touch_on


def test_the_listener_is_called_on_another_thread_and_may_call_back() -> None:
    with Engine() as engine:
        engine.apply(touch_on("pv"))
        seen: List[Any] = []
        both = threading.Event()

        def listener(decision: Decision) -> None:
            seen.append((threading.get_ident(), decision["values"]["n"], engine.ack(decision)))
            if len(seen) == 2:
                both.set()

        engine.record("pv", n=0)
        assert len(list(engine.decisions())) == 1
        engine.set_listener(listener)  # type: ignore[arg-type]
        engine.record("pv", n=1)
        assert both.wait(60)
        assert [n for _, n, _ in seen] == [0, 1]
        assert [acked for *_, acked in seen] == [1, 1]
        assert threading.get_ident() not in {thread for thread, *_ in seen}
        engine.set_listener(None)
        engine.record("pv", n=2)
        assert [d["values"]["n"] for d in engine.decisions()] == [2]
        assert len(seen) == 2


def test_an_exception_of_the_listener_is_told_and_goes_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    told: List[Any] = []
    both = threading.Event()

    def hook(unraisable: Any) -> None:
        told.append((unraisable.exc_type, str(unraisable.exc_value), unraisable.object))
        if len(told) == 2:
            both.set()

    monkeypatch.setattr(sys, "unraisablehook", hook)

    def listener(decision: object) -> None:
        raise RuntimeError("no")

    with Engine() as engine:
        engine.set_listener(listener)
        engine.apply(touch_on("pv"))
        engine.record("pv")
        engine.record("pv")
        assert both.wait(60)
        assert told == [(RuntimeError, "no", listener)] * 2
        assert len(list(engine.decisions())) == 2


def test_in_replay_the_listener_is_called_before_flush_returns() -> None:
    with Engine(replay=True) as engine:
        seen: List[Any] = []
        errors: List[Any] = []

        def listener(decision: Any) -> None:
            seen.append(decision["values"]["n"])
            try:
                engine.flush()
            except EngineError as error:
                errors.append(error.code)

        engine.set_listener(listener)
        engine.apply(touch_on("pv"))
        for n in range(10_000):
            engine.record("pv", n=n)
        engine.flush()
        assert seen == list(range(10_000))
        assert set(errors) == {"unavailable"}


def test_a_listener_may_close_the_engine() -> None:
    engine = Engine()
    done = threading.Event()

    def listener(_: object) -> None:
        engine.close()
        done.set()

    engine.set_listener(listener)
    engine.apply(touch_on("pv"))
    engine.record("pv")
    assert done.wait(10)
    assert engine.record("pv").status == "closed"


def test_close_waits_for_the_listener() -> None:
    engine = Engine()
    begun, seen = threading.Event(), []

    def listener(_: object) -> None:
        begun.set()
        # Closing has begun, and waits for this.
        while engine.record("scroll").status != "closed":
            pass
        seen.append(1)

    engine.set_listener(listener)
    engine.apply(touch_on("pv"))
    engine.record("pv")
    assert begun.wait(10)
    engine.close()
    assert seen == [1]
    engine.close()


def test_an_engine_in_a_cycle_with_its_listener_is_collected() -> None:
    engine = Engine()
    engine.apply(touch_on("pv"))
    engine.set_listener(lambda decision, engine=engine: engine.ack(decision))  # type: ignore[misc]
    gone = weakref.ref(engine)
    del engine
    gc.collect()
    assert gone() is None


def test_threads_record_at_once_and_lose_nothing_below_the_limit() -> None:
    threads, each = 64, 100
    with Engine(queue=threads * each) as engine:
        engine.apply(touch_on("pv"))
        together = threading.Barrier(threads)

        def work(of: int) -> None:
            together.wait()
            for n in range(each):
                assert engine.record("pv", n=of * each + n).status == "queued"

        workers = [threading.Thread(target=work, args=(of,)) for of in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert sorted(d["values"]["n"] for d in engine.decisions()) == list(range(threads * each))
        assert engine.stats()["dropped"] == 0


def test_others_run_while_the_engine_is_waited_for() -> None:
    # The listener of a replay is called within flush: if flush kept the interpreter, this would hang.
    with Engine(replay=True) as engine:
        ran = threading.Event()
        other = threading.Thread(target=ran.set)

        def listener(_: object) -> None:
            other.start()
            assert ran.wait(10)

        engine.set_listener(listener)
        engine.apply(touch_on("pv"))
        engine.record("pv")
        engine.flush()
        assert ran.is_set()


def test_recorders_while_it_is_closed() -> None:
    engine = Engine()
    engine.apply(touch_on("pv"))
    statuses: List[str] = []
    begun = threading.Semaphore(0)

    def work() -> None:
        while True:
            status = engine.record("pv").status
            statuses.append(status)
            begun.release()
            if status == "closed":
                return

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for _ in range(100):
        assert begun.acquire(timeout=60)
    engine.close()
    for worker in workers:
        worker.join(60)
        assert not worker.is_alive()
    assert set(statuses) <= {"queued", "full", "closed"}


@pytest.mark.parametrize("end", ["", "engine.close()", "sys.exit(3)", "raise RuntimeError", "os._exit(0)"])
def test_python_ends_with_an_engine_open_and_a_listener_at_work(end: str, tmp_path: Path) -> None:
    script = f"""
import os, sys, threading, ensue
begun = threading.Event()
def work(decision):
    begun.set()
    sum(range(100_000))
engine = ensue.Engine({str(tmp_path / "x.db")!r})
engine.set_listener(work)
engine.apply({touch_on("pv")!r})
for n in range(50):
    engine.record("pv", n=n)
engine.flush()
begun.wait()
{end}
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    expected = {"sys.exit(3)": 3, "raise RuntimeError": 1}.get(end, 0)
    assert ended.returncode == expected, ended.stderr
    if end != "raise RuntimeError":
        assert ended.stderr == ""
