"""Rule scripts: found by name, imported, called, and ended where they take too long.

A script is one file of Python with a function `run(ctx)`. This contains mistakes (a loop that does not end, an exception, a
missing file), not malice: a script can do what Python can do, so take scripts only from where you would take code.
"""

from __future__ import annotations

import ctypes
import linecache
import os
import threading
import time
import types
from typing import Any, Callable, Dict, Mapping, Optional, Tuple, Union

from . import _ensue
from ._json import Duration, milliseconds
from .types import ScriptStats

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["Scripts", "TimeBudgetExceeded"]

Source = Union[str, "os.PathLike[str]", Mapping[str, str]]
Run = Callable[[Any], object]


class TimeBudgetExceeded(BaseException):
    """Raised inside a script that has run longer than it may. Not an Exception, so that `except Exception` lets it through."""


class _Loaded:
    """A source that was imported, or why it was not."""

    __slots__ = ("file", "hash", "run", "why")

    def __init__(self, file: str, hash: str, run: Optional[Run], why: str) -> None:
        self.file = file
        self.hash = hash
        self.run = run
        self.why = why


class Scripts:
    """The scripts that tasks may name: the `.py` files of a folder, or sources by name.

    A file is read when a task that names it is applied, so that a changed one is a new version of its task.

    budget: how long a call may take, its import too; what takes longer is ended.
    """

    def __init__(self, source: Source, *, budget: Duration = "1 S") -> None:
        self._folder = None if isinstance(source, Mapping) else os.fspath(source)
        self._sources: Mapping[str, str] = source if isinstance(source, Mapping) else {}
        if self._folder is not None and not os.path.isdir(self._folder):
            raise NotADirectoryError(f"{self._folder} is no folder of scripts")
        self._budget_ms = milliseconds(budget)
        self._watch = _ensue.Watch(self._budget_ms, _interrupt)
        self._lock = threading.RLock()
        self._loaded: Dict[Tuple[str, str], _Loaded] = {}
        self._stats: Dict[str, ScriptStats] = {}
        self._peak = _peak()

    @property
    def stats(self) -> Dict[str, ScriptStats]:
        """Of each script that was called: how often, how often it failed, how long it took, and by how much the memory of the
        process reached a new peak meanwhile."""
        with self._lock:
            return {name: ScriptStats(**stats) for name, stats in self._stats.items()}

    # What the engine asks.

    def _find(self, name: str) -> Tuple[str, str]:
        """`missing`, `broken` with the reason, or `sound` with the hash of the source."""
        source = self._read(name)
        if source is None:
            return "missing", ""
        if isinstance(source, OSError):
            return "broken", str(source)
        loaded = self._load(name, *source)
        return ("broken", loaded.why) if loaded.run is None else ("sound", loaded.hash)

    def _function(self, name: str, hash: str) -> Tuple[Optional[Run], str]:
        """The function of a script with this hash, or why there is none."""
        loaded = self._loaded.get((name, hash))
        if loaded is None:
            # After a restart a task runs before anybody applies it.
            source = self._read(name)
            if source is None or isinstance(source, OSError):
                return None, f"no script is called `{name}` any more"
            loaded = self._load(name, *source)
            if loaded.hash != hash:
                return None, f"the script `{name}` has changed since its task was applied: apply the task again"
        return loaded.run, loaded.why

    def _begin(self) -> Tuple[int, int, int]:
        return self._watch.begin(threading.get_ident()), time.perf_counter_ns(), self._peak

    def _ended(self, name: str, begun: Tuple[int, int, int], failed: bool) -> None:
        took = time.perf_counter_ns() - begun[1]
        peak = _peak()
        stats = self._stats.get(name)
        if stats is None:
            with self._lock:
                stats = self._stats.setdefault(name, ScriptStats(calls=0, failures=0, seconds=0.0, peak_growth=0))
        stats["calls"] += 1
        stats["failures"] += failed
        stats["seconds"] += took / 1e9
        if peak > self._peak:
            stats["peak_growth"] = max(stats["peak_growth"], peak - self._peak)
            self._peak = peak

    def _told(self, name: str, error: BaseException, interrupted: bool) -> str:
        """What is told of an exception: its traceback, from the script's own frames on."""
        return self._story(error, self._file(name), interrupted)

    # How sources become functions.

    def _file(self, name: str) -> str:
        return f"<script {name}>" if self._folder is None else os.path.join(self._folder, f"{name}.py")

    def _read(self, name: str) -> Union[Tuple[str, str], None, OSError]:
        """The file and the source; None: there is none."""
        file = self._file(name)
        if self._folder is None:
            return (file, self._sources[name]) if name in self._sources else None
        # A name is a file of the folder, and of no other.
        if os.path.basename(name) != name or name.startswith("."):
            return None
        try:
            with open(file, encoding="utf-8-sig") as opened:
                return file, opened.read()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            return error if isinstance(error, OSError) else OSError(f"{file} is not UTF-8")

    def _load(self, name: str, file: str, source: str) -> _Loaded:
        import hashlib  # here, as `inspect` and `traceback` below: whoever runs no script need not wait for them

        hash = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
        with self._lock:
            known = self._loaded.get((name, hash))
            if known is None:
                known = self._import(name, file, source, hash)
                self._loaded[name, hash] = known
            return known

    def _import(self, name: str, file: str, source: str, hash: str) -> _Loaded:
        # For tracebacks: also a source that is in no file has lines.
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        module = types.ModuleType(name)
        module.__file__ = file
        begun, late = self._watch.begin(threading.get_ident()), False
        try:
            try:
                exec(compile(source, file, "exec", dont_inherit=True), module.__dict__)
            finally:
                late = self._watch.end(begun)
        except BaseException as error:
            return _Loaded(file, hash, None, self._why(error, file, late))
        run = getattr(module, "run", None)
        why = _unfit(run)
        return _Loaded(file, hash, None if why else run, why)

    def _why(self, error: BaseException, file: str, late: bool) -> str:
        """An error of an import in one line, with its own line."""
        if late:
            return f"its import takes longer than {self._budget_ms} ms"
        line = error.lineno if isinstance(error, SyntaxError) and error.filename == file else _line_in(error, file)
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        place = "" if line is None else f"line {line}: "
        return f"{place}{type(error).__name__}: {what}".rstrip(": ")

    def _story(self, error: BaseException, file: str, interrupted: bool) -> str:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != file:
            trace = trace.tb_next
        import traceback

        told = "".join(traceback.format_exception(type(error), error, trace or error.__traceback__)).rstrip()
        if interrupted and isinstance(error, TimeBudgetExceeded):
            return f"it took longer than {self._budget_ms} ms and was ended\n{told}"
        return told


def _unfit(run: Any) -> str:
    """Why this is not the function of a script."""
    if run is None:
        return "it has no function `run`"
    if not callable(run):
        return f"`run` is no function but {type(run).__name__}"
    try:
        import inspect

        inspect.signature(run).bind(None)
    except TypeError:
        line = getattr(getattr(run, "__code__", None), "co_firstlineno", None)
        place = "" if line is None else f"line {line}: "
        return f"{place}`run` does not take one argument, the context"
    except ValueError:
        pass  # It does not say what it takes.
    return ""


def _line_in(error: BaseException, file: str) -> Optional[int]:
    """The last line of a file that an error came by."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    return lines[-1] if lines else None


def _interrupt(thread: int, take_back: bool) -> None:
    """Raises TimeBudgetExceeded in a thread, at its next step; or takes back one that has not come yet."""
    exception = None if take_back else ctypes.py_object(TimeBudgetExceeded)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), exception)


def _peak() -> int:
    """The largest memory of this process so far, in bytes; 0 where that is not known."""
    if resource is None:
        return 0
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if os.uname().sysname == "Darwin" else used * 1024
