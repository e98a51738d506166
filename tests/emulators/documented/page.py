"""The table of the operations in docs/local-cloud.md; `python -m tests.emulators.documented.page` writes it."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Protocol

from tests.emulators.documented.rows import ROWS

PAGE = Path(__file__).parents[3] / "docs" / "local-cloud.md"
_BEGIN, _END = "<!-- operations: make documents writes them -->", "<!-- end of operations -->"


class Row(Protocol):
    """A documented operation of a client."""

    @property
    def area(self) -> str: ...

    @property
    def words(self) -> str: ...

    @property
    def is_served(self) -> bool: ...


def page(text: str, rows: Sequence[Row] = ROWS) -> str:
    """The *text* of the page with the table as it has to be: a row for each area of the client."""
    lines = ["| client | served | answered with 501 |", "|---|---|---|"]
    for area, operations in groupby(sorted(rows, key=lambda row: row.area), key=lambda row: row.area):
        cells: dict[bool, list[str]] = {True: [], False: []}
        for operation in operations:
            cells[operation.is_served].append(operation.words)
        lines.append(f"| `{area}` | {', '.join(cells[True])} | {', '.join(cells[False])} |")
    before, _, rest = text.partition(_BEGIN)
    return "\n".join([before + _BEGIN, "", *lines, "", _END]) + rest.partition(_END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
