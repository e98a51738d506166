"""The type hints of dataclasses, taken apart: which fields there are, and what lies where a path leads."""

import types
from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints


@cache
def shape_of(kind: Any) -> dict[str, tuple[Any, bool]]:
    """The fields of a dataclass by the names that are written: each one's hint with its rules, and whether it must be
    there. Empty for any other type."""
    if not is_dataclass(kind):
        return {}
    hints = get_type_hints(kind, include_extras=True)
    return {
        written_name(field.name, hints[field.name]): (
            hints[field.name],
            field.default is MISSING and field.default_factory is MISSING,
        )
        for field in fields(kind)
    }


def split(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """The plain type of a hint and the rules of its annotations, the outermost last. Of a union it is the dataclass in
    it, or else the first member that is not None."""
    rules: tuple[Any, ...] = ()
    while True:
        if get_origin(hint) is Annotated:
            hint, *outer = get_args(hint)
            rules = (*outer, *rules)
        elif get_origin(hint) in (Union, types.UnionType):
            members = [member for member in get_args(hint) if member is not types.NoneType]
            hint = next((member for member in members if is_dataclass(_plain(member))), members[0])
        else:
            return hint, rules


def _plain(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def hint_at(hint: Any, path: Iterable[str | int]) -> Any:
    """What lies where *path* leads from *hint*; None where nothing does."""
    for step in path:
        kind = split(hint)[0]
        if is_dataclass(kind):
            hint = shape_of(kind).get(str(step), (None, False))[0]  # type: ignore[arg-type]  # A class is hashable.
        elif get_origin(kind) in (tuple, dict):
            hint = get_args(kind)[1 if get_origin(kind) is dict else 0]
        else:
            return None
    return hint


def written_name(name: str, hint: Any) -> str:
    """A field's name in JSON and YAML: its alias, where it has one."""
    return next((rule.alias for rule in split(hint)[1] if getattr(rule, "alias", None)), name)
