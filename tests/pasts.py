"""What an app has become, for tests that go on from there: what many of them begin with is played once in a process.

The past lies in the blobs, in the Azure ML of the test and in the files of the host. It is taken up as after a restart,
so what a process only remembers is no part of it.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest

from tests.fakes.ports import FakeClients
from tests.fakes.promotion import MemoryCloud
from tests.hosted import HostedApp

AppT = TypeVar("AppT", bound=HostedApp)
Step = Callable[[AppT], Awaitable[object]]


@dataclass(frozen=True)
class Past:
    """*files* are those of the host's folder. The rest is the content of the fakes."""

    now: datetime
    hub: dict[str, Any]
    cloud: dict[str, Any]
    events: list[Any]
    files: dict[str, bytes]

    @classmethod
    def of(cls, clients: FakeClients, cloud: MemoryCloud, folder: Path) -> "Past":
        """The past of an app whose host has stopped and has left its state in *folder*."""
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        hub = {name: getattr(clients.hub, name) for name in ("blobs", "writes", "blocks", "_versions")}
        seen = {name: getattr(cloud, name) for name in ("state", "effects", "predict")}
        return cls(clients.clock.now(), hub, seen, clients.announcer.events, files)  # type: ignore[attr-defined]

    def restore(self, clients: FakeClients, cloud: MemoryCloud, folder: Path) -> None:
        """Give this past to *clients* and their *cloud*, and to the host that will begin in *folder*."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        blobs = {key: (blob, _own(data)) for key, (blob, data) in self.hub["blobs"].items()}
        vars(clients.hub).update({**deepcopy({**self.hub, "blobs": {}}), "blobs": blobs})
        vars(cloud).update(deepcopy(self.cloud))
        clients.announcer.events.extend(self.events)  # type: ignore[attr-defined]


Running = Callable[[Path, pytest.MonkeyPatch, Past | None], AbstractAsyncContextManager[AppT]]
_played: dict[tuple[str, tuple[Step[Any], ...]], Past] = {}


async def past_after(steps: Sequence[Step[AppT]], kind: str, running: Running[AppT]) -> Past | None:
    """What an app of the *kind* that *running* starts is after *steps*. None without a step."""
    if not steps:
        return None
    key = (kind, tuple(steps))
    if key not in _played:
        before = await past_after(steps[:-1], kind, running)
        with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
            async with running(Path(folder), monkeypatch, before) as app:
                await steps[-1](app)
                await app.host.settle()
            _played[key] = Past.of(app.clients, app.cloud, Path(folder))  # type: ignore[attr-defined]
    return _played[key]


def _own(data: bytes | bytearray) -> bytes | bytearray:
    """A log grows in place."""
    return bytearray(data) if isinstance(data, bytearray) else data
