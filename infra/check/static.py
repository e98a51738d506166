"""What can be said of a template without evaluating it: names that nothing uses, branches that no parameters reach."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from infra.check.findings import Finding, Place
from infra.check.functions import arity_problem
from infra.check.language.syntax import Call, Loop, Name, Output, Parameter, Resource, Template, Variable


def static_findings(template: Template) -> Iterator[Finding]:
    """Unused, doubled and undeclared names, and calls that no evaluation may reach."""
    declared = dict[str, int]()
    for entry in template.declarations:
        name = (
            f"output {entry.name}"
            if isinstance(entry, Output)
            else getattr(entry, "symbol", getattr(entry, "name", ""))
        )
        if name in declared:
            yield Finding(Place(template.path, entry.line), "references", f"{name} is declared twice")
        declared[name] = entry.line
    names = {name for name in declared if not name.startswith("output ")}
    used = set[str]()
    for entry in template.declarations:
        for node, bound in _nodes(entry, frozenset()):
            if isinstance(node, Name) and node.name not in bound:
                used.add(node.name)
                if node.name not in names:
                    yield Finding(Place(template.path, node.line), "references", f"{node.name} is not declared")
            elif isinstance(node, Call) and (problem := arity_problem(node.function, len(node.arguments))):
                yield Finding(Place(template.path, node.line), "subset", problem)
    for entry in template.declarations:
        if isinstance(entry, Parameter | Variable) and entry.name not in used:
            yield Finding(Place(template.path, entry.line), "unused", f"{entry.name} is used by nothing")
        elif isinstance(entry, Resource) and entry.existing and entry.symbol not in used:
            yield Finding(Place(template.path, entry.line), "unused", f"{entry.symbol} is used by nothing")


def _nodes(node: Any, bound: frozenset[str]) -> Iterator[tuple[Any, frozenset[str]]]:
    """Each node below *node*, with the loop variables that are bound there."""
    yield node, bound
    if isinstance(node, Loop):
        yield from _nodes(node.source, bound)
        inner = bound | {node.variable}
        yield from _nodes(node.body, inner)
        if node.condition is not None:
            yield from _nodes(node.condition, inner)
        return
    for field in fields(node):
        value = getattr(node, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if is_dataclass(part) and not isinstance(part, type):
                yield from _nodes(part, bound)
