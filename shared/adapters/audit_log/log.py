"""Appending to the audit log and reading it, one signed tree head an entry.

The head is written first, create-only: it decides between two appenders and carries the entry whole. The entry's own
blob, its key and its subject are laid down after it, and once more by the next appender. So a crash between any two
writes loses nothing and repeats nothing, and an entry that no head has signed is never taken for one.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from shared.adapters.audit_log.adoption import ADOPTION, former_log
from shared.adapters.audit_log.backwards import EntriesByHash
from shared.adapters.audit_log.containers import LogBlobs
from shared.adapters.audit_log.heads import SignedHead, TreeHeads, UnbelievedHead
from shared.adapters.audit_log.layout import (
    ENTRIES,
    SUBJECTS,
    entry_number,
    entry_path,
    key_path,
    subject_path,
)
from shared.adapters.audit_log.subjects import SubjectIndex
from shared.adapters.audit_log.tiles import Tiles
from shared.adapters.audit_log.verification import Verification
from shared.adapters.audit_log.verified_marks import VerifiedMarks
from shared.adapters.audit_log.watch import LogWatch
from shared.codec import decode, encode
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.audit import GENESIS, Entry, sealed
from shared.domain.teams.ownership import PLATFORM, Belonging
from shared.domain.trust.merkle import Frontier, includes, inclusion_proof, leaf_hash
from shared.domain.trust.tree_heads import EntryProof, TreeHead, entry_proof
from shared.domain.trust.verified_logs import VerifiedMark
from shared.ports import AuditReport, Clock, LogLook, Signing, TreeHeadPublisher

# A writer that loses a size to another looks for the tail again at once. A lease would need no attempts, but one whose
# holder has died blocks every decision and movement until it runs out.
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
_ATTEMPTS = 50
_LOOK = "appending is refused until an operator has looked; see docs/audit-log.md"


FindTeam = Callable[[Belonging, str], str]


def _find_no_team(kind: Belonging, name: str) -> str:
    """Without teams everything is the platform's."""
    del kind, name
    return PLATFORM


class BlobAudit:
    """Implements `shared.ports.AuditLog` in *container* of the hub.

    Tree heads name the log as *log*. *publisher* is where they are published, if anywhere. *marks* has how far the log
    is verified; without it nothing counts as verified. *find_team* says whose a subject is when its entry is appended.
    """

    def __init__(
        self,
        hub: LogBlobs,
        container: str,
        clock: Clock,
        signing: Signing,
        log: str = "audit",
        publisher: TreeHeadPublisher | None = None,
        marks: VerifiedMarks | None = None,
        find_team: FindTeam = _find_no_team,
    ) -> None:
        self._hub, self._container, self._clock = hub, container, clock
        self._heads = TreeHeads(hub, container, signing, log, clock)
        self._tiles = Tiles(hub, container, lambda index: leaf_hash(self._known_content(index + 1)))
        self._publisher, self._marks, self._log = publisher, marks, log
        self._find_team = find_team
        self._subjects = SubjectIndex(hub, container, marks, self._signed_entry)
        self._read_entries = EntriesByHash(self._content)
        # The newest head that this process knows: it looks for later ones only.
        self._hint: SignedHead | None = None
        self._laid_down = 0

    def append(
        self,
        key: str,
        kind: str,
        subject: str,
        actor: str,
        facts: Mapping[str, object],
        about: Belonging | None = Belonging.MODEL,
    ) -> Entry:
        team = PLATFORM if about is None else self._find_team(about, subject.partition(":")[0])
        for _ in range(_ATTEMPTS):
            tail = self._tail()
            if tail is not None:
                # Before the key is looked for: a writer that died after its head left an entry without a key, and
                # looking first would append it a second time.
                self._lay_down(tail)
            existing = self._find(key)
            if existing is not None:
                return existing
            entry = sealed(
                Entry(
                    number=1 if tail is None else tail.size + 1,
                    before=GENESIS if tail is None else tail.entry.hash,
                    key=key,
                    at=self._clock.now().isoformat(timespec="milliseconds"),
                    kind=kind,
                    subject=subject,
                    who=actor,
                    facts=dict(facts),
                    team=team,
                )
            )
            if self._advance(tail.frontier if tail else Frontier(), entry):
                return entry
        raise Transient(f"the audit log was busy: {key} could not be appended in {_ATTEMPTS} attempts")

    def entries(self) -> Iterator[Entry]:
        for blob in self._hub.list(self._container, ENTRIES):
            raw = self._hub.read(self._container, blob.path)
            yield decode(Entry, json.loads(raw or b"{}"))

    def about(self, name: str) -> Iterator[Entry]:
        yield from self._subjects.entries(name, lambda: getattr(self._tail(), "size", 0))

    def since(self, moment: datetime) -> Iterator[Entry]:
        newest = self.head()
        return iter(()) if newest is None else self._read_entries.since(newest, moment)

    def backwards(self, number: int = 0) -> Iterator[Entry]:
        newest = self.head()
        if newest is None:
            return iter(())
        first = self._signed_entry(number) if 0 < number < newest.number else newest
        return self._read_entries.since(first or newest, _BEFORE_ALL)

    def find(self, key: str) -> Entry | None:
        return None if self.head() is None else self._find(key)

    def filed(self) -> int:
        return sum(1 for _ in self._hub.list(self._container, SUBJECTS))

    def head(self) -> Entry | None:
        tail = self._tail()
        if tail is None:
            return None
        self._lay_down(tail)  # The process that wrote the head may have died before it wrote the entry as a blob.
        return tail.entry

    def prove(self, number: int) -> EntryProof:
        tail = self._tail()
        if tail is None or not 1 <= number <= tail.size:
            raise Refused(f"the audit log has no entry {number}; it has 1 to {tail.size if tail else 0}")
        self._lay_down(tail)
        content = self._content(number)
        signed = self._heads.read(number)
        if signed is None or signed.content == content:
            # A tile is only a cache. Where the stored ones do not lead to the signed root, the entries themselves do.
            for stored in (True, False):
                path = inclusion_proof(number - 1, tail.size, self._tiles.nodes(tail.size, stored))
                if includes(content, number - 1, tail.size, tail.head.root, path):
                    return entry_proof(content, number - 1, path, tail.envelope)
        raise Refused(f"entry {number} is not what was signed as head {tail.head}; run `signalbox audit verify`")

    def verify(self, since: str = "") -> AuditReport:
        return self._verification().run(self._laid_tail, since)

    def look(self, most: int, reread: bool = False) -> LogLook:
        mark, objection = self._marks.newest() if self._marks else (None, "")
        if mark is None:
            mark = VerifiedMark(log=self._log, size=0, head="", at="")
        watch = LogWatch(self._hub, self._container, self._heads, self._laid_tail, self._signed_entry)
        look = (watch.reread if reread else watch.look_at_new)(self._verification(), mark, most)
        return replace(look, problems=(objection, *look.problems)) if objection else look

    def note_look(self, look: LogLook) -> None:
        for number in look.nameless:
            entry = self._signed_entry(number)
            if entry is not None:
                self._hub.create(self._container, key_path(entry.key), json.dumps(entry_path(number)).encode())
                self._hub.create(self._container, subject_path(entry.subject, number), b"")
        if look.mark is not None and look.mark.size and self._marks is not None:
            newest, _ = self._marks.newest()
            if newest is None or replace(newest, at="") != replace(look.mark, at=""):
                self._marks.keep(replace(look.mark, at=self._clock.now().isoformat()))

    def _verification(self) -> Verification:
        tiles = Tiles(self._hub, self._container, lambda index: leaf_hash(self._signed_content(index + 1)))
        return Verification(self._hub, self._container, self._heads, tiles, self._publisher)

    def _signed_content(self, number: int) -> bytes:
        """Entry *number* as its head carries it: one that is gone or edited is told of once, and by its own name."""
        with suppress(UnbelievedHead):
            if (signed := self._heads.read(number)) is not None:
                return signed.content
        return self._content(number)

    def publish(self) -> bool:
        tail = self._tail()
        if tail is None or self._publisher is None:
            return False
        self._publisher.publish(tail.envelope)
        return True

    def _laid_tail(self) -> SignedHead | None:
        tail = self._tail()
        if tail is not None:
            self._lay_down(tail)
        return tail

    def _tail(self) -> SignedHead | None:
        """The newest head. Raises Refused where the heads contradict one another or what was published."""
        tail = self._hint or self._first_look()
        while tail is not None and (following := self._heads.read(tail.size + 1)) is not None:
            if following.before != tail.frontier:
                raise Refused(f"the audit log is forked: {following.head} does not follow {tail.head}; {_LOOK}")
            tail = following
        self._hint = tail
        return tail

    def _first_look(self) -> SignedHead | None:
        """The newest head of the list; one that was published has to be under it."""
        published = self._newest_published()  # Read first: another appender may publish a head that is not listed yet.
        newest = self._heads.newest()
        if published is not None:
            at_that_size = self._heads.read(published.size)
            if newest is None or at_that_size is None:
                length = newest.size if newest else 0
                raise Refused(f"the audit log was cut: {published} was published, its heads end at {length}; {_LOOK}")
            if at_that_size.head.root != published.root:
                raise Refused(f"the audit log is forked: {published} was published, {at_that_size.head} kept; {_LOOK}")
        return newest or self._adopt()

    def _newest_published(self) -> TreeHead | None:
        """The newest published head that the log's key has signed; `verify` names those that it has not."""
        if self._publisher is None:
            return None
        try:
            envelopes = list(islice(self._publisher.published(), 1))
        except Transient:
            # An account that does not answer would stop every decision. `verify` compares again, and does not forgive.
            return None
        judged = [self._heads.objection(envelope) for envelope in envelopes]
        return next((head for head, reason in judged if not reason), None)

    def _adopt(self) -> SignedHead | None:
        """Sign the log of an earlier release, from its next entry on; None where there is none."""
        former = former_log(self._hub, self._container)
        if former is None:
            return None
        entry = sealed(
            Entry(
                number=former.frontier.size + 1,
                before=former.hash,
                key=ADOPTION,
                at=self._clock.now().isoformat(timespec="milliseconds"),
                kind=ADOPTION,
                subject="audit",
                who="signalbox",
                facts={"entries": former.frontier.size},
            )
        )
        self._advance(former.frontier, entry)
        return self._heads.read(entry.number)

    def _advance(self, before: Frontier, entry: Entry) -> bool:
        """Whether *entry* became the newest, signed and laid down; False where another appender was first."""
        signed = self._heads.sign(before, json.dumps(encode(entry)).encode())
        if not self._heads.create(signed):
            return False
        self._hint = signed
        self._lay_down(signed)
        return True

    def _lay_down(self, signed: SignedHead) -> None:
        if signed.size <= self._laid_down:
            return
        entry = signed.entry
        path = entry_path(signed.size)
        self._write_once(path, signed.content)
        self._write_once(key_path(entry.key), json.dumps(path).encode())
        self._hub.create(self._container, subject_path(entry.subject, signed.size), b"")
        self._tiles.keep(signed.size)
        self._laid_down = signed.size

    def _write_once(self, path: str, content: bytes) -> None:
        """Raises Refused where something else is in its place: somebody planted it."""
        if not self._hub.create(self._container, path, content) and self._hub.read(self._container, path) != content:
            raise Refused(f"{self._container}/{path} is not what the log's heads have signed; {_LOOK}")

    def _find(self, key: str) -> Entry | None:
        path = self._hub.read(self._container, key_path(key))
        if path is None:
            return None
        # A planted index would keep a fact out of the log, so the entry that it names has to be a signed one.
        number = entry_number(path.decode(errors="replace").strip('"'))
        entry = None if number is None else self._signed_entry(number)
        if entry is None or entry.key != key:
            raise Refused(f"{self._container}/{key_path(key)} names no entry of key {key!r}; {_LOOK}")
        return entry

    def _signed_entry(self, number: int) -> Entry | None:
        """Entry *number* as its head carries it, or as proven; None beyond the end. Raises Refused where it differs."""
        signed = self._heads.recall(number)
        if signed is not None:
            return signed.entry
        tail = self._tail()
        if tail is None or not 1 <= number <= tail.size:
            return None
        return decode(Entry, json.loads(b64decode(self.prove(number).entry)))

    def _known_content(self, number: int) -> bytes:
        """Entry *number* as this process has read or written its head, or as it is stored."""
        signed = self._heads.known(number)
        return self._content(number) if signed is None else signed.content

    def _content(self, number: int) -> bytes:
        content = self._hub.read(self._container, entry_path(number))
        if content is None:
            raise Refused(f"entry {number} is missing from the audit log; run `signalbox audit verify`")
        return content
