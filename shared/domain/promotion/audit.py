"""The audit chain: each entry carries the hash of the one before, so that an edit, a gap or a reordering shows."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from shared.domain.newer import NEWER, newer_fields

GENESIS = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """*number* counts from 1; *key* is the fact's own, so that a repeat is found; *at* is ISO 8601 UTC.

    *team* owned the subject at that time; it is empty for what is the platform's, and in entries of earlier releases.
    """

    number: int
    before: str
    key: str
    at: str
    kind: str
    subject: str
    who: str
    facts: dict[str, Any] = field(default_factory=dict)
    hash: str = ""
    team: str = field(default="", metadata=NEWER)


def sealed(entry: Entry) -> Entry:
    """*entry* with its hash: sha256 of the canonical JSON of everything else.

    A field that earlier releases did not have is left out while it is empty: their entries keep their hashes.
    """
    left_out = ("hash", *(name for name, default in newer_fields(Entry) if getattr(entry, name) == default))
    content = {member.name: getattr(entry, member.name) for member in fields(entry) if member.name not in left_out}
    return replace(entry, hash=canonical_digest(content))


def canonical_digest(content: Any) -> str:
    """`sha256:` of *content* as JSON with sorted keys and no blanks."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def verify(entries: Iterable[Entry], head: Entry | None, start: Entry | None = None) -> tuple[int, tuple[str, ...]]:
    """How many entries there are, and every break of the chain, in order. *head* is the recorded last entry.

    With *start*, *entries* are those after it, and it is known to be true.
    """
    before, count, problems, keys = GENESIS, 0, list[str](), set[str]()
    last = start
    if start is not None:
        before, count = start.hash, start.number
    for entry in entries:
        count += 1
        problems += _breaks(entry, count, before, keys)
        keys.add(entry.key)
        before, last = entry.hash, entry
    if head is not None and (last is None or (head.number, head.hash) != (last.number, last.hash)):
        problems.append(f"the head says entry {head.number} ({head.hash}), the chain ends at {count} ({before})")
    return count, tuple(problems)


def _breaks(entry: Entry, number: int, before: str, keys: set[str]) -> list[str]:
    problems = []
    if entry.number != number:
        problems.append(f"entry {number} is missing: {entry.number} stands in its place")
    if entry.before != before:
        problems.append(f"entry {entry.number} does not follow the one before it: {entry.before} is not {before}")
    if sealed(entry).hash != entry.hash:
        problems.append(f"entry {entry.number} was changed: its content does not have its hash {entry.hash}")
    if entry.key in keys:
        problems.append(f"entry {entry.number} repeats key {entry.key!r}")
    return problems
