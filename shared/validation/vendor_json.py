"""JSON of a vendor as a frozen dataclass, read tolerantly: keys in any case, null as absent, unknown fields ignored.

A field that must be there is refused by the vendor's name for it. A `Lenient` one reads as its default where it does
not fit, so that a field that nobody needs hides no event.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass, replace
from typing import Annotated, Any, TypeAlias, TypeVar, get_args, get_origin

from shared.validation import Fault, Reading, adapter, faults_of
from shared.validation.types import hint_at, shape_of, split

T = TypeVar("T")


class SentAs:
    """The vendor's *names* of a field, where they are more than one or not the field's own in camel case."""

    def __init__(self, *names: str) -> None:
        self.names = names


@dataclass(frozen=True, slots=True)
class ReadBy:
    """A value that *function* reads; it raises ValueError, with a remedy, where the value does not fit *expected*.

    A fault shows the value as *plain* makes it.
    """

    function: Callable[[Any], Any]
    expected: str
    plain: Callable[[Any], Any] | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        functions = filter(None, (self.plain, self.function))
        return core_schema.chain_schema(list(map(core_schema.no_info_plain_validator_function, functions)))


@dataclass(frozen=True, slots=True)
class Lenient:
    """A value that does not fit reads as *default*."""

    default: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.with_default_schema(handler(source), default=self.default, on_error="default")


def read_vendor_json(kind: type[T], raw: Any) -> Reading[T]:
    """*raw*, decoded JSON, as a *kind*; the faults name fields as the vendor does."""
    from pydantic import ValidationError

    try:
        # As Python values and not as JSON text: a lone surrogate can be no JSON text, and must be refused by its field.
        value: T = adapter(kind).validate_python(  # type: ignore[arg-type]  # A class is hashable.
            _by_own_names(kind, raw), extra="ignore"
        )
    except ValidationError as error:
        return Reading(None, tuple(_renamed(kind, fault) for fault in faults_of(kind, error)))
    return Reading(value)


def filled_text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected a non-empty string")
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    """The number in *value*, which may be a text; None where it is no finite number."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < float("inf") else None


FilledText: TypeAlias = Annotated[str, ReadBy(filled_text, "a non-empty string")]
AnyText: TypeAlias = Annotated[str, ReadBy(_text, "a text")]  # Anything else reads as an empty text.
AnyNumber: TypeAlias = Annotated[float | None, ReadBy(_number, "a number")]  # Anything else reads as None.


def _by_own_names(hint: Any, raw: Any) -> Any:
    """The values in *raw* by the names of our fields; what does not have the form of *hint* is left to be refused."""
    kind, rules = split(hint)
    if any(isinstance(rule, ReadBy) for rule in rules):
        return raw
    if get_origin(kind) is tuple and isinstance(raw, list):
        return [_by_own_names(get_args(kind)[0], item) for item in raw]
    return _fields(kind, raw) if is_dataclass(kind) and isinstance(raw, Mapping) else raw


def _fields(kind: Any, raw: Mapping[Any, Any]) -> dict[str, Any]:
    """The fields of *kind* that *raw* has. Of a field's several names, the first with a filled text counts."""
    values = {str(key).lower(): value for key, value in raw.items() if value is not None}
    values_by_field = dict[str, Any]()
    for name, (hint, _) in shape_of(kind).items():
        choices = [values[key.lower()] for key in _vendor_names(name, hint) if key.lower() in values]
        if choices:
            choice = next((text for text in choices if isinstance(text, str) and text), choices[0])
            values_by_field[name] = _by_own_names(hint, choice)
    return values_by_field


def _vendor_names(name: str, hint: Any) -> tuple[str, ...]:
    first, *others = name.split("_")
    camel_case = "".join((first, *(word.capitalize() for word in others)))
    return next((rule.names for rule in split(hint)[1] if isinstance(rule, SentAs)), (camel_case,))


def _renamed(kind: Any, fault: Fault) -> Fault:
    """*fault* with the path in the vendor's names."""
    hints = [hint_at(kind, fault.path[: place + 1]) for place in range(len(fault.path))]
    path = tuple(
        step if isinstance(step, int) else " or ".join(_vendor_names(step, hint))
        for step, hint in zip(fault.path, hints, strict=True)
    )
    return replace(fault, path=path)
