"""One host per state folder: a lock that the system releases even after `kill -9`."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from signalbox.host.errors import HostError


class StateLock:
    """Holds `host.lock` in *state* from `acquire` to `release`."""

    def __init__(self, state: Path) -> None:
        self._path = state / "host.lock"
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises HostError when another host has it."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(handle, 32).decode() or "unknown"
            os.close(handle)
            raise HostError(
                f"state folder {self._path.parent} is in use by another host (process {owner}): "
                "stop that host or choose another --state"
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._handle = handle

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
