"""What is said of a file does not depend on what its reader process was asked before."""

import csv
from pathlib import Path

from shared.adapters.reader.files import local_file
from shared.adapters.reader.text_operations import read_cells


def test_a_field_is_too_long_whatever_was_read_before(tmp_path: Path) -> None:
    file = tmp_path / "long.csv"
    file.write_text("id\n" + "x" * 200_000 + "\n")
    before = csv.field_size_limit(16 * 1024 * 1024)  # As a comparison of rows leaves it.
    try:
        frames = list(read_cells([local_file(file)]))
    finally:
        csv.field_size_limit(before)

    assert "field larger than field limit" in frames[-1][0]["unreadable"]
