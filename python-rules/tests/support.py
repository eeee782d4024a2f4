"""What the tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterable, List

REPOSITORY = Path(__file__).parents[2]
RENTAL = REPOSITORY / "examples" / "rental"
CONTROLS = REPOSITORY / "examples" / "controls"

Json = Dict[str, Any]


def lines(path: Path) -> List[Json]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def timeless(objects: Iterable[Json]) -> List[Json]:
    """Without what the machine's speed decides."""
    return [{key: value for key, value in o.items() if key != "seconds"} for o in objects]


def touch_on(action: str, **task: Any) -> Json:
    """A document with one task: a touch at every event of an action."""
    rule = f"EVENT: a WHERE a.actionType = '{action}' WITHIN 1 MIN RETURN a.args.n AS n"
    return {"taskArray": [{"id": "t", "taskType": "cep", "rule": rule, "output": {"type": "touch", "touch": "hi"}, **task}]}
