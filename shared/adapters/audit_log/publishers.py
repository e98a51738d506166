"""Where tree heads are published: a container of another storage account, a folder on one machine, or a ledger.

All write each head once and overwrite nothing. Azure Confidential Ledger has a room of its own beside this one; the
artifact of Azure DevOps is made by a pipeline, so that the app has no right to write there (docs/audit-log.md).
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from azure.core.credentials import TokenCredential

from shared.codec import encode
from shared.domain.failures import Refused
from shared.domain.trust.envelopes import Envelope, MalformedEnvelopeError, canonical_json
from shared.domain.trust.tree_heads import read_envelope, read_tree_head
from shared.ports import DataHub, TreeHeadPublisher

_MOST = 999_999_999_999
_FILE, _LEDGER = "file:", "ledger:"


def open_publisher(
    place: str, open_hub: Callable[[str], DataHub], credential: TokenCredential, ledger_identity: str
) -> TreeHeadPublisher:
    """What publishes at *place*, a value of SIGNALBOX_TREE_HEADS; *open_hub* opens the blob service of an address.

    *ledger_identity* is the service that knows the certificates of ledgers.
    """
    if place.startswith(_FILE):
        return PublishedFolder(Path(place.removeprefix(_FILE)))
    service, _, name = place.removeprefix(_LEDGER).rpartition("/")
    if not place.startswith(_LEDGER):
        return PublishedContainer(open_hub(service), name)
    from shared.adapters.confidential_ledger.published_heads import PublishedLedger
    from shared.adapters.confidential_ledger.transactions import LedgerTransactions

    pause = time.sleep  # noqa: TID251 - Looks again a bounded number of times: the ledger sends no event.
    return PublishedLedger(LedgerTransactions(credential, service, ledger_identity, pause), name, pause)


class PublishedContainer:
    """Implements `shared.ports.TreeHeadPublisher` in *container* of *hub*, which is another account's."""

    def __init__(self, hub: DataHub, container: str) -> None:
        self._hub, self._container, self._last = hub, container, ""

    def publish(self, envelope: Envelope) -> None:
        name, content = _name(envelope), canonical_json(encode(envelope))
        if name != self._last:
            self._hub.create(self._container, name, content)
            self._last = name

    def published(self, first: int = 0, last: int | None = None) -> Iterator[Envelope]:
        for blob in self._hub.list(self._container, ""):
            if _is_before(blob.path, first):
                return
            if last is None or _is_before(blob.path, last + 1):
                yield _read(blob.path, self._hub.read(self._container, blob.path) or b"")


class PublishedFolder:
    """Implements `shared.ports.TreeHeadPublisher` in *folder*, for one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def publish(self, envelope: Envelope) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / _name(envelope)
        if path.exists():
            return
        part = path.with_suffix(".part")  # A crash leaves no half a head under its name.
        part.write_bytes(canonical_json(encode(envelope)))
        part.replace(path)

    def published(self, first: int = 0, last: int | None = None) -> Iterator[Envelope]:
        for path in sorted(self._folder.glob("*.json")):
            if _is_before(path.name, first):
                return
            if last is None or _is_before(path.name, last + 1):
                yield _read(path.name, path.read_bytes())


def _name(envelope: Envelope) -> str:
    """The largest size sorts first. Two heads of one size have two names: a fork is kept whole."""
    head = read_tree_head(envelope)
    return f"{_MOST - head.size:012d}-{hashlib.sha256(head.root).hexdigest()[:16]}.json"


def _is_before(name: str, first: int) -> bool:
    number = name.partition("-")[0]
    return number.isascii() and number.isdigit() and _MOST - int(number) < first


def _read(name: str, content: bytes) -> Envelope:
    """Raises Refused where it is no envelope: nobody but the app writes there."""
    try:
        return read_envelope(json.loads(content))
    except (ValueError, MalformedEnvelopeError) as error:
        raise Refused(f"the published head {name} cannot be read: {error}") from error
