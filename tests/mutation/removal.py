"""Take a line out of a function of the running product, wherever the function is known already."""

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]


def remove(monkeypatch: pytest.MonkeyPatch, file: str, lock: str, without: str) -> None:
    """Until the test ends, *without* stands in *file* where *lock* stood: in the very function objects that run."""
    text = (PROJECT / file).read_text()
    assert text.count(lock) == 1, f"{file} has changed: bring this case up to date"
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    before, after = (dict(_functions(ast.parse(each))) for each in (text, text.replace(lock, without)))
    changed = [name for name in before if ast.dump(before[name]) != ast.dump(after[name])]
    assert changed, f"{file}: nothing but a function can be changed"
    for name in changed:
        monkeypatch.setattr(_known(module, name), "__code__", _made(module, after[name]).__code__)


def named(locks: Sequence[tuple[Any, ...]]) -> list[str]:
    """The cases' names: the file that each is of, and its number."""
    return [f"{each[0]}:{number}" for number, each in enumerate(locks)]


async def expect_failure(guard: Callable[..., Any], **given: Any) -> None:
    """The test *guard*, with what it is *given* of that which it takes, fails."""
    wanted = inspect.signature(guard).parameters

    async def run() -> None:
        result = guard(**{name: value for name, value in given.items() if name in wanted})
        if inspect.isawaitable(result):
            await result

    with pytest.raises((Exception, pytest.fail.Exception)):
        await run()


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Functions and methods by their qualified names."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{each.name}", each) for each in node.body if isinstance(each, ast.FunctionDef))


def _known(module: ModuleType, name: str) -> FunctionType:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    found = found.fget if isinstance(found, property) else found
    assert isinstance(found, FunctionType), f"{name} is decorated: its line cannot be taken out"
    return found


def _made(module: ModuleType, node: ast.AST) -> FunctionType:
    made: dict[str, Any] = {}
    vars(node).update(decorator_list=[])  # Of a property only what it does is exchanged.
    exec(compile(ast.Module(body=[node], type_ignores=[]), module.__file__ or "", "exec"), vars(module), made)  # type: ignore[list-item]
    (function,) = made.values()
    return function  # type: ignore[no-any-return]
