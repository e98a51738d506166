"""One text for every way to write a key: what a scoring script writes back is compared with what it was given.

A script reads `01` as 1 and writes `1`, a table's `2024-01-01` comes back as `2024-01-01 00:00:00`.
"""

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any

from shared.domain.data.contract_values import ColumnType
from shared.domain.data.data_contract import DEFAULT_NULLS, DataContract

DIGEST_BYTES = 16  # Of a cryptographic hash: no two keys of any data have the same one, by chance or on purpose.
_LONGEST_NUMBER = 40


def key_texts(contract: DataContract, *, loosely: bool = False) -> tuple[Callable[[Any], str], ...]:
    """For each of the contract's keys, what makes a text of one value.

    *loosely* takes a text column's numerals by their value: a script that read `007` as a number writes `7`.
    """
    kinds = {column.name: column.type for column in contract.columns}
    nulls = frozenset((*contract.csv.null_values, *DEFAULT_NULLS))
    read_as: dict[ColumnType, ColumnType] = {"string": "number"} if loosely else {}
    return tuple(_text_of(read_as.get(kinds[key], kinds[key]), nulls) for key in contract.keys)


def row_texts(texts: Sequence[Callable[[Any], str]]) -> Callable[[Sequence[Any]], tuple[str, ...]]:
    """What makes the texts of one row's keys; one key is a case of its own, because it runs for millions of rows."""
    if len(texts) == 1:
        text = texts[0]
        return lambda row: (text(row[0]),)
    return lambda row: tuple([text(value) for text, value in zip(texts, row, strict=True)])


def key_digest(texts: Sequence[str]) -> bytes:
    """*texts* of one row's keys as DIGEST_BYTES bytes."""
    text = texts[0] if len(texts) == 1 else json.dumps(texts)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


def _text_of(kind: ColumnType, nulls: frozenset[str]) -> Callable[[Any], str]:
    plain = _PLAIN.get(kind)

    def text_of(value: Any) -> str:
        if value is None or (isinstance(value, str) and value in nulls):
            return ""
        return plain(value) if plain else value if isinstance(value, str) else _other(value)

    return text_of


def _number(value: Any) -> str:
    """Whole numbers exactly, others as 64 bits of floating point, and what is no number as it is."""
    if type(value) is str and value.isdigit() and value.isascii() and value[0] != "0" and len(value) < _LONGEST_NUMBER:
        return value  # Nearly every key of nearly every file.
    text = str(value).strip() if not isinstance(value, float) else repr(value)
    if len(text) > _LONGEST_NUMBER or not text.isascii():
        return text
    try:
        return str(int(text))
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    return str(int(number)) if number.is_integer() else repr(number)


def _boolean(value: Any) -> str:
    text = str(value).strip().lower()
    return {"1": "true", "0": "false"}.get(text, text)


def _moment(value: Any) -> str:
    """Without zone, in UTC; a day is its midnight."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return f"{value.isoformat()}T00:00:00"
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return str(value)
    return moment.isoformat()


def _other(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value, default=str)


_PLAIN: dict[ColumnType, Callable[[Any], str]] = {
    "integer": _number,
    "number": _number,
    "boolean": _boolean,
    "date": _moment,
    "timestamp": _moment,
}
