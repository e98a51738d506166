"""The ledger as blobs: a conditional create decides which of two writers was first.

It implements a port by itself and stands alone.
"""

import json
from collections.abc import Mapping
from typing import Any

from shared.ports import DataHub


class BlobLedger:
    """Implements `shared.ports.Ledger` in *container* of the hub."""

    def __init__(self, hub: DataHub, container: str) -> None:
        self._hub, self._container = hub, container

    def find(self, key: str) -> dict[str, Any] | None:
        data = self._hub.read(self._container, f"{key}.json")
        return None if data is None else dict(json.loads(data))

    def record(self, key: str, result: Mapping[str, Any]) -> dict[str, Any]:
        # A conditional create needs no lease and no clock: of two writers Azure lets exactly one create the blob.
        if self._hub.create(self._container, f"{key}.json", json.dumps(result, sort_keys=True).encode()):
            return dict(result)
        # The first entry stands, and its result is what the second writer is told.
        return self.find(key) or dict(result)
