from pathlib import Path

from ensue import Engine

with Engine("ensue.db") as engine:
    engine.apply(Path("tasks.json"))  # what the cloud pushed
    for item in (40, 41, 42):
        engine.record("pv", scene="item_detail", item=item)  # never raises, never waits
    for decision in engine.decisions():
        print(decision["touch"], decision["values"])  # show it, then
        engine.ack(decision)
