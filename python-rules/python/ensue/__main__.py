"""`python -m ensue`: run recorded events through tasks and their scripts; compile scripts to rules."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, Iterator, List, Optional, TextIO

from . import _ensue
from ._json import documents, milliseconds
from .compiling import compile_script, compile_tasks
from .engine import batches, given_rule, items
from .errors import EnsueError
from .scripts import Scripts

_FARTHEST = 8_640_000_000_000_000


def main(arguments: Optional[List[str]] = None) -> int:
    """Exit code 0: done; 1: something was refused (the rest ran); 2: arguments or files that cannot be read."""
    given = _parser().parse_args(arguments)
    # What scripts print is not among what this prints.
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        return int(given.do(given, out))
    except EnsueError as error:
        print(error, file=sys.stderr)
        return 2 if error.code in ("unusable_path", "in_use", "newer_schema", "store") else 1
    except (OSError, UnicodeDecodeError) as error:
        print(f"ensue: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0
    finally:
        sys.stdout = out


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ensue", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run recorded events (JSON lines) through tasks, rules and scripts")
    run.add_argument("--tasks", metavar="T.json", help="task documents")
    run.add_argument("--rule", metavar="R.txt", help="a rule; beside --tasks it serves the tasks without a rule")
    run.add_argument("--scripts", metavar="DIR", help="the folder of the scripts that tasks name")
    run.add_argument("--events", metavar="E.jsonl", required=True, help="one event a line; - is standard input")
    run.add_argument("--db", metavar="F", default=":memory:", help="the store; a run goes on where an earlier one ended")
    run.add_argument("--json", action="store_true", help="one object a line")
    run.add_argument("--drain", action="store_true", help="after the last event move time to the last timer")
    run.add_argument("--now", metavar="MS", type=_time, help="after the last event move time to this")
    run.add_argument("--lateness", metavar="MS", type=_span, default=0, help="how late an event may come")
    run.add_argument("--session-gap", metavar="MS", type=_span, default=30 * 60_000, help="a longer pause begins a session")
    run.add_argument("--budget", metavar="SPAN", default="1 S", help="how long a script may take for an event, as `500 MS`")
    run.set_defaults(do=_run)
    compiled = commands.add_parser("compile", help="print the rule of a script that only builds a pattern")
    compiled.add_argument("script", nargs="?", metavar="SCRIPT.py", help="the script")
    compiled.add_argument("--tasks", metavar="T.json", help="put the rules of the scripts it names beside them, in this document")
    compiled.add_argument("--scripts", metavar="DIR", help="the folder of these scripts")
    compiled.add_argument("--to", choices=("text", "json"), default="text", help="the text of the rule, or its compiled form")
    compiled.add_argument("-o", "--output", metavar="F", help="write to this file")
    compiled.set_defaults(do=_compile)
    return parser


def _run(given: argparse.Namespace, out: TextIO) -> int:
    if given.tasks is None and given.rule is None:
        print("ensue: run takes --tasks or --rule", file=sys.stderr)
        return 2
    scripts = None if given.scripts is None else Scripts(given.scripts, budget=given.budget)
    tasks = None if given.tasks is None else documents(_path(given.tasks))
    rule = None if given.rule is None else given_rule(_path(given.rule))
    events = _stdin() if given.events == "-" else batches(_path(given.events))
    replay = _ensue.Replay(
        given.db,
        lateness_ms=given.lateness,
        session_gap_ms=given.session_gap,
        scripts=scripts,
        form="json" if given.json else "text",
    )
    for line in items(replay, tasks, rule, events, given.drain, given.now):
        print(line, file=out)
    return int(replay.refused)


def _compile(given: argparse.Namespace, out: TextIO) -> int:
    if (given.script is None) == (given.tasks is None) or (given.tasks is None) != (given.scripts is None):
        print("ensue: compile takes a script, or --tasks with --scripts", file=sys.stderr)
        return 2
    if given.tasks is not None:
        made = json.dumps(compile_tasks(_path(given.tasks), given.scripts), ensure_ascii=False, indent=2) + "\n"
    else:
        script = compile_script(_path(given.script))
        made = script.text if given.to == "text" else json.dumps(script.rule, ensure_ascii=False) + "\n"
    if given.output is None:
        out.write(made)
    else:
        with open(given.output, "w", encoding="utf-8") as file:
            file.write(made)
    return 0


def _path(name: str) -> "os.PathLike[str]":
    """A name is that of a file here, whatever it looks like."""
    from pathlib import Path

    return Path(name)


def _stdin() -> Iterator[List[bytes]]:
    for line in sys.stdin.buffer:
        yield [line]


def _time(text: str) -> int:
    ms = int(text)
    if abs(ms) > _FARTHEST:
        raise ValueError
    return ms


def _span(text: str) -> int:
    ms = milliseconds(int(text))
    if ms < 0:
        raise ValueError
    return ms


if __name__ == "__main__":
    sys.exit(main())
