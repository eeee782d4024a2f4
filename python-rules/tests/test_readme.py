"""What the README and the example say works."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from support import REPOSITORY

HERE = Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_of_the_readme_runs(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed
    if "coupon_popup" in block:
        assert printed == "coupon_popup {'views': 3}\n"


def test_the_first_steps_of_the_repository_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = REPOSITORY / "examples" / "first"
    (tmp_path / "tasks.json").write_bytes((first / "tasks.json").read_bytes())
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(first / "first.py"), run_name="__main__")
    assert capsys.readouterr().out == "coupon_popup {'item': 42}\n"


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(HERE / "examples" / "hesitation.py"), run_name="__main__")
    assert capsys.readouterr().out.endswith("coupon_popup {'views': 3, 'item': 2, 'mean': 2001.0}\n")
