"""A file that is to be read, wherever it lies: in the hub, on the disk, in memory.

It stands alone, because importing it loads nothing of the reader.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFile:
    """*open* gives a new seekable binary stream of the file each time; *name* is what findings call it."""

    name: str
    open: Callable[[], BinaryIO]


def local_file(path: Path, name: str = "") -> TableFile:
    """The file at *path* on this machine's disk."""
    return TableFile(name=name or path.name, open=lambda: path.open("rb"))
