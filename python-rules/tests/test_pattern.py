"""The pattern API says what rule text says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Iterator, List, Set

import pytest

import ensue
from ensue import KVCondition, Pattern, RuleError, any_order, e, sum_, this
from table import TABLE

CANONICAL = Path(__file__).parents[2] / "dsl" / "tests" / "canonical.txt"
LANGUAGE = (Path(__file__).parents[2] / "docs" / "dsl.md").read_text(encoding="utf-8")
WORD = re.compile(r"'(?:[^']|'')*'|`(?:[^`]|``)*`|[^\W\d]\w*|->>|[-=]>|[=!<>]=|<>|\S")


@pytest.mark.parametrize(("text", "pattern"), TABLE, ids=[text for text, _ in TABLE])
def test_a_pattern_is_its_text(text: str, pattern: Pattern) -> None:
    rule = ensue.compile(text)
    assert pattern.to_rule() == rule
    assert ensue.compile(pattern.to_text()) == rule
    assert pattern.to_text() == ensue.format(rule)
    assert pattern.to_rule("flink") == ensue.compile(text, "flink") or text.endswith("AFTER MATCH NO SKIP")


def canonical() -> Iterator[str]:
    cases = CANONICAL.read_text(encoding="utf-8").removeprefix("=== ").split("\n=== ")
    for case in cases:
        yield case.split("\n", 1)[1].split("\n---\n")[0]


def constructs(value: Any) -> Set[str]:
    """The words of a compiled rule: its keys, and the values that are words of the format too."""
    if isinstance(value, list):
        return set().union(*map(constructs, value))
    if not isinstance(value, dict):
        return set()
    words = {"arrow", "inner", "func", "scope", "kind", "after_match"}
    said = {f"{key} {inside}" for key, inside in value.items() if key in words and isinstance(inside, str)}
    said |= {f"{key} {value[key][0]}" for key in ("unary", "binary") if key in value}
    return said.union(value, *map(constructs, value.values()))


def test_the_table_has_all_that_the_texts_of_the_language_say() -> None:
    texts = [ensue.compile(text) for text in canonical()]
    assert len(texts) > 20
    said = set().union(*map(constructs, texts))
    covered = set().union(*(constructs(pattern.to_rule()) for _, pattern in TABLE))
    assert said - covered == set()


def examples() -> Iterator[str]:
    """The rules of the examples of docs/dsl.md."""
    for example in re.findall(r"```example\n(.*?)```", LANGUAGE, re.DOTALL):
        yield re.split(r"^(?:events|session gap):", example, flags=re.MULTILINE)[0]


def test_the_table_has_all_that_the_page_of_the_language_says() -> None:
    rules = [ensue.compile(text) for text in examples()]
    assert len(rules) >= 20
    said = set().union(*map(constructs, rules))
    covered = set().union(*(constructs(pattern.to_rule()) for _, pattern in TABLE))
    assert said - covered == set()


def words(text: str) -> List[str]:
    return [word.upper() for word in WORD.findall(text)]


def test_the_table_has_every_word_of_the_grammar() -> None:
    grammar = LANGUAGE.split("```grammar\n")[1].split("```")[0]
    terminals = {terminal.upper() for terminal in re.findall(r'"([^"]+)"', grammar)}
    assert len(terminals) > 90
    assert terminals - {word for text, _ in TABLE for word in words(text)} == set()


def test_every_compiled_rule_is_read_again() -> None:
    for text in canonical():
        rule = ensue.compile(text)
        assert ensue.compile(rule) == rule
        assert ensue.compile(ensue.format(rule)) == rule


def test_a_pattern_never_changes() -> None:
    a = Pattern("a")
    loop, other = a.one_or_more(), a.followed_by("b")
    assert a.to_rule() == ensue.compile("EVENT: a")
    assert loop.to_rule() == ensue.compile("EVENT: a+")
    assert other.where(KVCondition("scene", "x")).to_rule() != other.to_rule()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: Pattern("a").followed_by("a").to_rule(), "E0201"),
        (lambda: Pattern("scene").to_rule(), "E0202"),
        (lambda: Pattern("a").greedy(), "E0203"),
        (lambda: Pattern("a").consecutive(), "E0203"),
        (lambda: Pattern("a").optional().optional(), "E0204"),
        (lambda: Pattern("a").times(2).one_or_more(), "E0205"),
        (lambda: Pattern("a").times(0).to_rule(), "E0206"),
        (lambda: Pattern("a").times(3, 2).to_rule(), "E0207"),
        (lambda: Pattern("a").one_or_more().greedy().greedy(), "E0208"),
        (lambda: Pattern("a").not_followed_by("b").one_or_more(), "E0210"),
        (lambda: any_order(Pattern("a").followed_by("b"), "c"), "E0214"),
        (lambda: Pattern("a").followed_by("b", under=0).to_rule(), "E0303"),
        (lambda: Pattern("a").within("5 MIN 1 H"), "E0302"),
        (lambda: Pattern("a").where(e("q").args.x == 1).to_rule(), "E0401"),
        (lambda: Pattern("a").where(KVCondition("price", 1)), "E0402"),
        (lambda: Pattern("a").where(e("a").scene.x == 1), "E0402"),
        (lambda: Pattern("a").where(e("a").args.x == e("a")), "E0403"),
        (lambda: (Pattern("a") | Pattern("b")).where(KVCondition("scene", "x")), "E0404"),
        (lambda: Pattern("a").partition_by(e("a").args.x), "E0405"),
        (lambda: Pattern("a").returns(x=sum_(e("a"))), "E0407"),  # type: ignore[arg-type]
        (lambda: Pattern("a").where(sum_(e("a").args.x) > e("a").args.x).to_rule(), "E0410"),
        (lambda: ensue.compile({"format": 2, "pattern": {"first": {"stage": {"name": "a"}}}}), "E0512"),
    ],
)
def test_what_text_refuses_is_refused(make: Any, code: str) -> None:
    with pytest.raises(RuleError) as raised:
        make()
    assert raised.value.code == code, raised.value


def test_a_mistake_is_drawn_in_the_text_of_the_pattern() -> None:
    with pytest.raises(RuleError) as raised:
        Pattern("view").where(e("veiw").args.x == 1).to_rule()
    error = raised.value
    assert (error.line, error.column) == (2, 7)
    assert "^^^^" in str(error)
    assert error.hint is not None and "view" in error.hint


@pytest.mark.parametrize(
    "make",
    [
        lambda: bool(e("a").args.x == 1),
        lambda: Pattern("a").where(1 < e("a").args.x < 3),
        lambda: Pattern("a").where(e("a").args.x == 1 & e("a").args.y == 2),
        lambda: e("a").args.x & True,
        lambda: list(e("a").args.x),  # type: ignore[call-overload]
        lambda: e("a").args.x == object(),
        lambda: Pattern("a").where("scene = 'x'"),  # type: ignore[arg-type]
        lambda: Pattern("a").within(1.5),  # type: ignore[arg-type]
        lambda: Pattern(3),  # type: ignore[arg-type]
        lambda: Pattern("a").returns(),
        lambda: KVCondition("scene", "x") and 1,
    ],
)
def test_traps_of_python_are_type_errors(make: Any) -> None:
    with pytest.raises(TypeError):
        make()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**63])
def test_numbers_that_no_rule_has_are_value_errors(value: float) -> None:
    with pytest.raises(ValueError, match="NaN|outside"):
        e("a").args.x == value  # noqa: B015


def test_a_clause_inside_is_refused() -> None:
    with pytest.raises(RuleError, match="outermost"):
        Pattern("a").followed_by(Pattern("b").followed_by("c").within("1 MIN"))


def test_a_pattern_stands_in_a_task_document() -> None:
    pattern = Pattern("a").where(KVCondition("actionType", "pv"))
    tasks = {"taskArray": [{"id": "t", "taskType": "cep", "rule": pattern}]}
    found = list(ensue.run(tasks, [{"ts": 1, "actionType": "pv"}]))
    assert [o["kind"] for o in found] == ["report", "match", "summary"]


def test_deep_rules_are_refused_and_harm_nothing() -> None:
    x = e("a").args.x
    for _ in range(300):
        x = x + 1  # type: ignore[assignment]
    with pytest.raises(RuleError) as raised:
        Pattern("a").where(x > 0).to_rule()
    assert raised.value.code in ("E0106", "E0501")
    nested: Any = {"stage": {"name": "a"}}
    for _ in range(5_000):
        nested = [nested]
    with pytest.raises((RuleError, RecursionError)):
        ensue.compile({"format": 1, "pattern": nested, "after_match": "consume"})


def test_a_pattern_prints_its_text() -> None:
    assert repr(Pattern("a").followed_by("b")) == "<Pattern EVENT: a -> b AFTER MATCH CONSUME>"
    assert "refused" in repr(Pattern("a").followed_by("a"))
    assert repr(this) == "this"
    assert json.loads(json.dumps(Pattern("a").to_rule()))["format"] == 1
