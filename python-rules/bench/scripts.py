"""What a script's call costs above the script's own time, and what looking at a history costs: `python bench/scripts.py`.

Each figure is the median of several rounds, in microseconds a trigger, of an engine in memory that replays. `own` is what the
script takes, with what it reads; `call` what asking it takes in Python, `above own` what that adds (both means of a round);
`pipeline` is all of a trigger (median): its record, two commits, two hops between threads, the call, and a flush.
"""

from __future__ import annotations

import statistics
import time
from typing import Dict, List, Tuple

import ensue
from ensue import Engine, Scripts

TRIGGERS = 200
ROUNDS = 7

SCRIPTS: Dict[str, str] = {
    "nothing": "def run(ctx):\n    return None",
    "true": "def run(ctx):\n    ctx.values['n'] = 1\n    return True",
    "last": "def run(ctx):\n    ctx.history[-1].ts\n    return None",
    "every": "def run(ctx):\n    for event in ctx.history: event.ts\n    return None",
    "match": "RULE = \"EVENT: a -> b WHERE a.actionType = 'pv' AND b.actionType = 'buy'\"\ndef run(ctx):\n    return ctx.match(RULE)",
}
TIMED = """
import time
spent = []
{source}

def timed(ctx, inner=run):
    began = time.perf_counter_ns()
    try:
        return inner(ctx)
    finally:
        spent.append(time.perf_counter_ns() - began)

run = timed
"""


def measure(name: str, history: int) -> Tuple[float, float, float]:
    """Of one script over a history of so many events: pipeline, call, own time."""
    scripts = Scripts({"s": TIMED.format(source=SCRIPTS[name])}, budget="60 S")
    task = {"taskType": "py_backtrace", "pythonName": "s", "filter": [{"alias": "all", "actionType": ["pv", "leave"]}]}
    with Engine(replay=True, scripts=scripts) as engine:
        engine.apply({"actionTypeIn": ["leave"], "taskArray": [task]})
        for n in range(history):
            engine.record_event({"ts": n, "actionType": "pv", "args": {"item": n % 7, "price": 100 + n}})
        engine.flush()
        whole = []
        for n in range(TRIGGERS):
            began = time.perf_counter_ns()
            engine.record_event({"ts": history + n, "actionType": "leave"})
            engine.flush()
            whole.append(time.perf_counter_ns() - began)
        [run] = [loaded.run for loaded in scripts._loaded.values()]
        assert run is not None
        spent: List[int] = run.__globals__["spent"]
        assert len(spent) == TRIGGERS
        own = statistics.mean(spent) / 1e3
        call = scripts.stats["s"]["seconds"] / TRIGGERS * 1e6
        return statistics.median(whole) / 1e3, call, own


def main() -> None:
    print(f"ensue {ensue.__file__}; {TRIGGERS} triggers, median of {ROUNDS} rounds, us")
    print(f"{'script':>8} {'history':>8} {'pipeline':>9} {'call':>8} {'own':>8} {'above own':>10}")
    for name in SCRIPTS:
        for history in (0, 100, 10_000):
            if name == "true" and history == 10_000:
                continue  # It consumes: only the first would see them.
            rounds = [measure(name, history) for _ in range(ROUNDS if history < 10_000 else 3)]
            pipeline, call, own = (statistics.median(column) for column in zip(*rounds))
            print(f"{name:>8} {history:>8} {pipeline:>9.1f} {call:>8.1f} {own:>8.1f} {call - own:>10.1f}")


if __name__ == "__main__":
    main()
