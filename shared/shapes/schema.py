"""JSON Schema (draft 2020-12) of the dataclasses that requests are decoded by and answers are encoded from."""

import types
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Union, get_args, get_origin

from shared.shapes import CONTROL, Many, Text, Whole, shape_of

_SCALARS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
}


class Schemas:
    """Schemas that refer to each other by name; *closed* ones take no unknown field."""

    def __init__(self) -> None:
        self.named: dict[str, dict[str, Any]] = {}
        self._kinds: dict[str, tuple[Any, bool]] = {}

    def of(self, hint: Any, closed: bool = False) -> dict[str, Any]:
        """The schema of a type hint; a dataclass is described once, under its name."""
        rule, kind = _split(hint)
        origin = get_origin(kind)
        if kind is Any:
            return {}
        if origin in (Union, types.UnionType):
            inner = next(each for each in get_args(kind) if each is not types.NoneType)
            return {"anyOf": [self.of(Annotated[inner, rule] if rule else inner, closed), {"type": "null"}]}
        if origin is tuple:
            return {"type": "array", "items": self.of(get_args(kind)[0], closed), **_many(rule)}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(get_args(kind)[1], closed)}
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"type": "string", "enum": [each.value for each in kind]}
        return {**_SCALARS[kind], **_limits(rule)} if kind in _SCALARS else self._reference(kind, closed)

    def _reference(self, kind: Any, closed: bool) -> dict[str, Any]:
        name = kind.__name__
        if self._kinds.setdefault(name, (kind, closed)) != (kind, closed):
            raise TypeError(f"two types of the API are called {name}; rename one")
        if name not in self.named:
            self.named[name] = {}  # Known from here on, for a type that holds itself.
            self.named[name] = self._object(kind, closed)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, kind: Any, closed: bool) -> dict[str, Any]:
        shape = shape_of(kind)
        described = {"description": " ".join(kind.__doc__.split())} if _has_words(kind) else {}
        needed = [name for name, (_, must) in shape.items() if must or not closed]
        return {
            "type": "object",
            **described,
            "properties": {name: self.of(hint, closed) for name, (hint, _) in shape.items()},
            "required": needed,
            "additionalProperties": not closed,
        }


def _split(hint: Any) -> tuple[Any, Any]:
    if get_origin(hint) is Annotated:
        kind, *rules = get_args(hint)
        return rules[-1], kind
    return None, hint


def _has_words(kind: Any) -> bool:
    """Whether somebody wrote the docstring: dataclasses without one get their signature."""
    return bool(kind.__doc__) and not kind.__doc__.startswith(f"{kind.__name__}(")


def _many(rule: Many | None) -> dict[str, Any]:
    if rule is None:
        return {}
    return {"minItems": rule.fewest, "maxItems": rule.most, **({"uniqueItems": True} if rule.different else {})}


def _limits(rule: Any) -> dict[str, Any]:
    if isinstance(rule, Whole):
        return {"minimum": rule.least, "maximum": rule.most}
    if isinstance(rule, Text):
        said = {"description": rule.means} if rule.means else {}
        pattern = f"^(?:{rule.pattern})$" if rule.pattern else f"^[^{CONTROL}]*$"
        return {"minLength": rule.shortest, "maxLength": rule.longest, "pattern": pattern, **said}
    return {}
