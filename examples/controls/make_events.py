#!/usr/bin/env python3
"""Writes the recorded sessions of this example to standard output: `./make_events.py path/to/ensue > events.jsonl`.

What each user does is written down below. Feedback names decisions by their ids, which only a run says: so the sessions are
run as far as they are complete, and again with the feedback that they then have, until nothing is missing.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
MONDAY = 1_709_506_800_000  # Monday 2024-03-04, 00:00 in Berlin
OFFSET = 60

events = []


def at(time, day=0):
    """Milliseconds of a local time of day."""
    hours, minutes, seconds = (int(part) for part in (time + ":00").split(":")[:3])
    return MONDAY + ((day * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1_000


def does(user, time, action, day=0, **args):
    event = {"ts": at(time, day), "actionType": action, "userId": user, "utcOffsetMin": OFFSET}
    events.append(event | ({"args": args} if args else {}))


def answers(user, time, feedback, task, nth=0, day=0):
    """Feedback to the nth decision of a task for the user."""
    events.append({"ts": at(time, day), "feedback": feedback, "of": [user, task, nth]})


# Ana leaves with something in her cart: the coupon goes first, the others of that moment are refused. She does not like it.
does("ana", "09:00", "start")
for time in ["09:01", "09:03", "09:05"]:
    does("ana", time, "pv", item="lamp")
does("ana", "09:06", "cart", item="lamp")
does("ana", "09:10", "leave")
answers("ana", "09:10:02", "shown", "cart-left")
answers("ana", "09:10:20", "dismissed", "cart-left")
# The group is free again, but the touch was only just.
for time in ["09:11", "09:12", "09:12:30"]:
    does("ana", time, "pv", item="rug")
does("ana", "09:13", "leave")
# A second coupon, dismissed as well: no third for a week.
does("ana", "10:00", "cart", item="rug")
does("ana", "10:05", "leave")
answers("ana", "10:05:09", "dismissed", "cart-left", 1)
does("ana", "11:00", "cart", item="rug")
does("ana", "11:05", "leave")
answers("ana", "11:05:01", "shown", "survey")
does("ana", "12:00", "leave")

# Ben buys: what he gives back is not thanked for, and nobody is thanked at night.
does("ben", "14:00", "buy", order=1)
does("ben", "14:05", "refund", order=1)
does("ben", "15:00", "buy", order=2)
does("ben", "16:00", "pv", item="desk")
does("ben", "22:30", "buy", order=3)
does("ben", "23:20", "cart", item="desk")
does("ben", "23:30", "leave")

# Cleo finds nothing, again and again. A hint that was clicked may come again sooner, one that was dismissed later.
does("cleo", "18:00", "search", results=0)
answers("cleo", "18:00:05", "clicked", "no-results")
does("cleo", "18:10", "search", results=0)
does("cleo", "20:00", "search", results=0)
answers("cleo", "20:00:04", "dismissed", "no-results", 1)
does("cleo", "21:30", "search", results=0)
# Twice the same, and to a decision that never was.
answers("cleo", "21:31", "dismissed", "no-results", 1)
events.append({"ts": at("21:32"), "feedback": "shown", "decision": "0000000000000000"})

# On Tuesday the tour begins, for those who are not held out.
for n, user in enumerate(["ben", "cleo", "dan", "eve"]):
    does(user, f"09:0{n}", "start", day=1)

# Eve comes and goes: after four touches it is enough for a day.
for hour in range(10, 14):
    does("eve", f"{hour}:00", "cart", day=1, item="chair")
    does("eve", f"{hour}:05", "leave", day=1)


def filled(known):
    """The events, with the feedback to decisions that are known; whether some is missing."""
    lines, missing = [], False
    for event in sorted(events, key=lambda event: event["ts"]):
        event = dict(event)
        if (of := event.pop("of", None)) is not None:
            if tuple(of) not in known:
                missing = True
                continue
            event["decision"] = known[tuple(of)]
        lines.append(json.dumps(event, separators=(",", ":")))
    return "\n".join(lines) + "\n", missing


def decisions(ensue, text):
    """Which decision is the nth of its user and task."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write(text)
        file.flush()
        command = [ensue, "run", "--tasks", HERE / "tasks.json", "--events", file.name, "--drain", "--json"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    known, counts = {}, {}
    for item in map(json.loads, printed.splitlines()):
        if item["kind"] == "decision":
            of = (item["user"], item["task"])
            known[(*of, counts.get(of, 0))] = item["id"]
            counts[of] = counts.get(of, 0) + 1
    return known


def main():
    known = {}
    while True:
        text, missing = filled(known)
        if not missing:
            sys.stdout.write(text)
            return
        before, known = known, decisions(sys.argv[1], text)
        if known == before:
            sys.exit("feedback to decisions that are never made")


main()
