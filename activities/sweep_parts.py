"""The parts of a sweep: each is tried whatever became of the others, and what failed is recorded for people to see."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from shared import contracts as c
from shared.clients import Clients
from shared.domain.failures import Transient
from shared.ports import Blob
from shared.records.operations import note_failed_parts
from shared.records.store import RecordStore, Stored

T = TypeVar("T")

_MOST_RECORDED, _MOST_TOLD, _LONGEST = 100, 10, 500
_log = logging.getLogger(__name__)


class Parts:
    """The parts of the sweep called *name* that have failed so far."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._failures = dict[str, str]()
        self._transient = False

    @contextmanager
    def part(self, subject: str) -> Iterator[None]:
        """Note a failure inside under *subject*, so that the sweep goes on with the next part."""
        try:
            yield
        except Exception as error:  # A record that cannot be read raises anything.
            # Messages of our own errors are sentences. Others, such as KeyError('x'), mean nothing without their type.
            plain = isinstance(error, Transient) or type(error).__module__.startswith("shared.")
            because = str(error) if plain else f"{type(error).__name__}: {error}"
            self._transient = self._transient or isinstance(error, Transient)
            self._failures.setdefault(subject[:_LONGEST], because[:_LONGEST])
            _log.error("sweep of %s: %s failed: %s", self._name, subject, because)

    def records(
        self, store: RecordStore, kind: type[T], folder: str, is_due: Callable[[Blob], bool] = lambda _: True
    ) -> list[Stored[T]]:
        """The due records below *folder* that are still there; one that cannot be read is a part that failed."""
        records = list[Stored[T]]()
        for blob in store.blobs(folder):
            with self.part(f"record {store.container}/{blob.path}"):
                record = store.get(kind, blob.path) if is_due(blob) else None
                if record is not None:
                    records.append(Stored(record=record, blob=blob))
        return records

    async def conclude(self, clients: Clients, swept: c.Swept) -> c.Swept:
        """*swept* with what failed, once that is recorded. Raises Transient where trying again may help."""
        await asyncio.to_thread(self._record, clients)
        lines = tuple(f"{subject}: {because}" for subject, because in list(self._failures.items())[:_MOST_TOLD])
        if self._transient:
            raise Transient(f"of the sweep of {self._name} failed: {'; '.join(lines)}")
        return replace(swept, failed=lines)

    def _record(self, clients: Clients) -> None:
        """Since when each part has failed; written only where that has changed."""
        failures = dict(list(self._failures.items())[:_MOST_RECORDED])
        note_failed_parts(clients.store, self._name, failures, clients.clock.now().isoformat(timespec="seconds"))
