"""Plain values against a frozen dataclass, by pydantic: the object that they are, or everything that is wrong at once.

The rules of a field stand in its annotation (`shared.validation.rules`); JSON Schemas of the same types are in
`shared.validation.schemas`. pydantic costs a cold start 60 ms, so it is imported where the first value is read.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from shared.validation.rules import LENIENT, expected_of
from shared.validation.types import hint_at, shape_of

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

OWN_STEPS = ("[key]", "(word)", "(section)")  # Of pydantic's path: to a mapping's key, and into a member of a union.

T = TypeVar("T")
Path = tuple[str | int, ...]

__all__ = ["Fault", "Reading", "faults_of", "hint_at", "read", "shape_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One field that is missing, unknown or wrong; *expected* says what it takes, or which fields there are.

    *remedy* is what its rule says about this very value, where the rule says more.
    """

    path: Path
    kind: Literal["missing", "unknown", "wrong"]
    value: Any
    expected: str
    remedy: str = ""

    @property
    def field(self) -> str:
        """The path as people write it: `columns[2].max`."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).lstrip(".")

    @property
    def shown(self) -> str:
        """A short form of the value, safe to repeat: what is long or nested is only described."""
        if isinstance(self.value, dict | list):
            return f"{'an object' if isinstance(self.value, dict) else 'a list'} of {len(self.value)}"
        text = repr(self.value)
        return text if len(text) <= 60 else f"{text[:60]}..."


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """*value* where there are no *faults*."""

    value: T | None
    faults: tuple[Fault, ...] = ()


def read(kind: type[T], raw: Any, *, lenient: bool = False) -> Reading[T]:
    """*raw*, which JSON can carry, as a *kind*. A *lenient* reading takes null for any text that must be there."""
    from pydantic import ValidationError

    context = LENIENT if lenient else None
    try:
        # In JSON a list is a tuple and a text is a member of an enumeration, and nothing else is converted.
        value: T = adapter(kind).validate_json(  # type: ignore[arg-type]  # A class is hashable.
            json.dumps(raw), strict=True, extra="forbid", context=context
        )
    except ValidationError as error:
        return Reading(None, faults_of(kind, error))
    return Reading(value)


def faults_of(kind: Any, error: "ValidationError") -> tuple[Fault, ...]:
    """Everything that pydantic found wrong with the value of a *kind*, one fault for each field."""
    errors = error.errors(include_url=False)
    faults = (_fault(kind, detail) for detail in errors if not _only_lacks_wrong_entries(detail, errors))
    return tuple(_without_repeats(faults))


def _only_lacks_wrong_entries(error: Mapping[str, Any], errors: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a list is called too short because pydantic counts only its good entries; the others have errors."""
    place = error["loc"]
    return error["type"] == "too_short" and any(
        entry_error["loc"][: len(place)] == place and len(entry_error["loc"]) > len(place) for entry_error in errors
    )


@cache
def adapter(kind: Any) -> "TypeAdapter[Any]":
    """pydantic's validator of *kind*; making one costs about a millisecond for each dataclass in it."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _fault(kind: Any, error: Mapping[str, Any]) -> Fault:
    path: Path = tuple(step for step in error["loc"] if step not in OWN_STEPS)
    if error["type"] == "unexpected_keyword_argument":
        names = shape_of(hint_at(kind, path[:-1]))
        return Fault(path=path, kind="unknown", value=error["input"], expected=", ".join(names))
    kind_of_fault: Literal["missing", "wrong"] = "missing" if error["type"] == "missing" else "wrong"
    context = error.get("ctx", {})
    expected = context.get("expected_here") or expected_of(hint_at(kind, path))
    return Fault(
        path=path, kind=kind_of_fault, value=error["input"], expected=expected, remedy=str(context.get("error", ""))
    )


def _without_repeats(faults: Iterator[Fault]) -> Iterator[Fault]:
    """One fault for each field: of a union pydantic has one for each member."""
    paths = set[Path]()
    for fault in faults:
        if fault.path not in paths:
            paths.add(fault.path)
            yield fault
