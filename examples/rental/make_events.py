#!/usr/bin/env python3
"""Writes the recorded sessions of the rental example to standard output: `./make_events.py > events.jsonl`.

What each user does is written down below, so that it is known what the tasks must find; how long they take, and the
noise between (scrolling, requests, storage), comes from a random generator with a fixed seed. The same events come out
on every run. Lines are in the order in which the events arrive: by time, but for one that arrives late and two that are
no events.
"""

import json
import random

DICE = random.Random(20240304)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MORNING = 1_709_514_000_000  # Monday 2024-03-04, 09:00 in China
HOME = "https://market.m.taobao.com/app/idleFish-F2e/idlefish-renting/home"
TEST_HOME = "https://market.wapa.taobao.com/app/idleFish-F2e/idlefish-renting/home"
PRICES = {f"flat-{n}": 2_000 + 150 * n for n in range(1, 21)}

events = []
requests = 0


class Session:
    """What one user does from one moment on; `at` is when they do the next thing."""

    def __init__(self, user, at, home=HOME):
        self.user, self.at, self.home = user, at, home
        self.add("page", "pv", home)
        self.fetch("api.example.com/search", DICE.randint(300, 900))

    def add(self, source, action, scene, **args):
        event = {"ts": self.at, "source": source, "actionType": action, "scene": scene, "utcOffsetMin": 480}
        if self.user is not None:
            event["userId"] = self.user
        if args:
            event["args"] = args
        events.append(event)

    def wait(self, least, most):
        self.at += DICE.randint(least, most)
        return self

    def fetch(self, scene, ms, status=200):
        global requests
        requests += 1
        self.wait(20, 90)
        self.add("network", "request", scene, request=requests)
        self.at += ms
        self.add("network", "response", scene, request=requests, status=status)

    def look(self, item, price=None, least=8_000, most=50_000):
        """Opens a flat, reads about it, and goes back."""
        self.wait(2_000, 6_000)
        self.add("page", "pv", "item_detail", item=item, price=price or PRICES[item])
        self.fetch(f"api.example.com/item/{item}", DICE.randint(60, 400))
        for _ in range(DICE.randint(0, 2)):
            self.wait(800, 3_000)
            self.add("page", "scroll", "item_detail", depth=DICE.randint(1, 100))
        self.wait(least, most)
        self.add("page", "leave", "item_detail", item=item)
        return self

    def save(self, item):
        self.wait(1_000, 3_000)
        self.add("page", "favourite", "item_detail", item=item, price=PRICES[item])
        self.wait(5, 30)
        self.add("storage", "put", "favourites", item=item)
        return self

    def ask(self, item):
        self.wait(5_000, 20_000)
        self.add("page", "contact", "chat", item=item)
        return self

    def leave(self):
        self.wait(1_000, 4_000)
        self.add("page", "leave", self.home)
        return self


# u1 looks at flats again and again, saves none, and leaves: a coupon the first time of a day, none the second time, and
# the assistant when it happens again. By then they were reached three times: a flat that became cheaper is not told.
Session("u1", MORNING).look("flat-3").look("flat-4").look("flat-7").look("flat-3").leave()
Session("u1", MORNING + 10 * HOUR).look("flat-7").look("flat-8").look("flat-9").leave()
Session("u1", MORNING + DAY + HOUR).look("flat-1").look("flat-2").look("flat-3").look("flat-4").look("flat-5").leave()
Session("u1", MORNING + DAY + 12 * HOUR).look("flat-9", PRICES["flat-9"] - 200).leave()

# u2 saves a flat and asks for it: nothing to remind of, no hesitation.
Session("u2", MORNING + 12 * MINUTE).look("flat-10").look("flat-11").look("flat-12").save("flat-12").ask("flat-12").leave()
Session("u2", MORNING + 9 * HOUR).look("flat-10").look("flat-13").leave()

# u3 saves two flats, asks for neither, and looks on: a reminder for the first, the second is too soon after it.
s = Session("u3", MORNING + 30 * MINUTE).look("flat-2").save("flat-2").look("flat-5").save("flat-5")
for item in ["flat-6", "flat-7", "flat-8", "flat-9"]:
    s.look(item, least=4 * MINUTE, most=5 * MINUTE)
s.leave()

# u4 saves a flat and is gone; when they are back, the reminder is stale.
Session("u4", MORNING + 2 * HOUR, TEST_HOME).look("flat-14").save("flat-14").leave()
Session("u4", MORNING + DAY + 4 * HOUR, TEST_HOME).look("flat-15").leave()

# u5 comes back to flats that became cheaper: one by much, one by little. They save the first and are not seen again: the
# reminder comes when time goes on.
Session("u5", MORNING + 3 * HOUR).look("flat-16").look("flat-17").leave()
s = Session("u5", MORNING + DAY + 3 * HOUR)
s.look("flat-17", PRICES["flat-17"] - 50).look("flat-16", PRICES["flat-16"] - 300).save("flat-16").leave()

# u6 rushes through a dozen flats: too many for a coupon. Their search fails once.
s = Session("u6", MORNING + 5 * HOUR)
s.fetch("api.example.com/search", 2_400, status=503)
for n in range(1, 13):
    s.look(f"flat-{n}", least=3_000, most=9_000)
s.leave()

# A user with a number for a name hesitates too long: ten minutes are over before they leave.
Session(7, MORNING + 6 * HOUR).look("flat-18").look("flat-19").look("flat-20", least=11 * MINUTE, most=12 * MINUTE).leave()

# Nobody knows who this is.
Session(None, MORNING + 7 * HOUR).look("flat-1").look("flat-19").leave()

events.sort(key=lambda e: e["ts"])  # stable: equal times stay in the order in which they were made
for n, event in enumerate(events):
    if n % 3 == 0:  # some sources number their events
        event["id"] = f"e{n}"

# One event is on its way for too long.
late = next(n for n, e in enumerate(events) if e["actionType"] == "response" and e["userId"] == "u3")
events.insert(late + 2, events.pop(late))

lines = [json.dumps(event, separators=(",", ":")) for event in events]
lines.insert(40, '{"ts":1709514400000,"source":"page","actionType":"pv","sce')
lines.insert(150, '{"ts":1709525400000,"source":"page","scene":"item_detail","userId":"u4"}')
print("\n".join(lines))
