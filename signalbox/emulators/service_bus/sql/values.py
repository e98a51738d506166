"""What the operators of rules do with values: those of C#, as the service documents it. None is the unknown value."""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EQUALITIES = ("=", "<>", "!=")
_SIMPLE: Mapping[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


class FilterError(Exception):
    """An expression has no value for this message: the service says so with an exception of this kind."""


def both(first: bool | None, second: Callable[[], bool | None]) -> bool | None:
    """AND of three values; *second* is asked where it decides."""
    if first is False:
        return False
    other = second()
    return False if other is False else None if first is None or other is None else True


def either(first: bool | None, second: Callable[[], bool | None]) -> bool | None:
    """OR of three values; *second* is asked where it decides."""
    if first is True:
        return True
    other = second()
    return True if other is True else None if first is None or other is None else False


def negated(value: bool | None) -> bool | None:
    return None if value is None else not value


def compared(sign: str, left: Any, right: Any) -> bool | None:
    """Raises FilterError for two values that C# does not compare so."""
    if left is None or right is None:
        return None
    are_comparable = (_is_number(left) and _is_number(right)) or (
        sign in _EQUALITIES and _kind(left) is _kind(right) and not _is_number(left)
    )
    if not are_comparable:
        raise FilterError(f"The operator '{sign}' is not defined for {_kind_name(left)} and {_kind_name(right)}.")
    return _ORDERS[sign](left, right)


def contained(value: Any, items: Iterable[Any]) -> bool | None:
    """Whether *value* is one of *items*."""
    is_unknown = False
    for item in items:
        is_same = compared("=", value, item)
        if is_same:
            return True
        is_unknown = is_unknown or is_same is None
    return None if is_unknown else False


def calculated(sign: str, left: Any, right: Any) -> Any:
    """Raises FilterError for values that C# does not calculate with, and for a result that Int64 does not hold."""
    if left is None or right is None:
        return None
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    if not (_is_number(left) and _is_number(right)):
        raise FilterError(f"The operator '{sign}' is not defined for {_kind_name(left)} and {_kind_name(right)}.")
    if isinstance(left, float) or isinstance(right, float):
        return _of_floats(sign, float(left), float(right))
    if sign in _SIMPLE:
        return _within_range(_SIMPLE[sign](int(left), int(right)))
    if right == 0:
        raise FilterError("Attempted to divide by zero.")
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)  # Towards zero, as in C#.
    return _within_range(quotient if sign == "/" else left - right * quotient)


def signed(sign: str, value: Any) -> Any:
    """*value* with the *sign* before it."""
    return calculated(sign, 0, value)


def like(text: Any, pattern: Any, escape: Any) -> bool | None:
    """Whether *text* has the form of *pattern*: `%` is any text and `_` any character, unless *escape* is before it.

    Its time grows with both lengths and no faster: messages may bring patterns, too. Raises FilterError.
    """
    if text is None or pattern is None or escape is None:
        return None
    if not (isinstance(text, str) and isinstance(pattern, str) and isinstance(escape, str)):
        raise FilterError("The operator 'LIKE' is defined for strings alone.")
    if len(escape) > 1:
        raise FilterError("The escape character of 'LIKE' must be a string of length 1.")
    first, *others = (re.compile(part, re.DOTALL) for part in _parts(pattern, escape))
    if not others:
        return first.fullmatch(text) is not None
    *middle, last = others
    match = first.match(text)
    for part in middle:
        match = part.search(text, match.end()) if match else None
    return match is not None and re.compile(rf"(?:{last.pattern})\Z", re.DOTALL).search(text, match.end()) is not None


def _parts(pattern: str, escape: str) -> list[str]:
    """Regular expressions without repetition, of what stands between the `%` of *pattern*."""
    parts, is_literal = [""], False
    for character in pattern:
        if not is_literal and character == escape:
            is_literal = True
            continue
        if not is_literal and character == "%":
            parts.append("")
        else:
            parts[-1] += "." if character == "_" and not is_literal else re.escape(character)
        is_literal = False
    return parts


def _of_floats(sign: str, left: float, right: float) -> float:
    if sign in _SIMPLE:
        return float(_SIMPLE[sign](left, right))
    if right:
        return left / right if sign == "/" else math.fmod(left, right)
    return math.copysign(math.inf, left) if sign == "/" and left else math.nan


def _within_range(number: int) -> int:
    if not _SMALLEST <= number <= _LARGEST:
        raise FilterError("Arithmetic operation resulted in an overflow.")
    return number


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(value: Any) -> type:
    """The kind without AMQP's own sizes and symbols."""
    kinds = (bool, str, bytes)
    return next((kind for kind in kinds if isinstance(value, kind)), type(value))


def _kind_name(value: Any) -> str:
    if _is_number(value):
        return "Double" if isinstance(value, float) else "Int64"
    return {bool: "Boolean", str: "String"}.get(_kind(value), _kind(value).__name__)
