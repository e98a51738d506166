"""The rows of a collected request, and the outputs of a collected answer, whatever form callers and scripts give them.

Not here: the events around them, which the adapter reads.
"""

from collections.abc import Mapping
from typing import Any

_WRAPPERS = ("input_data", "dataframe_split", "dataframe_records", "inputs", "data")


class UnreadableRows(ValueError):
    """The payload has no rows that could be told apart; the message says what it has."""


def input_rows(data: Any) -> list[dict[str, Any]]:
    """The rows of a request: records, columns with data as pandas writes them, or one record alone.

    Raises UnreadableRows.
    """
    content = data
    for _ in _WRAPPERS:  # `{"input_data": {"data": [...]}}` has two of them.
        wrapper = next((name for name in _WRAPPERS if _wraps(content, name)), None)
        if wrapper is None:
            break
        content = content[wrapper]
    if isinstance(content, dict) and isinstance(content.get("columns"), list):
        return _split_rows(content["columns"], content.get("data"))
    if isinstance(content, dict) and content and not any(isinstance(cell, dict | list) for cell in content.values()):
        return [content]
    if isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
        return content
    raise UnreadableRows(f"the request has no rows with names: {_shown(data)}")


def output_values(data: Any, field: str) -> list[Any]:
    """The outputs of an answer, one for each row: a list, a member of an answer, or a column of records.

    Raises UnreadableRows.
    """
    content = data
    if isinstance(content, dict) and isinstance(content.get(field or "predictions"), list):
        content = content[field or "predictions"]
        return list(content)
    rows = content if isinstance(content, list) else [content]
    if field:
        if not all(isinstance(row, dict) and field in row for row in rows):
            raise UnreadableRows(f"the answer has no {field!r}: {_shown(data)}")
        return [row[field] for row in rows]
    if not rows or any(isinstance(row, dict) or row is None for row in rows):
        raise UnreadableRows(f"the answer has no outputs: {_shown(data)}")
    return rows


def _wraps(content: Any, name: str) -> bool:
    """Whether the member *name* holds all rows: `data` beside `columns` is a part of the rows."""
    return isinstance(content, Mapping) and "columns" not in content and isinstance(content.get(name), dict | list)


def _split_rows(columns: list[Any], data: Any) -> list[dict[str, Any]]:
    if not isinstance(data, list) or not data:
        raise UnreadableRows("the request has columns, and no data")
    if any(not isinstance(cells, list) or len(cells) != len(columns) for cells in data):
        raise UnreadableRows("the request has rows that do not have a cell for each column")
    names = [str(column) for column in columns]
    return [dict(zip(names, cells, strict=True)) for cells in data]


def _shown(data: Any) -> str:
    return repr(data)[:100]
