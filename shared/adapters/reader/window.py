"""A few megabytes that the app and its reader share: ranges of files go through it, as sockets copy in small steps.

It stands alone, because the app and the reader's process share it.
"""

import os
import tempfile
from typing import IO

WINDOW = 8 * 1024 * 1024


def shared_window() -> IO[bytes]:
    """A file of that size, in memory where the system can; both sides map it, and it goes with the last of them."""
    in_memory = hasattr(os, "memfd_create")
    file: IO[bytes] = (
        os.fdopen(os.memfd_create("signalbox-window"), "r+b") if in_memory else tempfile.TemporaryFile()  # noqa: SIM115
    )
    file.truncate(WINDOW)
    return file
