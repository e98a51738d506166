"""Frozen dataclasses to plain JSON and back, driven by their type hints.

Unknown fields are ignored and missing ones take their default, so that an older history still decodes.
It refuses types that JSON cannot carry, rather than guessing.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

Json = Any  # What json.dumps accepts: the one place where a shape is not known yet.
_PLAIN = (str, int, float, bool)


class UndecodableError(ValueError):
    """The JSON does not have the shape of the type; the message names the field and what was found there."""


def encode(value: object) -> Json:
    """*value* as plain JSON. Raises TypeError for what JSON cannot carry."""
    kind = type(value)
    if value is None or kind in _PLAIN:
        return value
    if is_dataclass(kind):
        return {name: encode(getattr(value, name)) for name in _names(kind)}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, _PLAIN):
        return value
    raise TypeError(f"{kind.__name__} does not cross the Durable boundary: use a dataclass of plain values")


def decode(kind: type[T], raw: Json) -> T:
    """The *kind* that *raw* describes. Raises UndecodableError."""
    return cast(T, _decode(kind, raw, kind.__name__))


def _decode(kind: Any, raw: Json, where: str) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return raw
    if origin in (Union, types.UnionType):
        return _decode_optional(kind, raw, where)
    if origin is tuple:
        return tuple(
            _decode(get_args(kind)[0], item, f"{where}[{n}]") for n, item in enumerate(_expect(list, raw, where))
        )
    if origin is dict:
        return {
            key: _decode(get_args(kind)[1], item, f"{where}.{key}") for key, item in _expect(dict, raw, where).items()
        }
    if is_dataclass(kind):
        return _decode_fields(kind, _expect(dict, raw, where), where)
    return _decode_scalar(kind, raw, where)


def _decode_optional(kind: Any, raw: Json, where: str) -> Any:
    if raw is None:
        return None
    inner = [choice for choice in get_args(kind) if choice is not types.NoneType]
    if len(inner) != 1:
        raise TypeError(f"{where}: only `X | None` is a union that JSON can carry")
    return _decode(inner[0], raw, where)


def _decode_fields(kind: Any, raw: dict[str, Json], where: str) -> Any:
    known, given = _fields(kind), {}
    for name, (field, hint) in known.items():
        if name in raw:
            given[name] = _decode(hint, raw[name], f"{where}.{name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise UndecodableError(f"{where}.{name} is missing")
    return kind(**given)


def _decode_scalar(kind: Any, raw: Json, where: str) -> Any:
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if kind is int and isinstance(raw, float) and raw.is_integer():
        return int(raw)  # 13.0 is a whole number in JSON.
    if kind is datetime:
        return datetime.fromisoformat(_expect(str, raw, where))
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(raw)
        except ValueError as error:
            raise UndecodableError(f"{where}: {raw!r} is none of {', '.join(str(k.value) for k in kind)}") from error
    return _expect(kind, raw, where)


def _expect(kind: type, raw: Json, where: str) -> Any:
    if isinstance(raw, kind) and (kind is bool or not isinstance(raw, bool)):
        return raw
    raise UndecodableError(f"{where}: expected {kind.__name__}, found {type(raw).__name__}")


@lru_cache(maxsize=256)
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@lru_cache(maxsize=256)
def _fields(kind: Any) -> dict[str, tuple[Field[Any], Any]]:
    hints = get_type_hints(kind)
    return {field.name: (field, hints[field.name]) for field in fields(kind)}
