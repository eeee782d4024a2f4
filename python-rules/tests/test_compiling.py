"""Scripts as rules: what compiles means the same, and what does not is refused at its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest

import ensue
from ensue import EnsueError, ScriptError
from ensue.testing import run_script

HEAD = "from ensue import KVCondition, Pattern, any_of, count, e, last, this\n"
PATTERN = HEAD + (
    "least: int = 2\n"
    "pattern = (Pattern('v').where(KVCondition('actionType', 'pv')).times_or_more(least)"
    ".followed_by('l').where(lambda l: l.actionType == 'leave').returns(views=count(e('v'))))\n"
)
WHERE = "WHERE v.actionType = 'pv'\n  AND l.actionType = 'leave'"
EVENTS: List[Any] = [
    {"ts": 1, "actionType": "pv", "scene": "a", "args": {"price": 3, "item": "x"}},
    {"ts": 2, "actionType": "pv", "scene": "b", "args": {"price": 5, "item": "y"}},
    {"ts": 9, "actionType": "leave"},
    {"ts": 10, "actionType": "pv"},
    {"ts": 11, "actionType": "leave"},
]


def compiled(source: str) -> ensue.CompiledScript:
    return ensue.compile_script("scripts/s.py", source=source)


@pytest.mark.parametrize(
    ("run", "returns"),
    [
        ("    return ctx.match(pattern)", "COUNT(v) AS views"),
        ("    '''Doc.'''\n    found = ctx.match(pattern)\n    return found", "COUNT(v) AS views"),
        ("    return [m for m in ctx.match(pattern)]", "COUNT(v) AS views"),
        ("    return [m.returns(n=len(m['v'])) for m in ctx.match(pattern)]", "COUNT(v) AS views, COUNT(v) AS n"),
        ("    return [m.returns(views=1) for m in ctx.match(pattern)]", "1 AS views"),
        ("    return [m.returns(x=m['v'][-1].args.item, y=m['v'][0].args['price']) for m in ctx.match(pattern)]",
         "COUNT(v) AS views, LAST(v.args.item) AS x, FIRST(v.args.price) AS y"),
        ("    return [m.returns(x=m['v'][0].scene, y=m['v'][-1]['args.price'], z=m['v'][0].args.get('no')) for m in ctx.match(pattern)]",
         "COUNT(v) AS views, FIRST(v.scene) AS x, LAST(v.args.price) AS y, FIRST(v.args.`no`) AS z"),
        ("    scale = 2.5\n    return [m.returns(x=sum(v.args.price for v in m['v']) * scale, ms=m['l'][0].ts - m['v'][0].ts)"
         " for m in ctx.match(pattern)]",
         "COUNT(v) AS views, SUM(v.args.price) * 2.5 AS x, FIRST(l.ts) - FIRST(v.ts) AS ms"),
        ("    return [m.returns(x=-min(v.args.price for v in m['v']), y=m.values['views'] + 1) for m in ctx.match(pattern)]",
         "COUNT(v) AS views, -MIN(v.args.price) AS x, COUNT(v) + 1 AS y"),
    ],
)  # fmt: skip
def test_what_builds_a_pattern_is_a_rule(run: str, returns: str) -> None:
    source = f"{PATTERN}\ndef run(ctx):\n{run}\n"
    script = compiled(source)
    expected = ensue.format(ensue.compile(f"EVENT: v{{2,}} -> l {WHERE} RETURN {returns.replace('`no`', 'no')}"))
    assert script.text == expected
    # The script and its rule find the same.
    by_script = run_script(source, EVENTS, trigger="leave", rule=script)
    by_rule = [o for o in ensue.run({"actionTypeIn": ["leave"], "taskArray": [{"id": "t", "rule": script}]}, EVENTS)]
    assert by_script.values == [o["values"] for o in by_rule if o["kind"] == "match"]
    assert len(by_script.values) == 1


def test_a_text_is_a_rule_too() -> None:
    script = compiled("RULE = 'EVENT: a -> b WITHIN 1 H'\ndef run(context):\n    return context.match(RULE)")
    assert (script.name, script.text) == ("s", "EVENT: a -> b\nWITHIN 1 H\nAFTER MATCH CONSUME\n")
    assert repr(script) == "<CompiledScript s: EVENT: a -> b WITHIN 1 H AFTER MATCH CONSUME>"
    assert "<svg" in script._repr_html_()


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        (HEAD + "import random\n", 2, "`random` is nothing that a rule can have"),
        (HEAD + "from os import path\n", 2, "`os` is nothing"),
        (HEAD + "x = open('f')\n", 2, "`open` is neither of this script nor of Ensue"),
        (HEAD + "def helper():\n    pass\n", 2, "another function does more"),
        (HEAD + "for x in range(3):\n    pass\n", 2, "`for` does more"),
        (HEAD + "x = y = 1\n", 2, "an assignment to more than a name"),
        (HEAD, 1, "there is no function `run`"),
        ("def run(ctx:\n", 1, "never closed"),
        ("def run(a, b): return None", 1, "`run` takes the context, and nothing else"),
        ("def run(ctx):\n    return None", 2, "only what `ctx.match` gave"),
        ("def run(ctx):\n    pass", 2, "`pass` does more"),
        ("def run(ctx):\n    x = 1", 1, "`run` returns nothing"),
        ("def run(ctx):\n    if ctx.user:\n        return None", 2, "`if` does more"),
        ("def run(ctx):\n    n = len(ctx.history)\n    return ctx.match('EVENT: a')", 2, "of `ctx` only one `ctx.match(pattern)`"),
        ("def run(ctx):\n    a = ctx.match('EVENT: a')\n    b = ctx.match('EVENT: b')\n    return a", 3, "one `ctx.match` is a rule, two are not"),
        ("def run(ctx):\n    return [m for m in ctx.match('EVENT: a') if m.values]", 2, "a condition on what is returned"),
        ("def run(ctx):\n    return [{'n': 1} for m in ctx.match('EVENT: a')]", 2, "only a match, with values added"),
        ("def run(ctx):\n    return [m.returns(n=m['a'][1].ts) for m in ctx.match('EVENT: a+')]", 2, "cannot be a value of a rule"),
        ("def run(ctx):\n    return [m.returns(n=len([1])) for m in ctx.match('EVENT: a') for n in [1]]", 2, "only `for m in ctx.match"),
        ("def run(ctx):\n    return ctx.match('EVENT: a ->')", 2, "E0105"),
        ("def run(ctx):\n    return ctx.match(7)", 2, ""),
        ("x = 1 / 0\ndef run(ctx):\n    return ctx.match('EVENT: a')", 1, "ZeroDivisionError"),
        ("def run(ctx):\n    return [m.returns(n=len(m['b'])) for m in ctx.match('EVENT: a')]", 2, "`b`"),
    ],
)  # fmt: skip
def test_what_does_more_is_refused_at_its_line(source: str, line: int, says: str) -> None:
    with pytest.raises(ScriptError) as refused:
        compiled(source)
    assert (refused.value.code, refused.value.line) == ("script", line), refused.value
    assert says in str(refused.value), str(refused.value)
    assert f"scripts/s.py:{line}:" in str(refused.value)


def test_a_refusal_is_drawn() -> None:
    with pytest.raises(ScriptError) as refused:
        compiled("def run(ctx):\n    return [{'n': 1} for m in ctx.match('EVENT: a')]")
    assert str(refused.value) == (
        "error: only a match, with values added, can be compiled\n"
        " --> scripts/s.py:2:13\n"
        "  |\n"
        "2 |     return [{'n': 1} for m in ctx.match('EVENT: a')]\n"
        "  |             ^\n"
        "  = hint: a dict binds no events; return m.returns(name=value)"
    )


def test_documents_get_the_rules_of_their_scripts(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def run(ctx): return ctx.match('EVENT: a WITHIN 1 H')")
    (tmp_path / "b.py").write_text("def run(ctx): return True")

    def task(name: str, **more: str) -> Any:
        return {"taskType": "py_backtrace", "pythonName": name, **more}

    document = {"actionTypeIn": ["x"], "taskArray": [task("a"), task("a", rule="EVENT: mine"), {"rule": "EVENT: t"}]}
    made = ensue.compile_tasks([document], tmp_path)
    assert [t["rule"] for t in made[0]["taskArray"]] == ["EVENT: a\nWITHIN 1 H\nAFTER MATCH CONSUME\n", "EVENT: mine", "EVENT: t"]
    for name, line in [("b", 1), ("no", None)]:
        with pytest.raises(EnsueError) as refused:
            ensue.compile_tasks({"taskArray": [task(name)]}, tmp_path)
        assert refused.value.line == line
