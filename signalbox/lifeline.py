"""A process that must not outlive the one that started it.

It stands alone, because workers of the emulators and the launcher share it.
"""

import contextlib
import ctypes
import signal
import sys

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h


def die_with_parent(farewell: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to send *farewell* to this process when its parent ends, however that happens; Linux only."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, farewell)
