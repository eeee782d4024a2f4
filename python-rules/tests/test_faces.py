"""The conformance cases that every face runs out of one file: tests/cases/faces.jsonl."""

from __future__ import annotations

from typing import Any, Dict, List, Set, Tuple

import pytest

import ensue
from support import REPOSITORY, lines

Json = Dict[str, Any]
Found = Set[Tuple[Tuple[str, Tuple[int, ...]], ...]]

CASES = lines(REPOSITORY / "tests" / "cases" / "faces.jsonl")


def bound(matches: List[Json]) -> Found:
    """Stages with the events bound to them, in no order."""
    return {tuple(sorted((name, tuple(ids)) for name, ids in match.items() if ids)) for match in matches}


def test_there_are_many() -> None:
    assert len(CASES) > 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_case_gives_its_answer(case: Json) -> None:
    found = list(ensue.run(case["tasks"], case["events"], now=case["now"]))
    assert found[0].get("status") == "added", found[0]
    assert bound([o["bindings"] for o in found if o["kind"] == "match"]) == bound(case["matches"])
    if case["timeouts"] is not None:
        assert bound([o["bindings"] for o in found if o["kind"] == "timeout"]) == bound(case["timeouts"])
