"""The parts of a sweep: each is tried whatever became of the others, and what failed is recorded for people to see."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from shared import contracts as c
from shared.domain.failures import Transient
from shared.records import paths as records
from shared.records.access import DatedRecords

_MOST_RECORDED, _MOST_TOLD, _LONGEST = 100, 10, 500
_log = logging.getLogger(__name__)


class Parts:
    """What of the sweep called *name* has failed so far."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._failures = dict[str, str]()
        self._transient = False

    @contextmanager
    def part(self, what: str) -> Iterator[None]:
        """Whatever goes wrong inside is noted under *what*, and the sweep goes on with the next part."""
        try:
            yield
        except Exception as error:  # A record that cannot be read raises anything.
            plain = isinstance(error, Transient) or type(error).__module__.startswith("shared.")
            because = str(error) if plain else f"{type(error).__name__}: {error}"
            self._transient = self._transient or isinstance(error, Transient)
            self._failures.setdefault(what[:_LONGEST], because[:_LONGEST])
            _log.error("sweep of %s: %s failed: %s", self._name, what, because)

    async def conclude(self, kept: DatedRecords, swept: c.Swept) -> c.Swept:
        """*swept* with what failed, once that is recorded. Raises Transient where trying again may help."""
        await asyncio.to_thread(self._record, kept)
        told = tuple(f"{what}: {because}" for what, because in list(self._failures.items())[:_MOST_TOLD])
        if self._transient:
            raise Transient(f"of the sweep of {self._name} failed: {'; '.join(told)}")
        return replace(swept, failed=told)

    def _record(self, kept: DatedRecords) -> None:
        """Since when each part has failed; written only where that has changed."""
        hub, state, path = kept.hub, kept.configuration.hub.state, records.failed_parts(self._name)
        there = hub.find(state, path)
        before = _read(hub.read(state, path) if there else None)
        now = kept.clock.now().isoformat(timespec="seconds")
        failed = {
            what: {"because": because, "since": before.get(what, {}).get("since", now)}
            for what, because in list(self._failures.items())[:_MOST_RECORDED]
        }
        if failed == before:
            return
        content = json.dumps(failed).encode()
        if there is None:
            hub.create(state, path, content)
        else:
            hub.replace(state, path, content, there.etag)


def _read(raw: bytes | None) -> dict[str, dict[str, str]]:
    try:
        found = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
