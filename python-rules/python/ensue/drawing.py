"""Pictures for notebooks: the automaton of a rule, and matches over the events that they bind. Nothing outside Python is needed."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timezone
from html import escape
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple, Union

from . import _ensue
from ._json import dumps
from .errors import RuleError
from .rules import compile, format

__all__ = ["Svg", "automaton", "timeline"]

Json = Dict[str, Any]

_FONT = "font-family:ui-sans-serif,system-ui,sans-serif;font-size:12px"
_INK, _SOFT, _LINE, _PAPER = "#1f2937", "#6b7280", "#9ca3af", "#ffffff"
_COLOURS = ("#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f")


class Svg(str):
    """A picture: its text is the SVG, and notebooks show it."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes it to a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self)

    def __repr__(self) -> str:
        return f"<Svg of {len(self)} characters>"


def automaton(rule: object) -> Svg:
    """The automaton of a rule (a Pattern, text, or compiled): its positions, and what leads from one to the next."""
    dot = _ensue.automaton_dot(dumps(compile(rule)))
    nodes = {"begin": ("", False)}
    for name, shape, label in re.findall(r'^  (\w+) \[shape=(\w+),label="(.*)"\];$', dot, re.MULTILINE):
        nodes[name] = (_plain(label), shape == "doublecircle")
    # Several waits between two places are one line here.
    edges: Dict[Tuple[str, str], List[str]] = {}
    for source, target, label in re.findall(r'^  (\w+) -> (\w+) \[label="(.*)"\];$', dot, re.MULTILINE):
        labels = edges.setdefault((source, target), [])
        if _plain(label) not in labels:
            labels.append(_plain(label))
    reached = {"begin", *(target for _, target in edges)}
    # What ends without an event comes last.
    names = [name for name in nodes if name != "end" and name in reached] + [name for name in ("end",) if name in reached]
    return _graph({name: nodes[name] for name in names}, edges)


def rule_html(rule: object) -> str:
    """The text of a rule above its automaton; of one that is refused why."""
    try:
        return f'<pre style="font-family:monospace">{escape(format(compile(rule)))}</pre>{automaton(rule)}'
    except RuleError as error:
        return f"<pre>{escape(str(error))}</pre>"


def _plain(label: str) -> str:
    return label.replace('\\"', '"').replace("\\\\", "\\")


def _graph(nodes: Dict[str, Tuple[str, bool]], edges: Dict[Tuple[str, str], List[str]]) -> Svg:
    """Places from left to right, as they stand in the rule; lines over more than one place as arcs above, back ones below."""
    gap = max(110, max((8 * len(label) + 60 for labels in edges.values() for label in labels), default=0))
    at = {name: 40 + i * gap for i, name in enumerate(nodes)}
    order = {name: i for i, name in enumerate(nodes)}
    spans = [order[target] - order[source] for source, target in edges]
    above = 34 + 22 * max((span for span in spans if span > 1), default=0) + (34 if 0 in spans else 0)
    below = 34 + 22 * max((-span for span in spans if span < 0), default=0)
    middle = above + 24
    parts = []
    for (source, target), labels in edges.items():
        parts.append(_edge(at[source], at[target], order[target] - order[source], middle, " ".join(labels)))
    for name, (label, complete) in nodes.items():
        parts.append(_node(at[name], middle, label, name == "begin", complete))
    return _svg(40 + gap * (len(nodes) - 1) + 50, middle + below + 24, parts)


def _node(x: float, y: float, label: str, begin: bool, complete: bool) -> str:
    if begin:
        return f'<circle cx="{x}" cy="{y}" r="5" fill="{_INK}"/>'
    ring = f'<circle cx="{x}" cy="{y}" r="18" fill="none" stroke="{_INK}"/>' if complete else ""
    shape = f'<circle cx="{x}" cy="{y}" r="22" fill="{_PAPER}" stroke="{_INK}" stroke-width="1.5"/>{ring}'
    return shape + _text(x, y + 4, label, size=11)


def _edge(x: float, to: float, span: int, y: float, label: str) -> str:
    path = f'fill="none" stroke="{_LINE}" stroke-width="1.5" marker-end="url(#tip)"'
    start = 6 if x == 40 else 23
    if span == 0:
        loop = f'<path d="M{x - 10},{y - 20} C{x - 26},{y - 56} {x + 26},{y - 56} {x + 10},{y - 21}" {path}/>'
        return loop + _text(x, y - 52, label, _SOFT)
    if span == 1:
        return f'<path d="M{x + start},{y} L{to - 25},{y}" {path}/>' + _text((x + to) / 2, y - 7, label, _SOFT)
    rise = -22 * span - 10 if span > 0 else -22 * span + 10
    side = -1 if span > 0 else 1
    curve = f"M{x + 12},{y + side * 19} Q{(x + to) / 2},{y + rise * 2 + side * 10} {to - 12 * (1 if span > 0 else -1)},{y + side * 20}"
    return f'<path d="{curve}" {path}/>' + _text((x + to) / 2, y + rise + side * 8 + 4, label, _SOFT)


def timeline(
    events: Iterable[Union[Mapping[str, Any], str, bytes]],
    found: Iterable[Mapping[str, Any]],
    *,
    user: Optional[str] = None,
    width: int = 900,
) -> Svg:
    """Matches over events: a row for each action type, a row for each match, and where they bind an event, its stage. A
    dashed line is a pause of more than half an hour.

    events: objects or lines of JSON; found: the objects of `ensue.run`, or its matches. With `user` only theirs.
    """
    shown = [event for event in _numbered(events) if user is None or event.get("userId") == user]
    matches = [m for m in found if m.get("kind") in ("match", "timeout") and (user is None or m.get("user") == user)]
    if not shown:
        return _svg(width, 40, [_text(width / 2, 24, "no events", _SOFT)])
    rows = list(dict.fromkeys(str(event["actionType"]) for event in shown))
    left = 30 + 7 * max(len(name) for name in [*rows, *(str(m["task"]) for m in matches)])
    times = sorted({*(e["ts"] for e in shown), *(m["at"] for m in matches)})
    low, high = times[0], times[-1]
    places, pauses = _places(times, left + 10, width - 30)

    def x(ts: int) -> float:
        return places[ts]

    colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(rows)}
    bottom = 34 + 22 * len(rows) + 30 * len(matches)
    parts = [f'<path d="M{at},12 V{bottom}" stroke="{_LINE}" stroke-dasharray="2 4"/>' for at in pauses]
    parts += _events(shown, rows, colours, x, (left, width))
    labels = {_key(event["id"]): event for event in shown}
    top = 34 + 22 * len(rows)
    for i, match in enumerate(matches):
        parts.extend(_match(match, labels, x, (left, top + 10 + 30 * i), colours))
    height = top + 30 * len(matches) + 34
    parts.append(_text(x(low), height - 8, _clock(low), _SOFT, anchor="start"))
    parts.append(_text(x(high), height - 8, _clock(high), _SOFT, anchor="end"))
    return _svg(width, height, parts)


_PAUSE = 30 * 60_000


def _places(times: List[int], left: float, right: float) -> Tuple[Dict[int, float], List[float]]:
    """Where each time stands, and where there are pauses: more than half an hour takes as much room as a tenth of the rest."""
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    short = sum(gap for gap in gaps if gap <= _PAUSE) or 1
    widths = [gap if gap <= _PAUSE else short / 10 for gap in gaps]
    scale = (right - left) / (sum(widths) or 1)
    places, pauses, at = {times[0]: left}, [], left
    for gap, wide, ts in zip(gaps, widths, times[1:]):
        if gap > _PAUSE:
            pauses.append(round(at + wide * scale / 2, 1))
        at += wide * scale
        places[ts] = round(at, 1)
    return places, pauses


def _numbered(events: Iterable[Union[Mapping[str, Any], str, bytes]]) -> List[Json]:
    """Events under the ids by which matches bind them: their own, else the number of their line."""
    numbered = []
    for line, given in enumerate(events, 1):
        try:
            event = dict(given) if isinstance(given, Mapping) else json.loads(given)
        except ValueError:
            continue
        if isinstance(event, dict) and "actionType" in event and isinstance(event.get("ts"), int):
            numbered.append({"id": line, **event})
    return numbered


def _key(label: object) -> str:
    return json.dumps(label)


def _events(shown: List[Json], rows: List[str], colours: Dict[str, str], x: Any, sides: Tuple[int, int]) -> List[str]:
    left, width = sides
    parts = []
    for i, name in enumerate(rows):
        y = 24 + 22 * i
        parts.append(_text(left - 6, y + 4, name, anchor="end"))
        parts.append(f'<path d="M{left},{y} H{width - 20}" stroke="#e5e7eb"/>')
    for event in shown:
        y, name = 24 + 22 * rows.index(str(event["actionType"])), str(event["actionType"])
        about = escape(f"{name} {event.get('scene') or ''} {dumps(event.get('args') or {})}")
        parts.append(f'<circle cx="{x(event["ts"])}" cy="{y}" r="4.5" fill="{colours[name]}"><title>{about}</title></circle>')
    return parts


def _match(match: Mapping[str, Any], labels: Dict[str, Json], x: Any, place: Tuple[int, int], colours: Dict[str, str]) -> List[str]:
    left, y = place[0], place[1] + 8
    bound = [(stage, labels[_key(id)]) for stage, ids in match["bindings"].items() for id in ids if _key(id) in labels]
    begin = min([*(event["ts"] for _, event in bound), match["at"]])
    about = escape(dumps(match["values"]))
    parts = [
        _text(left - 6, y + 4, str(match["task"]), anchor="end"),
        f'<path d="M{x(begin)},{y} H{x(match["at"])}" stroke="{_INK}" stroke-width="2"><title>{about}</title></path>',
        f'<path d="M{x(match["at"])},{y - 6} V{y + 6}" stroke="{_INK}" stroke-width="2"/>',
    ]
    last = float("-inf")
    for stage, event in bound:
        colour = colours[str(event["actionType"])]
        parts.append(f'<circle cx="{x(event["ts"])}" cy="{y}" r="5" fill="{_PAPER}" stroke="{colour}" stroke-width="2"/>')
        if x(event["ts"]) - last > 6 * len(stage) + 6:
            parts.append(_text(x(event["ts"]), y - 9, stage, _SOFT, size=10))
            last = x(event["ts"])
    return parts


def _clock(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{ms} ms"


def _text(x: float, y: float, text: str, colour: str = _INK, *, anchor: str = "middle", size: int = 12) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">{escape(text)}</text>'


def _svg(width: float, height: float, parts: List[str]) -> Svg:
    tip = f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{_LINE}"/></marker></defs>'
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    paper = f'<rect width="100%" height="100%" fill="{_PAPER}"/>'
    return Svg(f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{_FONT}">{tip}{paper}{"".join(parts)}</svg>')
