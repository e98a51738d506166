"""Tree heads in Azure Confidential Ledger: entries that nobody can change or remove, its administrators included.

A head counts as published once its transaction is committed. Heads of a thousand sizes share a collection, so that
comparing the new part of the log does not read the ledger from its beginning.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator

from shared.adapters.confidential_ledger.transactions import LedgerTransactions
from shared.codec import encode
from shared.domain.failures import Transient
from shared.domain.trust.envelopes import Envelope, MalformedEnvelopeError, canonical_json
from shared.domain.trust.tree_heads import read_envelope, read_tree_head

_SIZES = 1000
_LOOKS, _PAUSE_S = 20, 0.25  # A transaction is committed within a second, as a rule.
_UNREADABLE = "application/octet-stream"


class PublishedLedger:
    """Implements `shared.ports.TreeHeadPublisher` in the collections `PREFIX-NUMBER` of *ledger*."""

    def __init__(self, ledger: LedgerTransactions, prefix: str, pause: Callable[[float], None]) -> None:
        self._ledger, self._prefix, self._pause = ledger, prefix, pause
        self._last = ""

    def publish(self, envelope: Envelope) -> None:
        """Raises Transient where the transaction is not committed in time: the next call looks for it again."""
        contents = canonical_json(encode(envelope)).decode()
        if contents == self._last:
            return
        collection = f"{self._prefix}-{read_tree_head(envelope).size // _SIZES:09d}"
        newest = self._ledger.newest(collection)
        if newest is not None and newest.contents == contents:
            transaction = newest.transaction  # A call before this one has written it and did not see it committed.
        else:
            transaction = self._ledger.add(collection, contents)
        self._require_committed(transaction)
        self._last = contents

    def published(self, first: int = 0, last: int | None = None) -> Iterator[Envelope]:
        for collection in sorted(self._collections(first, last), reverse=True):
            yield from self._heads(collection, first, last)

    def _collections(self, first: int, last: int | None) -> Iterator[str]:
        """Those that may have heads of these sizes; their names sort by size."""
        for collection in self._ledger.collections():
            prefix, _, number = collection.rpartition("-")
            if prefix == self._prefix and len(number) == 9 and number.isascii() and number.isdigit():
                bucket = int(number)
                if bucket >= first // _SIZES and (last is None or bucket <= last // _SIZES):
                    yield collection

    def _heads(self, collection: str, first: int, last: int | None) -> Iterator[Envelope]:
        """The largest head first; after them what is no head, which the verification names.

        Others may write to the same ledger, and nobody can remove what they wrote: it must not keep heads from being
        read.
        """
        heads, others = dict[tuple[int, str], Envelope](), list[Envelope]()
        for contents in dict.fromkeys(entry.contents for entry in self._ledger.entries(collection)):
            try:
                envelope = read_envelope(json.loads(contents))
                heads[read_tree_head(envelope).size, contents] = envelope
            except (ValueError, MalformedEnvelopeError):
                payload = b64encode(contents.encode()).decode()
                others.append(Envelope(payloadType=_UNREADABLE, payload=payload, signatures=()))
        for size, contents in sorted(heads, reverse=True):
            if size >= first and (last is None or size <= last):
                yield heads[size, contents]
        yield from others

    def _require_committed(self, transaction: str) -> None:
        for _ in range(_LOOKS):
            if self._ledger.is_committed(transaction):
                return
            self._pause(_PAUSE_S)
        raise Transient(f"the ledger has not committed transaction {transaction} yet, so its head is not published")
