"""How much memory and time a reader process may take: set by the kernel from inside, watched from outside."""

import contextlib
import os
import resource
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MEGABYTE = 1024 * 1024
# Room for what is mapped and never touched: stacks of threads and the libraries' own data.
_UNTOUCHED_MB = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderLimits:
    """*memory_mb* of resident memory, *seconds* of the reader's own time for one request, waits for the hub left out.

    A function call may last ten minutes (`host.json`): a check that is ended here still has its finding recorded.
    """

    memory_mb: int = 768
    seconds: float = 420.0


def bind_memory(limits: ReaderLimits) -> None:
    """Let the kernel refuse this process more memory, so that an allocation fails instead of the machine."""
    room = (limits.memory_mb + _UNTOUCHED_MB) * _MEGABYTE
    with contextlib.suppress(ValueError, OSError):  # Some systems have no such limit; the parent watches as well.
        resource.setrlimit(resource.RLIMIT_DATA, (room, room))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # A core file would hold rows of the data.


def bind_time(limits: ReaderLimits) -> None:
    """Let the kernel end this process once the request has used its time, even if the app that watches it has died."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cores = os.cpu_count() or 1
    limit_s = int(usage.ru_utime + usage.ru_stime + limits.seconds * cores) + 1
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, resource.RLIM_INFINITY))


def resident_mb(process: int) -> float:
    """The resident memory of *process*, in megabytes; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    return int(fields[1]) * _PAGE / _MEGABYTE
