"""A configuration as plain values, and what differs between two: the fields that changed, by paths with names in them.

A list of things that have names is compared by them, so that a route that was moved in the file has not changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any

_NAMES = ("name", "model", "role")  # Fields that name a thing in a list, the first that it has.


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationChange:
    """*before* and *after* are None where the field was added or removed."""

    field: str
    before: Any = None
    after: Any = None


def content_of(value: Any) -> Any:
    """*value* of a configuration as plain JSON; what has no order is sorted, so that the same is always the same."""
    if is_dataclass(value):
        return {member.name: content_of(getattr(value, member.name)) for member in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): content_of(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [content_of(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(content_of, value), key=str)
    if isinstance(value, StrEnum):
        return value.value
    return value if value is None or isinstance(value, str | int | float) else str(value)


def changes_between(before: Any, after: Any) -> tuple[ConfigurationChange, ...]:
    """Every field that differs, by its path, in the order of the paths."""
    old, new = dict(_leaves("", before)), dict(_leaves("", after))
    return tuple(
        ConfigurationChange(field=path, before=old.get(path), after=new.get(path))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    )


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What stands at the ends of *value*; a list of plain values is one end, and what is empty is none."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(f"{path}.{name}" if path else str(name), item)
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value, 1):
            yield from _leaves(f"{path}[{name_of(item) or number}]", item)
    elif value not in (None, "", []):
        yield path, value


def name_of(item: Any) -> str:
    """The name of a thing in a list of them; empty where it has none."""
    if not isinstance(item, Mapping):
        return ""
    own = next((item[name] for name in _NAMES if item.get(name)), "")
    return name_of(own) if isinstance(own, Mapping) else str(own)
