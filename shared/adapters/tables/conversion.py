"""Raw values as values of a contract's type. Only this module interprets values, and no value makes it raise.

Whole columns are converted at once where Arrow's own rules accept no more than ours do; where they refuse, or where a
value could be one of the few that they take and we do not, each value is decided by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.domain.data.data_contract import Column

TYPES = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
_INTEGER = r"^[+-]?[0-9]+$"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_LEAST, _MOST = -(2**63), 2**63 - 1
_LONGEST_INTEGER = 19
_FIRST_DAY, _LAST_DAY = date.min.toordinal() - date(1970, 1, 1).toordinal(), date.max.toordinal() - 719_163
_DAY_US = 86_400_000_000
_FIRST_US, _LAST_US = _FIRST_DAY * _DAY_US, (_LAST_DAY + 1) * _DAY_US - 1
SHOWN = 80
_FAULTS = (pa.ArrowException, ValueError, TypeError, OverflowError, NotImplementedError, KeyError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """*values* of the column's type, null where there is none; *bad* marks those that have a value of another type.

    *show* gives the raw value at a place as text.
    """

    values: pa.Array
    bad: Any = None
    show: Callable[[int], str]

    @property
    def bad_count(self) -> int:
        return 0 if self.bad is None else int(np.count_nonzero(self.bad))

    @property
    def absent_count(self) -> int:
        return int(self.values.null_count) - self.bad_count

    @property
    def absent(self) -> Any:
        """A mask of the rows without a value."""
        empty = pc.is_null(self.values).to_numpy(zero_copy_only=False)
        return empty if self.bad is None else empty & ~self.bad


def typed(raw: "pa.Array | Typed", column: Column) -> Typed:
    """*raw* as values of the column's type: text by what it says, other types only where nothing is guessed.

    Texts may stay in a dictionary, whose values are looked at once.
    """
    if isinstance(raw, Typed):  # Texts that are known to be UTF-8, or values of their type.
        return raw if column.type == "string" or raw.values.type == TYPES[column.type] else _of_text(raw, column.type)
    if pa.types.is_dictionary(raw.type):
        if column.type == "string" and _is_text(raw.type.value_type) and _is_plain(raw.dictionary):
            return Typed(values=raw, show=_shower(raw))
        raw = raw.dictionary_decode()
    if pa.types.is_string_view(raw.type):
        raw = raw.cast(pa.large_string())
    if _is_text(raw.type):
        text = _utf8_texts(raw)
        return text if column.type == "string" else _of_text(text, column.type)
    if pa.types.is_null(raw.type):
        return Typed(values=pa.nulls(len(raw), TYPES[column.type]), show=_shower(raw))
    return _from_typed(raw, column)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_plain(dictionary: pa.Array) -> bool:
    """Whether all of its values are texts."""
    return not dictionary.null_count and _utf8_texts(dictionary).bad is None


def _utf8_texts(raw: pa.Array) -> Typed:
    """Texts, of which those that are not UTF-8 are marked as bad."""
    try:
        raw.validate(full=True)
    except pa.ArrowInvalid:
        return texts(raw.cast(pa.large_binary() if pa.types.is_large_string(raw.type) else pa.binary()))
    return Typed(values=raw, show=_shower(raw))


def plain_texts(raw: pa.Array) -> Typed:
    """Bytes that are known to be UTF-8."""
    values = raw.view(pa.string())
    return Typed(values=values, show=_shower(values))


def texts(raw: pa.Array) -> Typed:
    """Bytes as texts; what is not UTF-8 is bad."""
    try:
        return Typed(values=raw.cast(pa.large_string()), show=_shower(raw))
    except pa.ArrowInvalid:
        values = [_decode(value) for value in raw.to_pylist()]
    text = pa.array(values, pa.large_string())
    return Typed(values=text, bad=_losses(raw, text), show=_shower(raw))


def _decode(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _of_text(text: Typed, kind: str) -> Typed:
    """What texts say; bad is what says nothing of this *kind*, and what was no text."""
    values = _from_text(text.values, kind)
    parts = [bad for bad in (_losses(text.values, values), text.bad) if bad is not None]
    return Typed(values=values, bad=np.logical_or.reduce(parts) if parts else None, show=text.show)


def _losses(before: pa.Array, after: pa.Array) -> Any:
    """A mask of the rows that lost their value; None if no row did."""
    if after.null_count == before.null_count:
        return None
    return pc.and_(pc.is_valid(before), pc.is_null(after)).to_numpy(zero_copy_only=False)


def _shower(raw: pa.Array) -> Callable[[int], str]:
    def show(index: int) -> str:
        try:
            value = raw[index].as_py()
        except _FAULTS:  # A date or moment that Python has none of.
            return str(raw.slice(index, 1)).strip("[]\n ")[:SHOWN]
        return readable(value if isinstance(value, bytes) else str(value)[:SHOWN])[:SHOWN]

    return show


def readable(text: str | bytes) -> str:
    """*text* as it can be written anywhere."""
    raw = text if isinstance(text, bytes) else text.encode(errors="replace")
    return raw.decode(errors="replace")


def _from_text(raw: pa.Array, kind: str) -> pa.Array:
    """Whole columns of text as values of *kind*."""
    try:
        values = _quickly(raw, kind)
    except _FAULTS:
        values = None
    return _slowly(raw, kind) if values is None else values


def _quickly(raw: pa.Array, kind: str) -> pa.Array | None:
    """By Arrow's own rules; None where a value may be one that they take and we do not."""
    if kind == "integer" and _has_letter_x(raw):  # Arrow reads 0x1F as 31.
        return None
    if kind == "timestamp":
        return _moments(raw)
    values = pc.cast(raw, TYPES[kind])
    if kind == "number" and not _all_finite(values):
        return None
    if kind == "date" and not _within(values.view(pa.int32()), _FIRST_DAY, _LAST_DAY):
        return None
    return values


def _has_letter_x(raw: pa.Array) -> bool:
    letters = bytes(raw.buffers()[2] or b"")
    return b"x" in letters or b"X" in letters


def _all_finite(values: pa.Array) -> bool:
    """Whether no number is NaN or infinite: a sum with one of them is neither finite, and is the fastest to have."""
    total = pc.sum(values).as_py()
    if total is None or np.isfinite(total):
        return True
    return bool(np.isfinite(values.drop_null().to_numpy()).all())  # Finite numbers may have an infinite sum.


def _moments(raw: pa.Array) -> pa.Array | None:
    """Moments, if either all texts have a zone or none has."""
    try:
        values = pc.cast(raw, pa.timestamp("us"))
    except pa.ArrowInvalid:
        values = pc.cast(pc.cast(raw, pa.timestamp("us", "UTC")), pa.timestamp("us"))
    return values if _within(values.view(pa.int64()), _FIRST_US, _LAST_US) else None


def _within(values: pa.Array, low: int, high: int) -> bool:
    extremes = pc.min_max(values).as_py()
    return extremes["min"] is None or (low <= extremes["min"] and extremes["max"] <= high)


def _slowly(raw: pa.Array, kind: str) -> pa.Array:
    """Each value by itself; numerals are found by their pattern first, since there may be many."""
    if kind in ("integer", "number"):
        # Arrow's pattern is RE2's, which walks a text once. Only texts that look like numerals come to Python's `int`
        # and `float`, which would otherwise accept `1_000` and `infinity` as well.
        bare_text = pc.utf8_trim_whitespace(raw)
        fits = pc.match_substring_regex(bare_text, _INTEGER if kind == "integer" else _NUMBER)
        raw = pc.if_else(fits, bare_text, pa.scalar(None, bare_text.type))
    return pa.array([None if text is None else parsed(text, kind) for text in raw.to_pylist()], TYPES[kind])


def parsed(text: str, kind: str) -> Any:
    """What *text* says as a value of *kind*; None where it says none."""
    try:
        return _PARSERS[kind](text)
    except (ValueError, OverflowError):
        return None


def _integer(text: str) -> int | None:
    # Python parses decimal texts in quadratic time and refuses them beyond 4,300 digits by raising. Both are avoided:
    # more digits than a 64-bit integer has cannot fit, whatever they are.
    digits = text.lstrip("+-").lstrip("0") or "0"
    if len(digits) > _LONGEST_INTEGER:
        return None
    value = -int(digits) if text.startswith("-") else int(digits)
    return value if _LEAST <= value <= _MOST else None


def _number(text: str) -> float | None:
    value = float(text)
    return value if np.isfinite(value) else None


def _boolean(text: str) -> bool | None:
    return {"true": True, "false": False, "1": True, "0": False}.get(text.strip().lower())


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


_PARSERS: dict[str, Callable[[str], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": date.fromisoformat,
    "timestamp": _moment,
    "string": str,
}


def _from_typed(raw: pa.Array, column: Column) -> Typed:
    """Values that have a type of their own. NaN, which is how many writers say "no value", is none."""
    try:
        values, missing = _widen(raw, column.type)
    except _FAULTS:
        values, missing = None, None
    if values is None:
        values, missing = pa.nulls(len(raw), TYPES[column.type]), None
    bad = _losses(raw, values)
    if bad is not None and missing is not None:
        bad = bad & ~missing
    return Typed(values=values, bad=bad if bad is None or bad.any() else None, show=_shower(raw))


def _widen(raw: pa.Array, kind: str) -> tuple[pa.Array | None, Any]:
    """The values where nothing has to be guessed, and which of them were NaN."""
    source = raw.type
    if kind == "number" and pa.types.is_floating(source):
        return _finite(pc.cast(raw, pa.float64()))
    if kind == "number" and (pa.types.is_integer(source) or pa.types.is_decimal(source)):
        return pc.cast(raw, pa.float64(), safe=False), None
    if kind == "integer" and pa.types.is_integer(source):
        # Arrow's cast would raise for the whole column if one value is above the largest signed integer.
        if source == pa.uint64():
            raw = pc.if_else(pc.less_equal(raw, pa.scalar(_MOST, source)), raw, pa.scalar(None, source))
        return pc.cast(raw, pa.int64()), None
    if kind == "boolean" and pa.types.is_boolean(source):
        return raw, None
    if kind == "date" and pa.types.is_date(source):
        days = raw.view(pa.int32()) if source == pa.date32() else _scale(raw.view(pa.int64()), 1, 86_400_000)
        return _between(days, _FIRST_DAY, _LAST_DAY).cast(pa.int32()).view(pa.date32()), None
    if kind == "timestamp" and (pa.types.is_timestamp(source) or pa.types.is_date(source)):
        return _between(_microseconds(raw), _FIRST_US, _LAST_US).view(pa.timestamp("us")), None
    return None, None


def _finite(values: pa.Array) -> tuple[pa.Array, Any]:
    numbers = values.to_numpy(zero_copy_only=False)
    if np.isfinite(numbers).sum() == len(values) - values.null_count:
        return values, None
    return pa.array(numbers, mask=~np.isfinite(numbers)), np.isnan(numbers)


_UNITS = {"s": (1_000_000, 1), "ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}


def _microseconds(raw: pa.Array) -> pa.Array:
    if raw.type == pa.date32():
        return _scale(raw.view(pa.int32()).cast(pa.int64()), _DAY_US, 1)
    times, parts = (1000, 1) if raw.type == pa.date64() else _UNITS[raw.type.unit]
    return _scale(raw.view(pa.int64()), times, parts)


def _scale(values: pa.Array, times: int, parts: int) -> pa.Array:
    """The values times *times*, divided by *parts* and rounded down; a result beyond 64 bits is null."""
    room = _MOST // times
    numbers = values.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    outside = (numbers > room) | (numbers < -room)
    multiples = np.where(outside, 0, numbers) * times // parts
    return pa.array(multiples, mask=outside | values.is_null().to_numpy(zero_copy_only=False))


def _between(values: pa.Array, low: int, high: int) -> pa.Array:
    if _within(values, low, high):
        return values
    inside = pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))
    return pc.if_else(inside, values, pa.scalar(None, values.type))
