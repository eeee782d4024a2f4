"""Every example of docs/python.md: its files are written, run, and print what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import List, Optional, Tuple

import pytest

from support import REPOSITORY

PAGE = (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python file=(\S+)\n(.*?)```\n(?:\n```text prints\n(.*?)```)?", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("docs")
    for name, text, _ in BLOCKS:
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(text, encoding="utf-8")
    return path


def run(folder: Path, *arguments: str) -> Tuple[int, str]:
    # Colours and widths of pytest are the terminal's.
    clean = {**os.environ, "PYTEST_ADDOPTS": ""}
    ended = subprocess.run([sys.executable, *arguments], cwd=folder, env=clean, capture_output=True, text=True, timeout=120)
    return ended.returncode, ended.stdout + ended.stderr


def test_every_block_is_one_that_is_looked_at() -> None:
    assert len(BLOCKS) == PAGE.count("```python") >= 8


@pytest.mark.parametrize(
    ("name", "prints"), [(name, prints) for name, _, prints in BLOCKS if "/" not in name and not name.startswith("test_")]
)
def test_an_example_prints_what_the_page_says(folder: Path, name: str, prints: Optional[str]) -> None:
    if "never closed" in (prints or "") and sys.version_info < (3, 10):
        pytest.skip("older Python says it in other words")
    code, printed = run(folder, name)
    # The trailing line of a text that ends in a new line.
    assert (code, printed) == (0, prints or ""), printed


def test_the_tests_on_the_page_pass(folder: Path) -> None:
    code, printed = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_rent.py")
    assert (code, "2 passed" in printed) == (0, True), printed


def test_the_command_lines_on_the_page_work(folder: Path) -> None:
    spaces: List[str] = re.findall(r"^python -m ensue (.*)$", PAGE, re.MULTILINE)
    assert len(spaces) == 3
    (folder / "tasks.json").write_text(
        '{"actionTypeIn": ["leave"], "taskArray": [{"taskType": "py_backtrace", "pythonName": "hesitation"}]}'
    )
    (folder / "events.jsonl").write_text('{"ts": 1, "actionType": "leave"}\n')
    for line in spaces:
        code, printed = run(folder, "-m", "ensue", *line.split())
        assert code == 0, printed
    assert "COUNT(v) AS views" in (folder / "both.json").read_text()


def test_the_scripts_on_the_page_are_typed(folder: Path) -> None:
    pytest.importorskip("mypy")
    code, printed = run(folder, "-m", "mypy", "--strict", "scripts/rent.py", "scripts/hesitation.py", "test_rent.py")
    assert code == 0, printed
