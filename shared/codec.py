"""Frozen dataclasses to plain JSON and back, driven by their type hints.

Unknown fields are ignored and missing ones take their default, so that an older history still decodes.
It refuses types that JSON cannot carry, rather than guessing.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache, partial
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from shared.domain.newer import newer_fields

T = TypeVar("T")

Json = Any  # What json.dumps accepts: the one place where a shape is not known yet.
Reader = Callable[[Json], Any]
_PLAIN = (str, int, float, bool)


class UndecodableError(ValueError):
    """The JSON does not have the shape of the type; the message names the field and what was found there."""


def encode(value: object) -> Json:
    """*value* as plain JSON. Raises TypeError for what JSON cannot carry."""
    kind = type(value)
    if value is None or kind in _PLAIN:
        return value
    if (names := _names(kind)) is not None:  # type: ignore[arg-type]  # A class is hashable.
        return _without_newer(value, {name: encode(getattr(value, name)) for name in names})
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    # Before the plain types below, since a StrEnum is a str too.
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, _PLAIN):
        return value
    raise TypeError(f"{kind.__name__} does not cross the Durable boundary: use a dataclass of plain values")


class Encoder:
    """`encode` for values that share parts, such as the request in all orders of a run: each is done once.

    Shared parts are recognised by identity, so they must be frozen.
    """

    def __init__(self) -> None:
        self._parts: dict[
            int, tuple[object, Json]
        ] = {}  # Keeping the part keeps its id from being reused for another object.

    def encode(self, value: object) -> Json:
        names = _names(type(value))  # type: ignore[arg-type]  # A class is hashable.
        if names is None:
            return encode(value)
        return _without_newer(value, {name: self._part(getattr(value, name)) for name in names})

    def _part(self, value: object) -> Json:
        if _names(type(value)) is None:  # type: ignore[arg-type]  # A class is hashable.
            return encode(value)
        if (part := self._parts.get(id(value))) is None:
            part = self._parts[id(value)] = (value, encode(value))
        return part[1]


def is_nested_deeper(value: Any, limit: int) -> bool:
    """Whether lists and objects of a decoded JSON *value* lie in each other more than *limit* deep.

    It does not recurse: how deep Python itself can go depends on its version.
    """
    level = [value]
    for _ in range(limit + 1):
        containers = [container for container in level if isinstance(container, dict | list)]
        if not containers:
            return False
        level = [
            inner
            for container in containers
            for inner in (container.values() if isinstance(container, dict) else container)
        ]
    return True


def unique_fields(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON from its fields, for `object_pairs_hook`. Raises ValueError where it names one twice."""
    fields_by_name = dict(pairs)
    if len(fields_by_name) < len(pairs):
        raise ValueError("an object names a field twice")
    return fields_by_name


def decode(kind: type[T], raw: Json) -> T:
    """The *kind* that *raw* describes. Raises UndecodableError."""
    try:
        return cast(T, _reader(kind)(raw))  # type: ignore[arg-type]  # A class is hashable.
    except _Misfit as misfit:
        raise UndecodableError(f"{kind.__name__}{misfit.place}{misfit.says}") from misfit.__cause__


class _Misfit(Exception):
    """*says* what does not fit; *place* is put together on the way out."""

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(problem)
        self.says, self.place = problem, path

    def enter(self, step: str) -> None:
        self.place = f"{step}{self.place}"


@lru_cache(maxsize=1024)
def _reader(kind: Any) -> Reader:
    """Reads a *kind*. Made once: an orchestrator decodes its whole history at every replay."""
    origin = get_origin(kind)
    if kind is Any:
        return lambda raw: raw
    if origin in (Union, types.UnionType):
        return _optional(kind)
    if origin is Literal:
        return partial(_read_choice, get_args(kind))
    if origin is tuple:
        return partial(_read_items, _reader(get_args(kind)[0]))
    if origin in (dict, Mapping):
        return partial(_read_values, _reader(get_args(kind)[1]))
    if is_dataclass(kind):
        return partial(_read_fields, kind)
    return partial(_read_scalar, kind)


def _optional(kind: Any) -> Reader:
    inner = [choice for choice in get_args(kind) if choice is not types.NoneType]
    if len(inner) != 1:
        raise TypeError(f"{kind}: only `X | None` is a union that JSON can carry")
    read = _reader(inner[0])
    return lambda raw: None if raw is None else read(raw)


def _read_choice(choices: tuple[Any, ...], raw: Json) -> Any:
    if raw not in choices:
        raise _Misfit(f": {raw!r} is none of {', '.join(map(str, choices))}")
    return raw


def _read_items(read: Reader, raw: Json) -> tuple[Any, ...]:
    items = []
    for number, item in enumerate(_expect(list, raw)):
        try:
            items.append(read(item))
        except _Misfit as misfit:
            misfit.enter(f"[{number}]")
            raise
    return tuple(items)


def _read_values(read: Reader, raw: Json) -> dict[str, Any]:
    items = {}
    for key, item in _expect(dict, raw).items():
        try:
            items[key] = read(item)
        except _Misfit as misfit:
            misfit.enter(f".{key}")
            raise
    return items


def _read_fields(kind: Any, raw: Json) -> Any:
    arguments, mapping = {}, _expect(dict, raw)
    for name, is_required, read in _fields(kind):
        if name in mapping:
            try:
                arguments[name] = read(mapping[name])
            except _Misfit as misfit:
                misfit.enter(f".{name}")
                raise
        elif is_required:
            raise _Misfit(" is missing", f".{name}")
    return kind(**arguments)


def _read_scalar(kind: Any, raw: Json) -> Any:
    if type(raw) is kind:
        return raw
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if kind is int and isinstance(raw, float) and raw.is_integer():
        return int(raw)  # 13.0 is a whole number in JSON.
    if kind is datetime:
        return datetime.fromisoformat(_expect(str, raw))
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(raw)
        except ValueError as error:
            raise _Misfit(f": {raw!r} is none of {', '.join(str(k.value) for k in kind)}") from error
    return _expect(kind, raw)


def _expect(kind: type, raw: Json) -> Any:
    # To Python a bool is an int; in JSON `true` is no number.
    if isinstance(raw, kind) and (kind is bool or not isinstance(raw, bool)):
        return raw
    raise _Misfit(f": expected {kind.__name__}, found {type(raw).__name__}")


def _without_newer(value: Any, plain: dict[str, Json]) -> dict[str, Json]:
    """*plain* without the fields of *value* that earlier releases did not have, where they have their default."""
    for name, default in newer_fields(type(value)):  # type: ignore[arg-type]  # A class is hashable.
        if getattr(value, name) == default:
            del plain[name]
    return plain


@lru_cache(maxsize=256)
def _names(kind: Any) -> tuple[str, ...] | None:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


@lru_cache(maxsize=256)
def _fields(kind: Any) -> tuple[tuple[str, bool, Reader], ...]:
    """Each field's name, whether it must be there, and how it is read; asked at the first reading, so that a kind may
    contain itself."""
    hints = get_type_hints(kind)
    return tuple(
        (field_.name, field_.default is MISSING and field_.default_factory is MISSING, _reader(hints[field_.name]))
        for field_ in fields(kind)
    )
