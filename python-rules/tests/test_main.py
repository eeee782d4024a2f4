"""`python -m ensue`."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, List

import pytest

import ensue
from ensue.__main__ import main

SCRIPT = "def run(ctx):\n    print('debug')\n    return {'n': len(ctx.history)}\n"
TASKS = {"actionTypeIn": ["leave"], "taskArray": [{"taskType": "py_backtrace", "pythonName": "s"}]}
EVENTS = [{"ts": 1, "actionType": "pv"}, {"ts": 2, "actionType": "leave"}]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "s.py").write_text(SCRIPT)
    (tmp_path / "tasks.json").write_text(json.dumps(TASKS))
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    return tmp_path


RUN = ["run", "--tasks", "tasks.json", "--scripts", "scripts", "--events"]


def test_run_prints_objects_or_text(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "events.jsonl", "--json"]) == 0
    out, err = capsys.readouterr()
    found = [json.loads(line) for line in out.splitlines()]
    expected = list(ensue.run(TASKS, "events.jsonl", scripts="scripts"))
    without = [{k: v for k, v in o.items() if k != "seconds"} for o in found]
    assert without == [{k: v for k, v in o.items() if k != "seconds"} for o in expected]
    # What a script prints is for a person.
    assert err.splitlines()[0] == "debug"
    capsys.readouterr()
    assert main([*RUN, "events.jsonl"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[:2] == ["default: s added", "1970-01-01T00:00:00.002Z - s: match | n=2"]


def test_events_from_standard_input(files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((files / "events.jsonl").read_bytes())))
    assert main([*RUN, "-", "--json", "--drain", "--now", "5", "--db", "store.db"]) == 0
    assert [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()] == ["report", "match", "summary"]


def test_exit_codes(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def code(*arguments: str) -> int:
        try:
            return main(list(arguments))
        except SystemExit as error:
            assert isinstance(error.code, int)
            return error.code

    wrong: List[List[str]] = [
        [*RUN, "no-such-file"],
        ["run", "--events", "events.jsonl"],
        ["run", "--tasks", "no-such-file", "--events", "events.jsonl"],
        [*RUN, "events.jsonl", "--lateness", "-1"],
        [*RUN, "events.jsonl", "--now", "9999999999999999"],
        [*RUN, "events.jsonl", "--scripts", "events.jsonl"],
        [*RUN, "events.jsonl", "--db", "no/such/folder.db"],
        ["compile"],
        ["compile", "--tasks", "tasks.json"],
        ["compile", "no-such-file.py"],
        [],
    ]
    for arguments in wrong:
        assert code(*arguments) == 2, arguments
        assert capsys.readouterr().err, arguments
    (files / "scripts" / "s.py").unlink()
    assert code(*RUN, "events.jsonl") == 1
    assert "no script is called `s`" in capsys.readouterr().out


def test_compile(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "scripts/s.py"]) == 1
    assert "scripts/s.py:2:5" in capsys.readouterr().err
    (files / "scripts" / "s.py").write_text("def run(ctx): return ctx.match('EVENT: a WITHIN 1 H')")
    assert main(["compile", "scripts/s.py"]) == 0
    assert capsys.readouterr().out == "EVENT: a\nWITHIN 1 H\nAFTER MATCH CONSUME\n"
    assert main(["compile", "--to", "json", "scripts/s.py"]) == 0
    assert json.loads(capsys.readouterr().out) == ensue.compile("EVENT: a WITHIN 1 H")
    assert main(["compile", "--tasks", "tasks.json", "--scripts", "scripts", "-o", "both.json"]) == 0
    task: Any = json.loads((files / "both.json").read_text())["taskArray"][0]
    assert (task["pythonName"], task["rule"]) == ("s", "EVENT: a\nWITHIN 1 H\nAFTER MATCH CONSUME\n")


def test_as_a_module(files: Path) -> None:
    ended = subprocess.run([sys.executable, "-m", "ensue", *RUN, "events.jsonl"], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout.splitlines()[0]) == (0, "default: s added")
