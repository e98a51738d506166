"""A log that an earlier release has written: its entries stay as they are, and are signed from the next one on."""

import json
from dataclasses import dataclass

from shared.adapters.audit_log.containers import LogBlobs
from shared.adapters.audit_log.layout import FORMER_HEAD, entry_path, key_path, subject_path
from shared.codec import decode
from shared.domain.promotion.audit import Entry
from shared.domain.trust.merkle import Frontier, leaf_hash

# The kind and the key of the entry with which a log begins to be signed. Without it the first head is that of entry 1.
ADOPTION = "audit log signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerLog:
    """*hash* is the last entry's."""

    frontier: Frontier
    hash: str


def former_log(hub: LogBlobs, container: str) -> FormerLog | None:
    """The entries without heads, read once; None where there are none."""
    frontier, last = Frontier(), b""
    while (content := _content(hub, container, frontier.size + 1)) is not None:
        frontier, last = frontier.append(leaf_hash(content)), content
    return FormerLog(frontier=frontier, hash=decode(Entry, json.loads(last)).hash) if last else None


def _content(hub: LogBlobs, container: str, number: int) -> bytes | None:
    """The bytes of an entry. The newest may stand in the former head alone: it is laid down."""
    content = hub.read(container, entry_path(number))
    if content is not None:
        return content
    head = hub.read(container, FORMER_HEAD)
    entry = decode(Entry, json.loads(head)) if head else None
    if head is None or entry is None or entry.number != number:
        return None
    hub.create(container, entry_path(number), head)
    hub.create(container, key_path(entry.key), json.dumps(entry_path(number)).encode())
    hub.create(container, subject_path(entry.subject, number), b"")
    return head
