"""Who viewed three flats, saved none and left: tried on recorded events, then run as an engine runs it.

`python examples/hesitation.py`
"""

from __future__ import annotations

from typing import Any, Dict, List

from ensue import Engine, KVCondition, Pattern, e, last, run, sum_

hesitation = (
    Pattern("view")
    .where(KVCondition("actionType", "pv"))
    .and_(KVCondition("scene", "item_detail"))
    .times_or_more(3)
    .not_followed_by("save")
    .where(KVCondition("actionType", "favourite"))
    .followed_by("leave")
    .where(KVCondition("actionType", "leave"))
    .where(e("view").count < 10)
    .within("10 MIN")
    .returns(
        views=e("view").count,
        item=last(e("view").args.item),
        mean=sum_(e("view").args.price) / e("view").count,
    )
)

tasks: Dict[str, Any] = {
    "source": "growth",
    "taskArray": [
        {
            "id": "hesitation",
            "taskType": "cep",
            "rule": hesitation,
            "output": {"type": "touch", "touch": "coupon_popup", "payload": {"percent": 5}},
            "policy": {"caps": [{"limit": 1, "per": "day"}]},
        }
    ],
}

recorded: List[Dict[str, Any]] = [
    {"ts": 1_700_000_000_000 + 60_000 * n, "actionType": "pv", "scene": "item_detail", "args": {"item": n, "price": 2_000 + n}}
    for n in range(3)
]
recorded.append({"ts": 1_700_000_180_000, "actionType": "leave", "scene": "home"})


def main() -> None:
    print(hesitation.to_text())
    for item in run(tasks, recorded):
        print(item)

    with Engine() as engine:
        engine.apply(tasks)
        for n in range(3):
            engine.record("pv", "item_detail", item=n, price=2_000 + n)
        engine.record("leave", "home")
        for decision in engine.decisions():
            print(decision["touch"], decision["values"])
            engine.ack(decision)


if __name__ == "__main__":
    main()
