"""Where a row of a CSV file lies, as people look for it: by its line. It stands alone because hold-outs and training
files are refused alike.
"""

from shared.ports import Blob, RowFiles


def row_place(files: RowFiles, blob: Blob, row: int) -> str:
    """`row 2 (line 3)` of the file *blob*; rows are counted from 1 without the header.

    Values may go over lines, and empty lines are no rows: the file is read again, since somebody is refused only once.
    """
    lines, rows = 0, -1
    for cells in files.cells(blob):
        first_line = lines + 1
        lines += 1 + sum(cell.count("\n") for cell in cells)
        rows += bool(cells)
        if rows == row:
            return f"row {row} (line {first_line})"
    return f"row {row}"
