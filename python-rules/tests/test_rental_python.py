"""The published configuration with its script finds what its rule in text finds."""

from __future__ import annotations

import json

import ensue
from ensue.__main__ import main
from ensue.testing import run_script
from support import RENTAL, REPOSITORY, Json, lines

HERE = REPOSITORY / "examples" / "rental-python"
SCRIPTS = HERE / "scripts"
TASK = "test_cep_rent_rule2"


def told(objects: list[Json]) -> list[Json]:
    """The matches, without their ids: these name the rule, or the script, too."""
    found = [o for o in objects if o["kind"] == "match" and o["task"] == TASK]
    return [{key: value for key, value in o.items() if key != "id"} for o in found]


EXPECTED = told(lines(RENTAL / "expected.jsonl"))


def test_the_configuration_is_the_published_one() -> None:
    published = json.loads((RENTAL / "tasks.json").read_text(encoding="utf-8"))[0]
    del published["taskArray"][0]["rule"]
    assert json.loads((HERE / "tasks.json").read_text(encoding="utf-8")) == published


def test_the_script_finds_what_the_rule_finds() -> None:
    found = list(ensue.run(HERE / "tasks.json", RENTAL / "events.jsonl", scripts=SCRIPTS))
    assert (found[0]["task"], found[0]["status"], found[0]["warnings"]) == (TASK, "added", [])
    assert len(EXPECTED) > 20
    assert told(found) == EXPECTED


def test_compiled_it_is_the_rule() -> None:
    rule = json.loads((RENTAL / "tasks.json").read_text(encoding="utf-8"))[0]["taskArray"][0]["rule"]
    compiled = ensue.compile_script(SCRIPTS / f"{TASK}.py")
    assert compiled.rule == ensue.compile(rule)
    both = ensue.compile_tasks(HERE / "tasks.json", SCRIPTS)
    assert both["taskArray"][0]["rule"] == compiled.text
    # One document for phones with and without Python.
    assert told(list(ensue.run(both, RENTAL / "events.jsonl"))) == EXPECTED
    assert told(list(ensue.run(both, RENTAL / "events.jsonl", scripts=SCRIPTS))) == EXPECTED


def test_the_script_under_test() -> None:
    ran = run_script(SCRIPTS / f"{TASK}.py", RENTAL / "events.jsonl", trigger="leave", scene="nowhere")
    assert ran.matches == []


def test_the_command_line_prints_what_the_other_prints(capfd) -> None:  # type: ignore[no-untyped-def]
    both = ["--tasks", str(HERE / "tasks.json"), "--scripts", str(SCRIPTS), "--events", str(RENTAL / "events.jsonl")]
    assert main(["run", "--json", *both]) == 0
    out = capfd.readouterr().out.splitlines()
    assert told([json.loads(line) for line in out]) == EXPECTED
    assert out[1].startswith('{"kind":"match","id":"')
    assert main(["run", *both]) == 0
    text = capfd.readouterr().out.splitlines()
    assert text[0] == f"default: {TASK} added"
    assert text[1] == f"2024-03-04T01:02:30.822Z u1 {TASK}: match e1=e3 e2=e6"
    assert f"{len(EXPECTED)} matches, 0 timeouts" in text[-1]
