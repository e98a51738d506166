"""Whether the audit log is whole: every entry, head, index and tile is compared with what the log's key has signed.

With a start it reads the new part only: the head of that size is signed, and what came before it is under its root.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile

from shared.adapters.audit_log.adoption import ADOPTION
from shared.adapters.audit_log.containers import LogBlobs
from shared.adapters.audit_log.growing_tiles import GrowingTiles
from shared.adapters.audit_log.heads import SignedHead, TreeHeads, UnbelievedHead
from shared.adapters.audit_log.layout import (
    ENTRIES,
    KEYS,
    SUBJECTS,
    entry_number,
    entry_path,
    key_path,
    size_of,
    subject_folder,
    subject_path,
)
from shared.adapters.audit_log.tiles import Tiles
from shared.codec import UndecodableError, decode
from shared.domain.counts import counted
from shared.domain.failures import Refused
from shared.domain.promotion.audit import Entry, verify
from shared.domain.trust.merkle import Frontier, leaf_hash
from shared.domain.trust.tree_heads import TreeHead
from shared.ports import AuditReport, TreeHeadPublisher


@dataclass(slots=True)
class Walk:
    """Where the walk along the entries is, and what it has met.

    Entries have heads from *first_head* on. *adopted_at* is the entry with which an older log began to have them; 0
    where it had them from its first entry, or where the walk begins later.
    """

    frontier: Frontier
    tiles: GrowingTiles | None
    first_head: int
    adopted_at: int
    published: dict[int, list[TreeHead]]
    problems: list[str] = field(default_factory=list)
    # The entries in order, each with the folder of its subject; those that an index does not name; the last head read.
    places: list[tuple[int, str]] = field(default_factory=list)
    nameless: list[int] = field(default_factory=list)
    last: SignedHead | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedPart:
    """*count* entries could be read up to number *size*; *tail* is the newest head of the log."""

    walk: Walk
    count: int
    size: int
    tail: SignedHead | None
    problems: tuple[str, ...]


class Verification:
    """Verifies the log whose *heads* and *tiles* lie in *container*, against what *publisher* has."""

    def __init__(
        self, hub: LogBlobs, container: str, heads: TreeHeads, tiles: Tiles, publisher: TreeHeadPublisher | None
    ) -> None:
        self._hub, self._container, self._heads, self._tiles = hub, container, heads, tiles
        self._publisher = publisher

    def run(self, find_tail: Callable[[], SignedHead | None], since: str) -> AuditReport:
        """Up to the head of this moment: others append meanwhile. *since* is `SIZE` or `SIZE:ROOT`.

        Raises Refused where there is no signed head of that size.
        """
        start = self._start(since)
        first = start.size if start else 0
        part = self.part(find_tail, start)
        walk, problems, size = part.walk, list(part.problems), part.size
        if start is not None and since.partition(":")[2] and since != str(start.head):
            problems.append(f"the log is forked: its head is {start.head}, not {since}")
        problems += self.beyond(find_tail, walk, first, size)
        if start is None:
            problems += self._uncounted(part.count, size)
        return AuditReport(
            entries=part.count,
            problems=tuple(dict.fromkeys(problems)),
            head=part.tail.entry.hash if part.tail else "",
            tree_head=str(part.tail.head) if part.tail else "",
        )

    def part(
        self,
        find_tail: Callable[[], SignedHead | None],
        start: SignedHead | None,
        most: int | None = None,
        last: int | None = None,
    ) -> VerifiedPart:
        """What the walk finds after *start*: of at most *most* entries, and of none after number *last*."""
        first = start.size if start else 0
        published, problems = self._published(first, last)
        try:
            tail = find_tail()
        except Refused as refusal:
            # The log contradicts itself: what can be said of it goes up to the newest head that is believed.
            problems.append(str(refusal))
            tail = self._heads.newest()
        size = tail.size if tail else 0
        first_head = first + 1 if start else min(self._heads.sizes(), default=1)
        if most is not None:  # A part ends at a head: what an earlier release has written without is one part.
            size = min(size if last is None else min(size, last), max(first + most, first_head))
        walk = Walk(
            frontier=start.frontier if start else Frontier(),
            tiles=self._growing_tiles(start, problems),
            first_head=first_head,
            adopted_at=first_head if start is None and first_head > 1 else 0,
            published=published,
        )
        end = tail.entry if tail and tail.size == size else None
        count, breaks = verify(self._walk(walk, size), end, start.entry if start else None)
        return VerifiedPart(walk=walk, count=count, size=size, tail=tail, problems=(*breaks, *walk.problems, *problems))

    def _start(self, since: str) -> SignedHead | None:
        if not since:
            return None
        size = since.partition(":")[0]
        start = self._heads.read(int(size)) if size.isascii() and size.isdigit() and len(size) <= 12 else None
        if start is None:
            raise Refused(f"the audit log has no signed head {since!r}; take one that `signalbox audit verify` printed")
        return start

    def _published(self, first: int, last: int | None) -> tuple[dict[int, list[TreeHead]], list[str]]:
        """The published heads from size *first* to *last*, by their size, and those that are not believed."""
        heads, problems = dict[int, list[TreeHead]](), list[str]()
        for envelope in self._publisher.published(first, last) if self._publisher else ():
            head, reason = self._heads.objection(envelope)
            if head is None or reason:
                problems.append(f"a published head ({head or 'unreadable'}) is not believed: {reason}")
            else:
                heads.setdefault(head.size, []).append(head)
        return heads, problems

    def _growing_tiles(self, start: SignedHead | None, problems: list[str]) -> GrowingTiles | None:
        if start is None:
            return GrowingTiles()
        growing = GrowingTiles.after(self._tiles, start.size)
        if growing.frontier != start.frontier:
            problems.append(f"tiles before entry {start.size} are not those of the signed head {start.head}")
            return None
        return growing

    def _walk(self, walk: Walk, size: int) -> Iterator[Entry]:
        """The entries that can be read, in order; what is wrong beside their chain is told to *walk*."""
        self._compare_published(walk)
        for number in range(walk.frontier.size + 1, size + 1):
            content = self._hub.read(self._container, entry_path(number))
            signed = self._signed(walk, number, content)
            believed = content if signed is None else signed.content
            if believed is None:
                walk.problems.append(f"entry {number} is missing, and so is its head: nothing after it is proven")
                return
            if content is None:
                walk.problems.append(f"entry {number} is missing; head {number} still carries it")
            self._grow(walk, believed)
            walk.last = signed or walk.last
            entry = None
            with suppress(ValueError, UndecodableError):
                entry = decode(Entry, json.loads(believed if content is None else content))
            if own := signed.entry if signed else entry:
                self._compare_indexes(walk, number, own)
            if entry is None:
                walk.problems.append(f"entry {number} cannot be read")
                continue
            yield entry

    def _signed(self, walk: Walk, number: int, content: bytes | None) -> SignedHead | None:
        try:
            signed = self._heads.read(number)
        except UnbelievedHead as refusal:
            walk.problems.append(str(refusal))
            return None
        if signed is None:
            if number >= walk.first_head:
                walk.problems.append(f"head {number} is missing")
            return None
        if number == walk.adopted_at and signed.entry.kind != ADOPTION:
            walk.problems.append(f"the heads before {number} are missing")
        if signed.before != walk.frontier:
            walk.problems.append(f"head {number} does not follow the entries before it: the log is forked or edited")
        if content is not None and signed.content != content:
            walk.problems.append(f"entry {number} is not the entry that head {number} has signed")
        # From here on the signed entries count: one edit is told once.
        walk.frontier = signed.before
        return signed

    def _grow(self, walk: Walk, content: bytes) -> None:
        leaf = leaf_hash(content)
        walk.frontier = walk.frontier.append(leaf)
        self._compare_published(walk)
        if walk.tiles is None:
            return
        for path, expected in walk.tiles.append(leaf):
            stored = self._hub.read(self._container, path)
            if stored is not None and stored != expected:
                walk.problems.append(f"tile {path} is not of the log's hashes; it is only a cache, and never believed")

    def _compare_published(self, walk: Walk) -> None:
        for head in walk.published.get(walk.frontier.size, ()):
            if head.root != walk.frontier.root:
                walk.problems.append(f"the log is forked or edited: {head} was published, and it is not so here")

    def _compare_indexes(self, walk: Walk, number: int, entry: Entry) -> None:
        walk.places.append((number, subject_folder(entry.subject)))
        problems = len(walk.problems)
        raw = self._hub.read(self._container, key_path(entry.key))
        if raw != json.dumps(entry_path(number)).encode():
            walk.problems.append(f"entry {number} is not found by its key: it would be appended again")
        if self._hub.find(self._container, subject_path(entry.subject, number)) is None:
            walk.problems.append(f"entry {number} is not found by its model: `history` would not tell all")
        if len(walk.problems) > problems:
            walk.nameless.append(number)

    def beyond(self, find_tail: Callable[[], SignedHead | None], walk: Walk, first: int, size: int) -> Iterator[str]:
        """What lies or was published beyond the end of the log, or under names that it does not use."""
        head_paths = list(takewhile(lambda path: (size_of(path) or first) >= first, self._heads.paths()))
        entry_paths = [] if first else [blob.path for blob in self._hub.list(self._container, ENTRIES)]
        latest = size
        with suppress(Refused):
            # Read last: whatever an honest appender has written meanwhile is not beyond it.
            latest = max(size, getattr(find_tail(), "size", 0))
        # These name no end of the log: one finding stays the same finding while the log goes on.
        for path in head_paths:
            number = size_of(path)
            if number is None or number > latest:
                yield f"{path} is not a head of the log: it lies beyond its end"
        for head in (head for number, heads in walk.published.items() if number > latest for head in heads):
            yield f"the log was cut: {head} was published, and it ends before that"
        end = len(entry_paths)
        for path in entry_paths:
            number = entry_number(path)
            if number is None or not 1 <= number <= latest:
                yield f"{path} is no entry of the log: the head says entry {latest}, the chain goes on to {end}"
        if first and self._hub.find(self._container, entry_path(latest + 1)) is not None:
            yield f"the head says entry {latest}, the chain goes on to {latest + 1}"

    def _uncounted(self, count: int, size: int) -> Iterator[str]:
        """Indexes that are too many; those that are missing were named entry by entry."""
        keys = sum(1 for _ in self._hub.list(self._container, KEYS))
        filed = sum(1 for _ in self._hub.list(self._container, SUBJECTS))
        newest = max(size, next(self._heads.sizes(), 0))
        entries = counted(count, "entry", "entries")
        if not size <= keys <= newest:
            yield f"{entries}, {keys} of them are found by their key"
        if not size <= filed <= newest:
            yield f"{entries}, {filed} of them are found by their model: `history` would not tell all"
