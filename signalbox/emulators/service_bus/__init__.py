"""Azure Service Bus on one machine: AMQP 1.0 by Qpid Proton, messages in SQLite, for the unmodified clients."""

from importlib.util import find_spec
from typing import Protocol


def is_available() -> bool:
    """Whether Qpid Proton is installed: it is built from source, and not every machine has a C compiler."""
    return find_spec("proton") is not None


class Bus(Protocol):
    """What a process that serves the namespace does with it."""

    async def run(self) -> None: ...

    async def close(self) -> None: ...


class NoBus:
    """The namespace of a machine without Qpid Proton: nobody answers on its ports."""

    async def run(self) -> None:
        return

    async def close(self) -> None:
        return
