"""`ensue.testing`, and the pictures of notebooks."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, List

import pytest

import ensue
from ensue import Context, Pattern
from ensue.testing import ScriptFailed, run_script
from support import RENTAL, lines

EVENTS: List[Any] = [
    {"ts": 1, "actionType": "pv", "args": {"x": "<&>"}},
    {"ts": 2, "actionType": "leave", "scene": "home"},
    {"ts": 3, "actionType": "leave"},
]


def count_views(ctx: Context) -> object:
    return {"views": len(ctx.history["views"])}


def test_a_function_a_source_and_a_file(tmp_path: Path) -> None:
    source = "def run(ctx):\n    return {'views': len(ctx.history['views'])}\n"
    (tmp_path / "views.py").write_text(source)
    for script in (count_views, source, tmp_path / "views.py", str(tmp_path / "views.py")):
        ran = run_script(
            script,
            EVENTS,
            trigger="leave",
            scene=["home"],
            filter=[{"alias": "views", "actionType": "pv"}],
            output={"type": "touch", "touch": "hi"},
        )
        assert ran.values == [{"views": 1}]
        assert [d["touch"] for d in ran.decisions] == ["hi"]
        assert (ran.refusals, repr(ran)) == ([], "<Ran: 1 matches, 1 decisions, 0 refusals>")


def test_what_goes_wrong_fails_the_test(tmp_path: Path) -> None:
    with pytest.raises(ScriptFailed, match="at line 2 of the events:\n(.|\n)*KeyError"):
        run_script(count_views, EVENTS, trigger="leave")
    assert len(run_script(count_views, EVENTS, trigger="leave", failures=True).refusals) == 2
    with pytest.raises(ScriptFailed, match="line 1: SyntaxError"):
        run_script("def run(ctx:\n", EVENTS, trigger="leave")
    with pytest.raises(ScriptFailed, match="no script is called `no`"):
        run_script(tmp_path / "no.py", EVENTS, trigger="leave")
    with pytest.raises(ScriptFailed, match="does not take one argument"):
        run_script(lambda: None, EVENTS, trigger="leave")  # type: ignore[arg-type, misc]


def texts(svg: str) -> List[str]:
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_the_automaton_of_a_rule_is_a_picture(tmp_path: Path) -> None:
    svg = ensue.automaton("EVENT: v{3,} -> !s -> l WITHIN 1 H")
    shown = texts(svg)
    assert {"v#1", "v#2", "v#3", "l#1"} <= set(shown) and any("!s" in text for text in shown), shown
    assert svg._repr_svg_() == svg and repr(svg).startswith("<Svg of ")
    svg.save(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == svg
    for rule in ("EVENT: a", "EVENT: (a -> b){2} ->> c?", "EVENT: a | b -> c*", "EVENT: a & b & c", "EVENT: a -> !b WITHIN 1 H"):
        assert texts(ensue.automaton(rule))
    html = Pattern("a").followed_by("b")._repr_html_()
    assert html.startswith('<pre style="font-family:monospace">EVENT: a -&gt; b\nAFTER MATCH CONSUME\n</pre><svg')
    assert Pattern("a").followed_by("a")._repr_html_().startswith("<pre>error")


def test_matches_over_events_are_a_picture() -> None:
    found = list(ensue.run(rule="EVENT: a -> b WHERE a.actionType = 'pv' AND b.actionType = 'leave' WITHIN 1 H", events=EVENTS))
    shown = texts(ensue.timeline(EVENTS, found))
    assert {"pv", "leave", "rule", "a", "b"} <= set(shown), shown
    assert texts(ensue.timeline([], found)) == ["no events"]
    recorded = (RENTAL / "events.jsonl").read_bytes().splitlines()
    matches = lines(RENTAL / "expected.jsonl")
    one = texts(ensue.timeline(recorded, matches, user="u1"))
    assert one.count("test_cep_rent_rule2") == 13 and "hesitation" in one
    assert len(ensue.timeline(recorded, matches)) > len(ensue.timeline(recorded, matches, user="u1"))
