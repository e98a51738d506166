"""Texts in the product's source: what it raises and announces, with `...` for values of the run time."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of *name* in the source, with its arguments as texts; None for one that is not a text."""

    name: str
    texts: tuple[str | None, ...]


def calls_of(project: Path, folders: Iterable[str], names: frozenset[str]) -> Iterator[Call]:
    """Every call of one of *names* in the Python files below *folders*."""
    for tree in _trees(project, folders):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (name := _name(node.func)) in names:
                yield Call(name=name, texts=tuple(map(text_of, node.args)))


def texts_of(project: Path, folders: Iterable[str]) -> Iterator[str]:
    """Every text of the source that is not a part of another one."""
    for tree in _trees(project, folders):
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if id(node) not in parts and (text := text_of(node)) is not None:
                yield text


def text_of(node: ast.AST) -> str | None:
    """A text or a number as a reader sees it, with `...` in the place of each value, or None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "..." for part in node.values)
    return None


def _trees(project: Path, folders: Iterable[str]) -> Iterator[ast.Module]:
    for folder in folders:
        for path in sorted((project / folder).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
