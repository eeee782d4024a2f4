"""What `record` and `import ensue` cost: `python bench/record.py`.

One line of JSON each. `record` is measured on the caller's thread while the worker is busy: there is always something in
the queue, which never fills. Rounds are short, so that some of them meet no other work of the machine. Beside it stand the loop
with a function that does nothing (`nothing`) and with a call into the library that does nothing (`call`). `cpu_ns` and `cpu_ms` are the processor time alone: of the calling thread, of the process that
imports. Exit code 1 where a promise is not kept; that is judged by the best round on the wall, since other work on the machine
only ever adds.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

from ensue import Engine

EVENTS, ROUNDS, ENGINES = 1_000, 20, 10
PROCESSES = 15
PROMISED_NS, PROMISED_IMPORT_MS = 2_000.0, 50.0
RULE = (
    "EVENT: v -> l WHERE v.actionType = 'pv' AND v.scene = 'item_detail' AND v.args.price > 0 "
    "AND l.actionType = 'leave' AND l.args.item = 'none' WITHIN 10 MIN"
)
DOCUMENT = {"taskArray": [{"id": "hesitation", "taskType": "cep", "rule": RULE}]}


def measure(name: str, record: Callable[[Engine], object]) -> Dict[str, Any]:
    """Nanoseconds a call: the median of rounds, and the best. The first 500 calls of a round find the worker waking."""
    each: List[float] = []
    cpu: List[float] = []
    for _ in range(ENGINES):
        with Engine(queue=10_000) as engine:
            engine.apply(DOCUMENT)
            for _ in range(ROUNDS):
                for _ in range(500):
                    record(engine)
                begin, spent = time.perf_counter_ns(), time.thread_time_ns()
                for _ in range(EVENTS):
                    record(engine)
                each.append((time.perf_counter_ns() - begin) / EVENTS)
                cpu.append((time.thread_time_ns() - spent) / EVENTS)
                engine.flush()
            assert engine.stats()["dropped"] == 0
    return {
        "bench": "record",
        "variant": name,
        "events": len(each) * EVENTS,
        "ns_per_op": round(statistics.median(each)),
        "best_ns": round(min(each)),
        "cpu_ns": round(min(cpu)),
    }


EVENT = {"actionType": "pv", "scene": "item_detail", "args": {"item": "42", "price": 3.5}}
TEXT = json.dumps(EVENT)
VARIANTS: Dict[str, Callable[[Engine], object]] = {
    "positional": lambda engine: engine.record("pv", "item_detail", item="42", price=3.5),
    "positional_5": lambda engine: engine.record("pv", "item_detail", item=42, price=3.5, city="Hangzhou", rooms=3, new=True),
    "positional_bare": lambda engine: engine.record("pv", "item_detail"),
    "unwanted": lambda engine: engine.record("scroll", "list", depth=7),
    "dict": lambda engine: engine.record_event(EVENT),
    "json": lambda engine: engine.record_event(TEXT),
    "nothing": lambda engine: None,
    "call": lambda engine: engine.next_wakeup(),
}


def import_ms() -> Dict[str, Any]:
    """How much longer Python runs for importing the package; medians of runs in turn."""
    script = (
        "import time; t, c = time.perf_counter_ns(), time.process_time_ns(); import ensue; "
        "print(time.perf_counter_ns() - t, time.process_time_ns() - c)"
    )
    runs = [subprocess.check_output([sys.executable, "-c", script]).split() for _ in range(PROCESSES)]
    wall, cpu = ([int(run[i]) / 1e6 for run in runs] for i in (0, 1))
    return {"bench": "import", "ms": round(statistics.median(wall), 1), "best_ms": round(min(wall), 1), "cpu_ms": round(min(cpu), 1)}


def open_ms() -> Dict[str, Any]:
    """How long `Engine(path)` keeps its caller, with a new file and with that file again: it waits until the store is open."""
    new: List[float] = []
    again: List[float] = []
    for _ in range(PROCESSES):
        with tempfile.TemporaryDirectory() as folder:
            for into in (new, again):
                begin = time.perf_counter_ns()
                engine = Engine(Path(folder) / "ensue.db")
                into.append((time.perf_counter_ns() - begin) / 1e6)
                engine.close()
    return {
        "bench": "open",
        "ms": round(statistics.median(again), 2),
        "best_ms": round(min(again), 2),
        "new_ms": round(statistics.median(new), 2),
        "best_new_ms": round(min(new), 2),
    }


def main() -> int:
    kept = True
    for name, record in VARIANTS.items():
        found = measure(name, record)
        print(json.dumps(found), flush=True)
        kept &= name != "positional" or found["best_ns"] <= PROMISED_NS
    print(json.dumps(open_ms()), flush=True)
    found = import_ms()
    print(json.dumps(found))
    return 0 if kept and found["best_ms"] <= PROMISED_IMPORT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
