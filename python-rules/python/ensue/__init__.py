"""Ensue: complex event processing on the device. Write rules, try them on recorded sessions, take decisions."""

from collections.abc import Mapping as _Mapping

from ._ensue import Args, Context, Event, History, Match, Recorded
from .after_match import AfterMatch
from .compiling import CompiledScript, compile_script, compile_tasks
from .conditions import KVCondition
from .drawing import Svg, automaton, timeline
from .engine import Answer, Engine, run
from .errors import EngineError, EnsueError, InternalError, RuleError, ScriptError, TaskError
from .expr import e, this
from .functions import (
    abs_,
    avg,
    coalesce,
    count,
    first,
    hour,
    last,
    length,
    lower,
    max_,
    min_,
    prev,
    prior,
    running,
    substr,
    sum_,
    trends,
    url_host,
    url_param,
    url_path,
    weekday,
)
from .pattern import Pattern, any_of, any_order, begin, group
from .rules import check, check_tasks, compile, format
from .scripts import Scripts, TimeBudgetExceeded
from .types import Applied, Decision, Diagnostic

_Mapping.register(Args)

__all__ = [
    "AfterMatch",
    "Answer",
    "Applied",
    "Args",
    "CompiledScript",
    "Context",
    "Decision",
    "Diagnostic",
    "Engine",
    "EngineError",
    "EnsueError",
    "Event",
    "History",
    "InternalError",
    "KVCondition",
    "Match",
    "Pattern",
    "Recorded",
    "RuleError",
    "ScriptError",
    "Scripts",
    "Svg",
    "TaskError",
    "TimeBudgetExceeded",
    "abs_",
    "any_of",
    "any_order",
    "automaton",
    "avg",
    "begin",
    "check",
    "check_tasks",
    "coalesce",
    "compile",
    "compile_script",
    "compile_tasks",
    "count",
    "e",
    "first",
    "format",
    "group",
    "hour",
    "last",
    "length",
    "lower",
    "max_",
    "min_",
    "prev",
    "prior",
    "run",
    "running",
    "substr",
    "sum_",
    "this",
    "timeline",
    "trends",
    "url_host",
    "url_param",
    "url_path",
    "weekday",
]
