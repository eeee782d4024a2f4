"""Scripts that only build a pattern, as the rule that travels beside them to where no Python runs.

A script is read, not tried: its syntax tree must have nothing but constants, what Ensue gives, one `ctx.match` of a pattern, and
values of its matches. Trying it with a stand-in for `ctx` would see the one way that it takes that time; a branch on the
hour, a counter or a file would be compiled away. What passes is imported, so that the pattern is the one that Python
builds; values are translated, as `len(m["v"])` cannot be traced.
"""

from __future__ import annotations

import ast
import json
import os
from typing import Any, Dict, List, NoReturn, Optional, Set, Tuple, Union

from . import _ensue
from ._json import documents, dumps
from ._values import Values, called, is_attribute
from .errors import ScriptError
from .rules import compile as compile_text
from .scripts import Scripts, Source

__all__ = ["CompiledScript", "compile_script", "compile_tasks"]

Json = Dict[str, Any]

_MODULES = ("ensue", "typing", "collections.abc", "datetime", "__future__")
_BUILT_IN = {
    "None", "True", "False", "abs", "bool", "dict", "float", "int", "len", "list", "max", "min", "range", "set", "sorted", "str", "sum",
    "tuple", "zip", "enumerate",
}  # fmt: skip
_PURE = (
    ast.Constant, ast.Name, ast.Attribute, ast.Call, ast.keyword, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.List, ast.Tuple,
    ast.Dict, ast.Set, ast.Subscript, ast.Slice, ast.IfExp, ast.Lambda, ast.arguments, ast.arg, ast.ListComp, ast.GeneratorExp,
    ast.SetComp, ast.DictComp, ast.comprehension, ast.Starred, ast.JoinedStr, ast.FormattedValue, ast.expr_context, ast.operator,
    ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip


class CompiledScript:
    """The rule that a script is."""

    __slots__ = ("name", "rule")

    def __init__(self, name: str, rule: Json) -> None:
        self.name = name
        self.rule = rule

    @property
    def text(self) -> str:
        """The canonical text of the rule."""
        return _ensue.format_rule(dumps(self.rule))

    def to_rule(self) -> Json:
        """The compiled rule, as a task document takes it."""
        return self.rule

    def _repr_html_(self) -> str:
        """For notebooks: the text of the rule and its automaton."""
        from .drawing import rule_html

        return rule_html(self.rule)

    def __repr__(self) -> str:
        return f"<CompiledScript {self.name}: {' '.join(self.text.split())}>"


def compile_script(path: Union[str, os.PathLike[str]], *, source: Optional[str] = None) -> CompiledScript:
    """The rule of a script that only builds a pattern and values from it; `source` in place of what the file has.

    Raises ScriptError, which draws the line that does more.
    """
    file = os.fspath(path)
    if source is None:
        with open(file, encoding="utf-8-sig") as opened:
            source = opened.read()
    name = os.path.splitext(os.path.basename(file))[0]
    return CompiledScript(name, _Reader(file, source).rule())


def compile_tasks(tasks: object, scripts: Source) -> Any:
    """Task documents in which each task with a script has the rule of it beside. One that has a rule keeps it."""
    shelf = Scripts(scripts)
    loaded = json.loads(documents(tasks))
    for document in loaded if isinstance(loaded, list) else [loaded]:
        for task in document.get("taskArray", ()):
            name = task.get("pythonName")
            if not isinstance(name, str) or "rule" in task:
                continue
            read = shelf._read(name)
            if read is None:
                raise ScriptError("E0514", f"no script is called `{name}`")
            if isinstance(read, OSError):
                raise read
            task["rule"] = compile_script(read[0], source=read[1]).text
    return loaded


class _Reader:
    """One script."""

    def __init__(self, file: str, source: str) -> None:
        self.file = file
        self.source = source
        self.names: Set[str] = set(_BUILT_IN)
        self.context = ""
        self.space: Json = {}

    def rule(self) -> Json:
        try:
            tree = ast.parse(self.source, self.file)
        except SyntaxError as error:
            raise self.error(error.lineno or 1, (error.offset or 1) - 1, error.msg) from None
        run = self.module(tree)
        try:
            exec(compile(tree, self.file, "exec", dont_inherit=True), self.space)
        except Exception as error:
            line = next((t.tb_lineno for t in _frames(error) if t.tb_frame.f_code.co_filename == self.file), 1)
            raise self.error(line, 0, f"{type(error).__name__}: {error}") from error
        return _Run(self, run).rule()

    def module(self, tree: ast.Module) -> ast.FunctionDef:
        """Checks what stands beside `run`."""
        run: Optional[ast.FunctionDef] = None
        for statement in tree.body:
            if isinstance(statement, ast.FunctionDef) and statement.name == "run":
                run = statement
            elif isinstance(statement, (ast.Import, ast.ImportFrom)):
                self.imported(statement)
            elif not _is_docstring(statement) and not _is_for_types(statement):
                self.names.add(self.assigned(statement))
        if run is None:
            raise self.error(1, 0, "there is no function `run`")
        return run

    def imported(self, statement: Union[ast.Import, ast.ImportFrom]) -> None:
        modules = [statement.module or "."] if isinstance(statement, ast.ImportFrom) else [a.name for a in statement.names]
        for module in modules:
            if not any(module == known or module.startswith(known + ".") for known in _MODULES):
                self.refuse(statement, f"`{module}` is nothing that a rule can have")
        self.names.update(alias.asname or alias.name.split(".")[0] for alias in statement.names)

    def assigned(self, statement: ast.stmt) -> str:
        """The name to which a constant or a pattern is given."""
        name, value = _assignment(statement)
        if name is None or value is None:
            self.refuse(statement, f"{called(statement)} does more than build a pattern and values from it")
        self.pure(value)
        return name

    def pure(self, node: ast.AST, also: Tuple[str, ...] = ()) -> None:
        """Checks that an expression has nothing but constants and what Ensue gives."""
        known = self.names.union(also).union(_bound(node))
        for part in ast.walk(node):
            if not isinstance(part, _PURE):
                self.refuse(part if hasattr(part, "lineno") else node, f"{called(part)} does more than build a pattern")
            if isinstance(part, ast.Name) and part.id == self.context:
                self.refuse(part, f"of `{part.id}` only one `{part.id}.match(pattern)` can be compiled")
            if isinstance(part, ast.Name) and part.id not in known:
                self.refuse(part, f"`{part.id}` is neither of this script nor of Ensue")

    def refuse(self, node: ast.AST, why: str, hint: Optional[str] = None) -> NoReturn:
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        raise self.error(line, column, why, hint)

    def error(self, line: int, column: int, why: str, hint: Optional[str] = None) -> ScriptError:
        lines = self.source.splitlines()
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        column = len(text.encode()[: max(column, 0)].decode(errors="ignore"))
        margin = " " * len(str(line))
        drawn = f"error: {why}\n{margin}--> {self.file}:{line}:{column + 1}\n{margin} |\n{line} | {text}\n{margin} | {' ' * column}^"
        if hint:
            drawn += f"\n{margin} = hint: {hint}"
        return ScriptError("script", why, hint=hint, line=line, column=column + 1, drawn=drawn)


class _Run:
    """The function `run`: one `ctx.match`, and what it returns of it."""

    def __init__(self, reader: _Reader, run: ast.FunctionDef) -> None:
        self.reader = reader
        self.run = run
        arguments = [a.arg for a in [*run.args.posonlyargs, *run.args.args]]
        if len(arguments) != 1 or run.decorator_list:
            reader.refuse(run, "`run` takes the context, and nothing else")
        self.context = reader.context = arguments[0]
        self.space: Json = dict(reader.space)
        self.found: Optional[Json] = None
        self.matches: Set[str] = set()

    def rule(self) -> Json:
        for statement in self.run.body:
            if _is_docstring(statement):
                continue
            if isinstance(statement, ast.Return):
                return self.returned(statement)
            name, value = _assignment(statement)
            if name is None or value is None:
                self.reader.refuse(statement, f"{called(statement)} does more than build a pattern and values from it")
            if self.is_match(value):
                self.match(value)
                self.matches.add(name)
            else:
                self.reader.pure(value)
                self.space[name] = self.evaluate(value)
                self.reader.names.add(name)
        self.reader.refuse(self.run, "`run` returns nothing")

    def returned(self, statement: ast.Return) -> Json:
        value = statement.value
        if isinstance(value, ast.ListComp):
            return self.each(value)
        self.matched(value, statement)
        return self.finished(statement, [])

    def each(self, value: ast.ListComp) -> Json:
        """`[m.returns(...) for m in matches]`"""
        [loop, *more] = value.generators
        if more or not isinstance(loop.target, ast.Name):
            self.reader.refuse(value, "only `for m in ctx.match(...)` can be compiled")
        if loop.ifs:
            hint = "put it into the pattern's where, or into the output's `when`"
            self.reader.refuse(loop.ifs[0], "a condition on what is returned cannot be compiled", hint)
        self.matched(loop.iter, value)
        match, item = loop.target.id, value.elt
        if isinstance(item, ast.Name) and item.id == match:
            return self.finished(value, [])
        call = item.func if isinstance(item, ast.Call) else None
        if not isinstance(item, ast.Call) or not is_attribute(call, match, "returns") or item.args:
            hint = f"a dict binds no events; return {match}.returns(name=value)"
            self.reader.refuse(item, "only a match, with values added, can be compiled", hint)
        values = Values(match, (self.found or {}).get("returns", []), self.constant, self.reader.refuse)
        returns: List[Json] = []
        for keyword in item.keywords:
            if keyword.arg is None:
                self.reader.refuse(keyword.value, "name each value")
            returns.append({"name": keyword.arg, "expr": values.read(keyword.value).to_json()})
        return self.finished(value, returns)

    def matched(self, node: Optional[ast.expr], place: ast.AST) -> None:
        if node is not None and self.is_match(node):
            self.match(node)
        elif not (isinstance(node, ast.Name) and node.id in self.matches):
            self.reader.refuse(node or place, "only what `ctx.match` gave can be compiled", "return ctx.match(pattern)")

    def is_match(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and is_attribute(node.func, self.context, "match")

    def match(self, node: ast.expr) -> None:
        assert isinstance(node, ast.Call)
        if self.found is not None:
            self.reader.refuse(node, "one `ctx.match` is a rule, two are not")
        if len(node.args) != 1 or node.keywords:
            self.reader.refuse(node, "ctx.match takes one pattern")
        self.reader.pure(node.args[0])
        given = self.evaluate(node.args[0])
        try:
            self.found = compile_text(given)
        except (TypeError, ValueError) as error:
            raise self.reader.error(node.lineno, node.col_offset, str(error)) from error

    def constant(self, node: ast.expr) -> object:
        self.reader.pure(node)
        return self.evaluate(node)

    def evaluate(self, node: ast.expr) -> Any:
        try:
            return eval(compile(ast.Expression(node), self.reader.file, "eval"), self.space)
        except Exception as error:
            raise self.reader.error(node.lineno, node.col_offset, f"{type(error).__name__}: {error}") from error

    def finished(self, node: ast.AST, returns: List[Json]) -> Json:
        assert self.found is not None
        named = {value["name"] for value in returns}
        kept = [value for value in self.found.get("returns", []) if value["name"] not in named]
        try:
            return _ensue.compile_rule(dumps({**self.found, "returns": kept + returns}))
        except ValueError as error:
            raise self.reader.error(getattr(node, "lineno", 1), 0, str(error)) from error


def _assignment(statement: ast.stmt) -> Tuple[Optional[str], Optional[ast.expr]]:
    """The name and the value of `name = value`."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id, statement.value
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id, statement.value
    return None, None


def _bound(node: ast.AST) -> Set[str]:
    """The names that lambdas and comprehensions bind in an expression."""
    arguments = {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
    return arguments | {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)


def _is_for_types(statement: ast.stmt) -> bool:
    """`if TYPE_CHECKING:`"""
    return isinstance(statement, ast.If) and isinstance(statement.test, ast.Name) and statement.test.id == "TYPE_CHECKING"


def _frames(error: BaseException) -> List[Any]:
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    return frames[::-1]
