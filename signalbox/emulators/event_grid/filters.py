"""Advanced filters: every operator of Event Grid on envelope keys and `data.*`, as the service documents them.

Texts compare without regard to case. A key that is absent or null fails every operator but the negated ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Matches = Callable[[Any, Any], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvancedFilter:
    """*values* are alternatives: one that matches is enough, or forbids where the operator is negated."""

    key: str
    operator: str
    values: tuple[Any, ...] = ()

    def admits(self, event: Mapping[str, Any]) -> bool:
        actual = _find(event, self.key.split("."))
        if self.operator == "IsNullOrUndefined":
            return actual is None
        if self.operator == "IsNotNull":
            return actual is not None
        is_negation = self.operator in _NEGATED
        matches = _OPERATORS[self.operator.replace("Not", "")]
        return any(matches(actual, value) for value in self.values) != is_negation


def read_filter(raw: Mapping[str, Any]) -> AdvancedFilter:
    """A filter as Resource Manager writes it: `operatorType`, `key`, and `value` or `values`. Raises ValueError."""
    operator, key = raw.get("operatorType"), raw.get("key")
    if operator not in _KNOWN:
        raise ValueError(f"filters.operatorType is {operator!r}; use one of {', '.join(_KNOWN)}")
    if not isinstance(key, str) or not key:
        raise ValueError(f"filters.key is {key!r}; name a key of the event, such as data.api")
    values = tuple(raw["values"]) if "values" in raw else (raw["value"],) if "value" in raw else ()
    if not values and operator not in _WITHOUT_VALUE:
        raise ValueError(f"filters.values of {operator} on {key} is missing; give what it compares with")
    return AdvancedFilter(key=key, operator=operator, values=values)


def _find(event: Any, names: list[str]) -> Any:
    """The value below *names*, whose case does not count: the documents and the events differ in it."""
    for name in names:
        if not isinstance(event, Mapping):
            return None
        event = next((value for key, value in event.items() if str(key).lower() == name.lower()), None)
    return event


def _text(compare: Callable[[str, str], bool]) -> Matches:
    def matches(actual: Any, value: Any) -> bool:
        return isinstance(actual, str) and isinstance(value, str) and compare(actual.lower(), value.lower())

    return matches


def _number(compare: Callable[[float, Any], bool]) -> Matches:
    def matches(actual: Any, value: Any) -> bool:
        return isinstance(actual, int | float) and not isinstance(actual, bool) and compare(actual, value)

    return matches


_OPERATORS: dict[str, Matches] = {
    "StringIn": _text(lambda actual, value: actual == value),
    "StringContains": _text(lambda actual, value: value in actual),
    "StringBeginsWith": _text(str.startswith),
    "StringEndsWith": _text(str.endswith),
    "NumberIn": _number(lambda actual, value: bool(actual == value)),
    "NumberInRange": _number(lambda actual, value: bool(value[0] <= actual <= value[1])),
    "NumberGreaterThan": _number(lambda actual, value: bool(actual > value)),
    "NumberGreaterThanOrEquals": _number(lambda actual, value: bool(actual >= value)),
    "NumberLessThan": _number(lambda actual, value: bool(actual < value)),
    "NumberLessThanOrEquals": _number(lambda actual, value: bool(actual <= value)),
    "BoolEquals": lambda actual, value: isinstance(actual, bool) and actual is value,
}
_WITHOUT_VALUE = ("IsNullOrUndefined", "IsNotNull")
_NEGATED = (
    "StringNotIn",
    "StringNotContains",
    "StringNotBeginsWith",
    "StringNotEndsWith",
    "NumberNotIn",
    "NumberNotInRange",
)
_KNOWN = (*_OPERATORS, *_NEGATED, *_WITHOUT_VALUE)
