"""Signed tree heads: what the audit log's own key says about the log at one size, and the proof of one entry under it.

The forms are documented in docs/audit-log.md; the offline verifier reads them and knows nothing else of the product.
"""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.trust.envelopes import (
    TREE_HEAD_TYPE,
    Envelope,
    EnvelopeSignature,
    MalformedEnvelopeError,
    canonical_json,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """The log called *log* had *size* entries with the Merkle root *root* at the time *at* (UTC)."""

    log: str
    size: int
    root: bytes
    at: datetime

    def payload(self) -> bytes:
        """The canonical JSON that is signed; the root is base64."""
        root = b64encode(self.root).decode()
        return canonical_json({"log": self.log, "size": self.size, "root": root, "at": self.at.isoformat()})

    def __str__(self) -> str:
        """`SIZE:ROOT`, as `signalbox audit verify` prints and takes it."""
        return f"{self.size}:{b64encode(self.root).decode()}"


def read_tree_head(envelope: Envelope) -> TreeHead:
    """What *envelope* says; its signature is not checked. Raises MalformedEnvelopeError where it is not a tree head."""
    if envelope.payloadType != TREE_HEAD_TYPE:
        raise MalformedEnvelopeError(f"its type is {envelope.payloadType!r}, not {TREE_HEAD_TYPE}")
    content = envelope.content
    try:
        raw = json.loads(content)
        head = TreeHead(
            log=raw["log"],
            size=raw["size"],
            root=b64decode(raw["root"], validate=True),
            at=datetime.fromisoformat(raw["at"]),
        )
        if head.payload() != content or type(head.size) is not int or head.at.tzinfo is None:
            raise ValueError("it is not canonical")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedEnvelopeError(f"it is not a tree head: {error!r}") from error
    return head


def read_envelope(raw: Any) -> Envelope:
    """An envelope of its JSON. Raises MalformedEnvelopeError."""
    try:
        signatures = tuple(EnvelopeSignature(keyid=each["keyid"], sig=each["sig"]) for each in raw["signatures"])
        envelope = Envelope(payloadType=raw["payloadType"], payload=raw["payload"], signatures=signatures)
        texts = (
            envelope.payloadType,
            envelope.payload,
            *(part for each in signatures for part in (each.keyid, each.sig)),
        )
    except (KeyError, TypeError) as error:
        raise MalformedEnvelopeError(f"it is not a DSSE envelope: {error!r}") from error
    if not all(isinstance(text, str) for text in texts):
        raise MalformedEnvelopeError("it is not a DSSE envelope: a member is not a text")
    return envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryProof:
    """Shows offline that an entry is in the log: all bytes are base64, *index* counts from 0."""

    entry: str
    index: int
    size: int
    hashes: tuple[str, ...]
    head: Envelope


def entry_proof(entry: bytes, index: int, hashes: tuple[bytes, ...], head: Envelope) -> EntryProof:
    """The proof of *entry*, which is number *index* of those under *head*, by its audit path *hashes*."""
    return EntryProof(
        entry=b64encode(entry).decode(),
        index=index,
        size=read_tree_head(head).size,
        hashes=tuple(b64encode(node).decode() for node in hashes),
        head=head,
    )
