"""`python -m activities.golden_rows FILE ROWS EACH [LEFT OUT...]`: the first ROWS rows of a CSV file as requests.

It prints a JSON list of requests, with EACH rows in one, as promotions ask a deployment about a hold-out. The columns
LEFT OUT, such as the known answers, are in none of them.
"""

import csv
import json
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from activities.online_rows import rows_request


def requests_of(file: Path, count: int, each: int, left_out: Sequence[str]) -> list[dict[str, Any]]:
    """The requests. Raises ValueError where *file* is no such table or lacks a column that is to be left out."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        if missing := [name for name in left_out if name not in header]:
            raise ValueError(f"{file} has no column {', '.join(missing)}; it has {', '.join(header) or 'none'}")
        features = [name for name in header if name not in left_out]
        places = [header.index(name) for name in features]
        rows = list[list[str]]()
        for cells in islice(filter(None, reader), count):
            rows.append(cells)
            if len(cells) != len(header):
                place = f"row {len(rows)} (line {reader.line_num})"
                raise ValueError(f"{file}: {place} has another number of fields than the header")
    if not rows or not features:
        raise ValueError(f"{file} has no rows to ask about")
    return [
        rows_request(features, [[cells[place] for place in places] for cells in part]) for part in _parts(rows, each)
    ]


def _parts(rows: list[list[str]], size: int) -> list[list[list[str]]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def main(arguments: list[str]) -> int:
    """Print the requests; 2 where there are none."""
    file, count, each, *left_out = arguments
    try:
        print(json.dumps(requests_of(Path(file), int(count), int(each), left_out)))
    except (OSError, ValueError, csv.Error) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
