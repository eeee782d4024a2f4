"""Values that a script computes of a match, as RETURN has them.

What is not among the few forms that a rule can say is refused at its place.
"""

from __future__ import annotations

import ast
from typing import Any, Callable, Dict, List, NoReturn, Optional, Union

from .expr import Expr, e, expression
from .functions import abs_, count, first, last, max_, min_, sum_

Json = Dict[str, Any]

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}


class Values:
    """Values of the match that a script calls `match`.

    returns: what the pattern returns already. constant: the value of an expression without the match. refuse: says where
    and why something is no value.
    """

    def __init__(
        self,
        match: str,
        returns: List[Json],
        constant: Callable[[ast.expr], object],
        refuse: Callable[[ast.AST, str, str], NoReturn],
    ) -> None:
        self.name = match
        self.returns = returns
        self.constant = constant
        self.refuse = refuse

    def read(self, node: ast.expr) -> Expr:
        if not any(isinstance(part, ast.Name) and part.id == self.name for part in ast.walk(node)):
            return Expr(expression(self.constant(node)))
        for form in (self.counted, self.returned, self.attribute):
            found = form(node)
            if found is not None:
                return found
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return Expr({"binary": [_OPERATORS[type(node.op)], self.read(node.left).to_json(), self.read(node.right).to_json()]})
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.read(node.operand)
        hint = f'len({self.name}["v"]), {self.name}["v"][-1].args.x, sum(x.args.y for x in {self.name}["v"]), and + - * / % of such'
        self.refuse(node, f"{called(node)} cannot be a value of a rule", hint)

    def counted(self, node: ast.expr) -> Optional[Expr]:
        """`len(m["v"])`, `sum(x.args.y for x in m["v"])` and the like."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords):
            return None
        [given] = node.args
        stage = self.stage(given)
        if node.func.id == "len" and stage is not None:
            return count(e(stage))
        if node.func.id == "abs":
            return abs_(self.read(given))
        aggregate = {"sum": sum_, "min": min_, "max": max_}.get(node.func.id)
        if aggregate is None or not isinstance(given, (ast.GeneratorExp, ast.ListComp)) or len(given.generators) != 1:
            return None
        [loop] = given.generators
        stage = self.stage(loop.iter)
        if stage is None or loop.ifs or not isinstance(loop.target, ast.Name):
            return None
        path = _path(given.elt, loop.target.id)
        return None if path is None else aggregate(e(stage).attribute(path))

    def returned(self, node: ast.expr) -> Optional[Expr]:
        """`m.values["x"]`"""
        if not (isinstance(node, ast.Subscript) and is_attribute(node.value, self.name, "values")):
            return None
        name = _constant(node.slice)
        return next((Expr(value["expr"]) for value in self.returns if value["name"] == name), None)

    def attribute(self, node: ast.expr) -> Optional[Expr]:
        """`m["v"][0].args.x`, `m["v"][-1].ts`"""
        event = next((part for part in ast.walk(node) if isinstance(part, ast.Subscript) and self.stage(part.value)), None)
        if event is None:
            return None
        stage, path = self.stage(event.value), _path(node, event)
        of = {0: first, -1: last}.get(_constant(event.slice))
        if stage is None or path is None or of is None:
            return None
        return of(e(stage).attribute(path))

    def stage(self, node: ast.expr) -> Optional[str]:
        """The stage of `m["v"]`."""
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == self.name:
            name = _constant(node.slice)
            return name if isinstance(name, str) else None
        return None


def _path(node: ast.AST, of: Union[str, ast.AST]) -> Optional[str]:
    """The attribute of an event that an expression reads: `args.x`."""
    names: List[str] = []
    while not (node is of or (isinstance(node, ast.Name) and node.id == of)):
        if isinstance(node, ast.Attribute):
            names.insert(0, node.attr)
            node = node.value
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and len(node.args) == 1:
            key, node = _constant(node.args[0]), node.func.value
        elif isinstance(node, ast.Subscript):
            key, node = _constant(node.slice), node.value
        else:
            return None
        if not isinstance(key, str):
            return None
        names[0:0] = key.split(".") if node is of else [key]
    if names and names[0] == "extra_info":
        names[0] = "args"
    return ".".join(names) if len(names) == 1 or (names and names[0] == "args") else None


def _constant(node: ast.AST) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return None


def is_attribute(node: Optional[ast.AST], name: str, attribute: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == attribute and isinstance(node.value, ast.Name) and node.value.id == name


def called(node: ast.AST) -> str:
    """What a piece of a script is called."""
    names = {
        "FunctionDef": "another function", "AsyncFunctionDef": "another function", "ClassDef": "a class", "If": "`if`", "For": "`for`",
        "While": "`while`", "Try": "`try`", "With": "`with`", "AugAssign": "an assignment with an operator", "Expr": "a call on its own",
        "Assign": "an assignment to more than a name", "Raise": "`raise`", "Call": "this call", "Await": "`await`",
        "Attribute": "this attribute", "Subscript": "this index", "Name": "this name", "Pass": "`pass`",
    }  # fmt: skip
    return names.get(type(node).__name__, f"`{type(node).__name__}`")
