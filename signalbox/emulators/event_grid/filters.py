"""Advanced filters: every operator of Event Grid on envelope keys and `data.*`, with the limits of the service.

Texts compare without regard to case. What a filter's definition may hold is checked when it is read, as Resource
Manager does, and not when the first event comes.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_FILTERS, MAX_VALUES, MAX_TEXT = 25, 25, 512
Matches = Callable[[Any, Any], bool]


@dataclass(frozen=True, slots=True)
class _Comparison:
    """How a value of an event is compared, which values a filter may give, and whether it gives one or several."""

    matches: Matches
    is_value: Callable[[Any], bool]
    value_description: str
    has_several: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvancedFilter:
    """*values* are alternatives: one that matches is enough, or forbids where the operator is negated."""

    key: str
    operator: str
    values: tuple[Any, ...] = ()

    def admits(self, event: Mapping[str, Any], *, looks_into_arrays: bool = False) -> bool:
        """An array counts as an absent key unless *looks_into_arrays*; then each of its elements is compared."""
        actual = _find(event, self.key.split("."))
        if self.operator in _NULL_TESTS:
            return (actual is None) == (self.operator == "IsNullOrUndefined")
        elements = actual if isinstance(actual, list) and looks_into_arrays else [actual]
        if all(element is None or isinstance(element, list) for element in elements):
            return self.operator in _ADMIT_ABSENT_KEYS
        matches = _COMPARISONS[self.operator.replace("Not", "")].matches
        is_matched = any(matches(element, value) for element in elements for value in self.values)
        return is_matched != ("Not" in self.operator)


def read_filters(documents: Iterable[Mapping[str, Any]]) -> tuple[AdvancedFilter, ...]:
    """The filters of one subscription. Raises ValueError with the first thing that the service would refuse."""
    filters = tuple(read_filter(document) for document in documents)
    if len(filters) > MAX_FILTERS:
        raise ValueError(f"filters are {len(filters)}; a subscription has at most {MAX_FILTERS}")
    value_count = sum(len(filter_.values) for filter_ in filters)
    if value_count > MAX_VALUES:
        raise ValueError(f"filters have {value_count} values together; a subscription has at most {MAX_VALUES}")
    return filters


def read_filter(document: Mapping[str, Any]) -> AdvancedFilter:
    """A filter as Resource Manager writes it: `operatorType`, `key`, and `value` or `values`. Raises ValueError."""
    if not isinstance(document, Mapping):
        raise ValueError(f"filters has {document!r}; give objects with operatorType and key")
    operator, key = document.get("operatorType"), document.get("key")
    if operator not in _OPERATORS:
        raise ValueError(f"filters.operatorType is {operator!r}; use one of {', '.join(_OPERATORS)}")
    if not isinstance(key, str) or not all(key.split(".")):
        raise ValueError(f"filters.key is {key!r}; name a key of the event, such as data.api")
    if operator in _NULL_TESTS:
        return AdvancedFilter(key=key, operator=operator)
    return AdvancedFilter(key=key, operator=operator, values=_read_values(operator, key, document))


def _read_values(operator: str, key: str, document: Mapping[str, Any]) -> tuple[Any, ...]:
    comparison = _COMPARISONS[operator.replace("Not", "")]
    field = "values" if comparison.has_several else "value"
    content = document.get(field)
    if content is None or content == []:
        raise ValueError(f"filters.{field} of {operator} on {key} is missing; give what it compares with")
    if comparison.has_several and not isinstance(content, list):
        raise ValueError(f"filters.values of {operator} on {key} is {content!r}; give a list")
    values = tuple(content) if comparison.has_several else (content,)
    for value in values:
        if not comparison.is_value(value):
            remedy = f"give {comparison.value_description}"
            raise ValueError(f"filters.{field} of {operator} on {key} has {_shorten(value)}; {remedy}")
    return values


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}... ({len(text)} characters)"


# Both schemas have a name for each of these; the documents of the service have used a third one for CloudEvents.
_SAME_KEYS = (
    ("id", "eventid"),
    ("topic", "source"),
    ("eventtype", "type"),
    ("eventtime", "time"),
    ("dataversion", "eventtypeversion"),
)


def _find(event: Any, names: Sequence[str]) -> Any:
    """The value below *names*, whose case does not count: the documents and the events differ in it."""
    value = _member(event, names[0])
    if value is None and len(names) == 1:
        aliases = next((keys for keys in _SAME_KEYS if names[0].lower() in keys), ())
        value = next((alias for key in aliases if (alias := _member(event, key)) is not None), None)
    for name in names[1:]:
        value = _member(value, name)
    return value


def _member(document: Any, name: str) -> Any:
    if not isinstance(document, Mapping):
        return None
    return next((value for key, value in document.items() if str(key).lower() == name.lower()), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _is_range(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]


def _texts(compare: Callable[[str, str], bool]) -> _Comparison:
    def matches(actual: Any, value: str) -> bool:
        return isinstance(actual, str) and compare(actual.lower(), value.lower())

    return _Comparison(matches, _is_text, f"texts of at most {MAX_TEXT} characters")


def _number(compare: Callable[[float, float], bool]) -> _Comparison:
    def matches(actual: Any, value: float) -> bool:
        return _is_number(actual) and compare(actual, value)

    return _Comparison(matches, _is_number, "a number", has_several=False)


_COMPARISONS = {
    "StringIn": _texts(lambda actual, value: actual == value),
    "StringContains": _texts(lambda actual, value: value in actual),
    "StringBeginsWith": _texts(str.startswith),
    "StringEndsWith": _texts(str.endswith),
    "NumberIn": _Comparison(lambda actual, value: _is_number(actual) and bool(actual == value), _is_number, "numbers"),
    "NumberInRange": _Comparison(
        lambda actual, value: _is_number(actual) and bool(value[0] <= actual <= value[1]),
        _is_range,
        "pairs of numbers, the smaller first",
    ),
    "NumberGreaterThan": _number(lambda actual, value: actual > value),
    "NumberGreaterThanOrEquals": _number(lambda actual, value: actual >= value),
    "NumberLessThan": _number(lambda actual, value: actual < value),
    "NumberLessThanOrEquals": _number(lambda actual, value: actual <= value),
    "BoolEquals": _Comparison(
        lambda actual, value: actual is value, lambda value: isinstance(value, bool), "true or false", has_several=False
    ),
}
_NULL_TESTS = ("IsNullOrUndefined", "IsNotNull")
_NEGATED = (
    "StringNotIn",
    "StringNotContains",
    "StringNotBeginsWith",
    "StringNotEndsWith",
    "NumberNotIn",
    "NumberNotInRange",
)
# An event without the key passes these two alone. The service drops it for the other negated operators.
_ADMIT_ABSENT_KEYS = ("StringNotIn", "NumberNotIn")
_OPERATORS = (*_COMPARISONS, *_NEGATED, *_NULL_TESTS)
