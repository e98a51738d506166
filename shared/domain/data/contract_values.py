"""Values of a data contract: bounds and allowed values as values of their column's type, and patterns that RE2 takes.

The values come as a document's plain ones: texts, whole and decimal numbers, true and false.
"""

import math
import re
from datetime import UTC, date, datetime
from typing import Literal

ColumnType = Literal["integer", "number", "string", "boolean", "date", "timestamp"]
TYPES = ("integer", "number", "string", "boolean", "date", "timestamp")
Bound = int | float | date | datetime

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,6})?)?(?P<zone>Z|[+-][0-9:]{2,6})?)?"
)


class ValueProblem(ValueError):
    """*problem* says what the value is, *remedy* what to write instead."""

    def __init__(self, value: object, remedy: str, problem: str = "") -> None:
        super().__init__(remedy)
        self.problem, self.remedy = problem or f"is {shown(value)}", remedy


def shown(value: object) -> str:
    """*value* as a message shows it, at most 60 characters long."""
    text = str(value) if isinstance(value, date) else repr(value)  # A bound that has been read may be a date.
    return text if len(text) <= 60 else f"{text[:57]}..."


def typed(value: object, kind: ColumnType) -> object:
    """*value* as a value of *kind*: whole numbers of 64 bits, finite numbers, days and moments that there are.

    A moment with a zone becomes the same one in UTC, without zone, as values of files do. Raises ValueProblem.
    """
    return {
        "integer": _integer,
        "number": _number,
        "string": _string,
        "boolean": _boolean,
        "date": _day,
        "timestamp": _moment,
    }[kind](value)


def zoned(value: object) -> bool:
    """Whether *value*, a bound of a timestamp as it was written, names its zone."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    return match is not None and match["zone"] is not None


def whole_value(pattern: str) -> str:
    """The RE2 expression that a whole value matches where it matches *pattern*."""
    return f"^(?:{pattern})$"


def pattern_problem(pattern: str) -> str:
    """Why RE2, which matches in linear time, cannot run *pattern*; empty where it can."""
    import re2  # Only contracts with patterns pay for it: 5 ms and 1.6 MB, where Arrow's own RE2 costs a second.

    options = re2.Options()
    options.log_errors = False
    try:
        for expression in (pattern, whole_value(pattern)):  # Each by itself: `a)(b` and `\\Qa` are right in one only.
            re2.compile(expression, options)
    except re2.error as error:
        reason = error.args[0]
        return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    return ""


def matches_whole(pattern: str, value: str) -> bool:
    """Whether RE2 finds that the whole of *value* matches *pattern*."""
    import re2

    return re2.compile(whole_value(pattern)).search(value) is not None


def _integer(value: object) -> int:
    if type(value) is not int:
        raise ValueProblem(value, "write a whole number, as the column's are")
    if not -(2**63) <= value < 2**63:
        raise ValueProblem(value, "write a whole number of 64 bits: from -2^63 to 2^63 - 1")
    return value


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueProblem(value, "write a number, like 12 or 0.001")
    if not math.isfinite(value):
        raise ValueProblem(value, "write a finite number, or leave it out")
    if isinstance(value, int) and (abs(value) > 2**1000 or int(float(value)) != value):
        raise ValueProblem(value, "write a number that 64 bits of floating point hold exactly")
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueProblem(value, "quote it: the column's values are texts")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueProblem(value, "write true or false")
    return value


def _day(value: object) -> date:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueProblem(value, "write a day as YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueProblem(value, "write a day of the calendar", f"is {value!r}, and there is no such day") from error


def _moment(value: object) -> datetime:
    """Without a zone it is taken as UTC."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueProblem(value, "write a moment like 2024-05-01T12:30:00Z, or a day")
    moment = _parsed(value)
    try:
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError as error:
        raise ValueProblem(value, "write a moment whose year in UTC is from 1 to 9999") from error


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueProblem(text, "write one of the calendar", f"is {text!r}, and there is no such moment") from error
