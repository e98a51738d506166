"""Take a condition out of a function of the running product, wherever the function lies and however it is laid out."""

import __future__

import ast
import asyncio
import builtins
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

from tests.architecture.measures import PRODUCT

PROJECT = Path(__file__).parents[2]
_PATIENCE_S = 20  # Of a story that goes on for ever without the condition.
Guard = Callable[..., Any]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A condition of the product, and the test that fails without it.

    *symbol* is the end of a dotted name that only one function has: `function`, `Class.method` or `module.function`.
    *condition* is an expression within it, a statement, `if` with the test of an if, or `name=value` as in a call; it
    is compared as syntax, so that layout and comments do not count. It stands there once. *without* takes its place.
    """

    symbol: str
    condition: str
    without: str
    guard: Guard
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def changed(self) -> tuple[str, str, Function]:
        """The module and the name of the function, and the function without the condition. Raises AssertionError."""
        module, name = _locate(self.symbol)
        function = dict(_functions(ast.parse(_path(module).read_text())))[name]
        strange = (
            _names(_parsed(self.without), ast.Load)
            - _names(function)
            - {*dir(importlib.import_module(module)), *dir(builtins)}
        )
        assert not strange, f"{name} knows no {strange}, which stand in what is to take the place: bring it up to date"
        return module, name, _Exchange(self.condition, self.without).within(function)

    def __str__(self) -> str:
        return f"{self.symbol}: {' '.join(self.condition.split())}"


def remove(monkeypatch: pytest.MonkeyPatch, lock: Lock) -> None:
    """Until the test ends, the very function object that runs is without the condition of *lock*."""
    module, name, function = lock.changed()
    loaded = importlib.import_module(module)
    body = inspect.unwrap(_function_object(loaded, name))  # An activity may be decorated.
    monkeypatch.setattr(body, "__code__", _compiled(loaded, function).__code__)


async def expect_failure(guard: Guard, **fixtures: Any) -> None:
    """The test *guard* fails with those of *fixtures* that it takes; a story that does not end has failed, too."""
    parameters = inspect.signature(guard).parameters
    missing = {name for name, parameter in parameters.items() if parameter.default is parameter.empty} - set(fixtures)
    assert not missing, f"{guard.__name__} would fail without {missing}, and not because of the lock"

    async def run() -> None:
        result = guard(**{name: value for name, value in fixtures.items() if name in parameters})
        if inspect.isawaitable(result):
            async with asyncio.timeout(_PATIENCE_S):
                await result

    with pytest.raises((Exception, pytest.fail.Exception)):
        await run()


class _Exchange(ast.NodeTransformer):
    """Puts one piece of syntax in the place of another."""

    def __init__(self, old: str, new: str) -> None:
        self._if = old.startswith("if ") and ":" not in old
        self._old, self._new = _parsed(old.removeprefix("if ") if self._if else old), _parsed(new)
        self._wanted, self._text, self._count = ast.dump(self._old), old, 0

    def within(self, function: Function) -> Function:
        changed = self.visit(function)
        assert self._count == 1, (
            f"{self._text!r} stands {self._count} times in {function.name}: bring the case up to date"
        )
        return ast.fix_missing_locations(changed)

    def visit(self, node: ast.AST) -> ast.AST:
        if self._if:
            if isinstance(node, ast.If) and ast.dump(node.test) == self._wanted:
                self._count += 1
                node.test = self._new  # type: ignore[assignment]
        elif isinstance(node, ast.keyword) and isinstance(self._old, ast.Assign):
            if ast.dump(_assignment(node)) == self._wanted:
                self._count += 1
                return _keyword(self._new)
        elif ast.dump(node) == self._wanted:
            self._count += 1
            return self._new
        return self.generic_visit(node)


def _parsed(text: str) -> ast.AST:
    """An expression, or else a statement."""
    try:
        return ast.parse(f"({text}\n)", mode="eval").body
    except SyntaxError:
        (statement,) = ast.parse(text).body
        return statement


def _names(tree: ast.AST, context: type[ast.expr_context] = ast.expr_context) -> set[str]:
    """The variables and parameters in *tree*; with a *context*, only those that are read or written."""
    variables = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, context)}
    return variables | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def _assignment(keyword: ast.keyword) -> ast.stmt:
    return ast.parse(f"{keyword.arg} = {ast.unparse(keyword.value)}").body[0]


def _keyword(assignment: ast.AST) -> ast.keyword:
    assert isinstance(assignment, ast.Assign)
    return ast.keyword(arg=ast.unparse(assignment.targets[0]), value=assignment.value)


@cache
def _locate(symbol: str) -> tuple[str, str]:
    """The one module that has the function *symbol*, and the function's name in it."""
    last = symbol.rpartition(".")[2]
    places = [
        (module, name)
        for module, text in _texts().items()
        if f"def {last}(" in text
        for name, _ in _functions(ast.parse(text))
        if f".{module}.{name}".endswith(f".{symbol}")
    ]
    assert len(places) == 1, f"{symbol} names {[*map('.'.join, places)]}: it must name one function of the product"
    return places[0]


@cache
def _texts() -> dict[str, str]:
    paths = (path for folder in PRODUCT for path in (PROJECT / folder).rglob("*.py"))
    return {".".join(path.relative_to(PROJECT).with_suffix("").parts): path.read_text() for path in paths}


def _path(module: str) -> Path:
    return (PROJECT / module.replace(".", "/")).with_suffix(".py")


def _functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Functions and methods by their qualified names."""
    for node in tree.body:
        if isinstance(node, Function):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{part.name}", part) for part in node.body if isinstance(part, Function))


def _function_object(module: ModuleType, name: str) -> FunctionType:
    value: Any = module
    for part in name.split("."):
        value = getattr(value, part)
    value = value.fget if isinstance(value, property) else value
    assert isinstance(value, FunctionType), f"{name} is decorated: nothing can be taken out of it"
    return value


def _compiled(module: ModuleType, node: Function) -> FunctionType:
    namespace: dict[str, Any] = {}
    node.decorator_list = []  # Of a property only what it does is exchanged.
    tree, flags = (
        ast.Module(body=[node], type_ignores=[]),
        __future__.annotations.compiler_flag,
    )  # A module may import no types.
    exec(compile(tree, module.__file__ or "", "exec", flags), vars(module), namespace)
    (function,) = namespace.values()
    return function  # type: ignore[no-any-return]
