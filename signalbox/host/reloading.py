"""`--watch`: when a file of the app changes, the host stops cleanly and its process begins anew with the same port.

A module that was imported cannot be taken back, so a new program is the only way to be sure of what runs.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

_LOOK_EACH_S = 0.3
_SETTINGS = ("host.json", "local.settings.json")
_NOT_THE_APPS = ("__pycache__", "node_modules", "site-packages")

Stamps = Mapping[str, tuple[int, int]]


def stamps(app: Path) -> Stamps:
    """Time and size of each Python file of *app* and of its settings."""
    found = {}
    for folder, folders, names in os.walk(app):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _NOT_THE_APPS]
        for name in names:
            if name.endswith(".py") or (Path(folder) == app and name in _SETTINGS):
                file = Path(folder, name)
                if file.exists():  # It may have gone since the folder was read.
                    status = file.stat()
                    found[str(file)] = status.st_mtime_ns, status.st_size
    return found


async def changed_file(app: Path, before: Stamps) -> str:
    """The first file that is another than *before*, once there is one."""
    while True:
        await asyncio.sleep(_LOOK_EACH_S)
        now = await asyncio.to_thread(stamps, app)
        for file in sorted({*before, *now}):
            if before.get(file) != now.get(file):
                return file


def begin_anew(environment: Mapping[str, str], port: int) -> None:
    """Replace this program by itself, with the *environment* that it was started with; never returns."""
    sys.stdout.flush()
    sys.stderr.flush()
    command = [*sys.orig_argv, *([] if sys.orig_argv[-2:] == ["--port", str(port)] else ["--port", str(port)])]
    os.execve(sys.executable, command, dict(environment))
