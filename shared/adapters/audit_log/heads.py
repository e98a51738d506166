"""Signed tree heads as blobs: each carries the newest entry whole, and what makes the signed root of it.

So a head can be believed by itself: the frontier before the entry, and the entry, hash up to the root in its envelope.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from shared.adapters.audit_log.containers import LogBlobs
from shared.adapters.audit_log.layout import HEADS, head_path, size_of
from shared.codec import UndecodableError, decode, encode
from shared.domain.failures import Refused
from shared.domain.promotion.audit import Entry
from shared.domain.trust.envelopes import TREE_HEAD_TYPE, Envelope, envelope, signature_of
from shared.domain.trust.keys import Purpose
from shared.domain.trust.merkle import Frontier, leaf_hash
from shared.domain.trust.tree_heads import TreeHead, read_envelope, read_tree_head
from shared.ports import Clock, Signing

_KEYS = "see docs/signing-keys.md"
_MOST_KNOWN = 4096  # Heads of one or two kilobytes each.


class UnbelievedHead(Refused):
    """A head that is not signed, or not what it says; the message names it and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """*before* is the frontier of the log without *content*, the exact bytes of the newest *entry*."""

    envelope: Envelope
    head: TreeHead
    before: Frontier
    content: bytes
    entry: Entry

    @property
    def size(self) -> int:
        return self.head.size

    @property
    def frontier(self) -> Frontier:
        return self.before.append(leaf_hash(self.content))


class TreeHeads:
    """The heads of the log called *log* in *container*."""

    def __init__(self, hub: LogBlobs, container: str, signing: Signing, log: str, clock: Clock) -> None:
        self._hub, self._container, self._signing, self._clock = hub, container, signing, clock
        self._log = log
        self._known: dict[int, bytes] = {}

    def sign(self, before: Frontier, content: bytes) -> SignedHead:
        """The head after one more entry of these bytes; nothing is written.

        Raises Refused where the key may not sign for the log now: its head would stop every later appender.
        """
        after = before.append(leaf_hash(content))
        head = TreeHead(log=self._log, size=after.size, root=after.root, at=self._clock.now())
        envelope = self._signing.sign(Purpose.LOG, TREE_HEAD_TYPE, head.payload())
        if reason := self._signing.objection(Purpose.LOG, envelope, head.at):
            raise Refused(f"head {head.size} is not signed, since nobody would believe it: {reason}; {_KEYS}")
        return SignedHead(envelope=envelope, head=head, before=before, content=content, entry=_entry(content))

    def create(self, signed: SignedHead) -> bool:
        """Write *signed*; False where the log has a head of that size."""
        raw = _record(signed)
        is_created = self._hub.create(self._container, head_path(signed.size), raw)
        if is_created:
            self._remember(signed.size, raw)
        return is_created

    def read(self, size: int) -> SignedHead | None:
        """The head of *size*, None where there is none. Raises UnbelievedHead."""
        raw = self._hub.read(self._container, head_path(size))
        if raw is None:
            return None
        signed = self._believed(raw, size)
        self._remember(size, raw)
        return signed

    def recall(self, size: int) -> SignedHead | None:
        """As `read`, but without a round trip for a head that is known."""
        return self.known(size) or self.read(size)

    def known(self, size: int) -> SignedHead | None:
        """The head of *size* that this process has read or written before, else None. Raises UnbelievedHead.

        Most of what an activity reads of the log was read before. Its signature is judged at each use. A head that
        somebody has removed or edited since is found by `verify` and the watch, which read it.
        """
        raw = self._known.get(size)
        return None if raw is None else self._believed(raw, size)

    def newest(self) -> SignedHead | None:
        """The largest head that can be believed: a planted one, which nobody may be able to remove, hides no other."""
        for size in self.sizes():
            try:
                return self.read(size)
            except UnbelievedHead:
                continue
        return None

    def sizes(self) -> Iterator[int]:
        """The sizes that there are heads of, the largest first."""
        for path in self.paths():
            if (size := size_of(path)) is not None:
                yield size

    def paths(self) -> Iterator[str]:
        return (blob.path for blob in self._hub.list(self._container, HEADS))

    def objection(self, envelope: Envelope) -> tuple[TreeHead | None, str]:
        """What *envelope* says of this log, and why it is not believed; empty where the log's key has signed it."""
        try:
            head = read_tree_head(envelope)
        except ValueError as error:
            return None, str(error)
        return head, self._objection(envelope, head)

    def _remember(self, size: int, raw: bytes) -> None:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()  # What is read together is read again together.
        self._known[size] = raw

    def _objection(self, envelope: Envelope, head: TreeHead) -> str:
        if head.log != self._log:
            return f"it is of the log {head.log!r}, not of {self._log!r}"
        return self._signing.objection(Purpose.LOG, envelope, head.at)

    def _believed(self, raw: bytes, size: int) -> SignedHead:
        signed = _remembered_head(raw, size)
        if reason := self._objection(signed.envelope, signed.head):
            raise UnbelievedHead(f"head {size} is not believed: {reason}")
        return signed


def _consistent_head(raw: bytes, size: int) -> SignedHead:
    """The head of *size* in the bytes *raw*, whose entry and peaks make the root that it says; who signed it is not
    looked at. Raises UnbelievedHead.
    """
    try:
        record = json.loads(raw)
        signed_envelope = read_envelope(record["head"])
        peaks = tuple(b64decode(peak, validate=True) for peak in record["peaks"])
        before, content = Frontier(size=size - 1, peaks=peaks), b64decode(record["entry"], validate=True)
        after, entry = before.append(leaf_hash(content)), _entry(content)
    except (ValueError, KeyError, TypeError, UndecodableError) as error:
        raise UnbelievedHead(f"head {size} cannot be read: {error}") from error
    try:
        head = read_tree_head(signed_envelope)
        signed = SignedHead(envelope=signed_envelope, head=head, before=before, content=content, entry=entry)
        canonical = _record(signed)
    except ValueError as error:
        raise UnbelievedHead(f"head {size} is not believed: {error}") from error
    if (head.size, head.root) != (size, after.root):
        raise UnbelievedHead(f"head {size} is not believed: its entry and peaks do not make what is signed, {head}")
    if canonical != raw:  # The same content in other bytes: no appender writes it so.
        raise UnbelievedHead(f"head {size} was edited: it is not written as the log writes its heads")
    return signed


# Heads are never changed, and the same ones are read for each move of a promotion: their bytes are taken apart once.
_remembered_head = lru_cache(maxsize=_MOST_KNOWN)(_consistent_head)


def _entry(content: bytes) -> Entry:
    return decode(Entry, json.loads(content))


def _record(signed: SignedHead) -> bytes:
    """The blob of *signed*; there is one way to write it. Raises MalformedEnvelopeError."""
    keyid, signature = signature_of(signed.envelope)
    canonical = envelope(signed.envelope.payloadType, signed.envelope.content, keyid, signature)
    record = {
        "head": encode(canonical),
        "entry": b64encode(signed.content).decode(),
        "peaks": [b64encode(peak).decode() for peak in signed.before.peaks],
    }
    return json.dumps(record).encode()
