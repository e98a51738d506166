"""Where the log's blobs lie: in a container of their own, and before that container was named, among the records.

The log is one: what was written before goes on being read where it lies, and nothing is copied. New blobs are only
ever created, in the container of their own, so that a locked immutability policy can lie on it.
"""

import heapq
from collections.abc import Iterator, Mapping
from typing import Protocol

from shared.ports import Blob


class LogBlobs(Protocol):
    """All that the log needs of a hub. It has no way to replace or to delete a blob."""

    def list(self, container: str, prefix: str) -> Iterator[Blob]: ...
    def find(self, container: str, path: str) -> Blob | None: ...
    def read(self, container: str, path: str) -> bytes | None: ...
    def create(self, container: str, path: str, data: bytes, metadata: Mapping[str, str] | None = None) -> bool: ...


class ContinuedLog:
    """`LogBlobs` of a log that began in the container *former* of *hub*."""

    def __init__(self, hub: LogBlobs, former: str) -> None:
        self._hub, self._former = hub, former

    def list(self, container: str, prefix: str) -> Iterator[Blob]:
        """The blobs of both in the order of their paths, each path once."""
        path = ""
        both = (self._hub.list(container, prefix), self._hub.list(self._former, prefix))
        for blob in heapq.merge(*both, key=lambda blob: blob.path):
            if blob.path != path:
                yield blob
            path = blob.path

    def find(self, container: str, path: str) -> Blob | None:
        return self._hub.find(container, path) or self._hub.find(self._former, path)

    def read(self, container: str, path: str) -> bytes | None:
        content = self._hub.read(container, path)
        return self._hub.read(self._former, path) if content is None else content

    def create(self, container: str, path: str, data: bytes, metadata: Mapping[str, str] | None = None) -> bool:
        """False also where the log had the blob before it came here."""
        return self._hub.find(self._former, path) is None and self._hub.create(container, path, data, metadata)
