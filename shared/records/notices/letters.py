"""Records of notices: what waits to be sent, the letters that are under way, and those that could not be sent.

No address is in them, and nothing that opens one: a recipient is looked up by name when a letter is sent.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.notices.notice import Notice
from shared.records.store import RecordStore, Stored

WAITING, LETTERS, DEAD = "notices/waiting/", "notices/letters/", "notices/dead/"
_NAMESPACE = uuid.UUID("5c1de6d4-51a9-4a63-9d0e-3a1f0c0c7a52")


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingNotice:
    """*notice* for *recipient*, to be sent from *due* on; *since* is when the event was announced."""

    id: str
    notice: Notice
    recipient: str
    due: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeLetter:
    """What is sent as one: one notice, or those of a digest. *next_at* is when it is looked at again.

    *begun* sendings have no known end: the host died, or the answer was lost. *accepted*: the service has taken it and
    has not said yet what came of it. *replays* is how often it was taken up again after it could not be sent.
    """

    id: str
    recipient: str
    notices: tuple[WaitingNotice, ...]
    planned: str
    next_at: str
    attempts: int = 0
    begun: int = 0
    accepted: bool = False
    replays: int = 0
    reason: str = ""

    @property
    def reference(self) -> str:
        """What the letter is called at the service: a GUID, another one for each replay."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.id}/{self.replays}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterEnd:
    """How *letter* ended; *perhaps_twice* where an earlier sending may have reached the recipient too."""

    letter: str
    at: str
    recipient: str
    perhaps_twice: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadNotice:
    """A letter that could not be sent, with why."""

    letter: NoticeLetter
    reason: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedNotice:
    """The letter that a notice went into: nothing sends it again."""

    letter: str


def waiting_path(notice: str) -> str:
    return f"{WAITING}{notice}.json"


def noted_path(notice: str) -> str:
    return f"notices/noted/{notice}.json"


def letter_path(letter: str) -> str:
    return f"{LETTERS}{letter}.json"


def sent_path(letter: str) -> str:
    return f"notices/sent/{letter}.json"


def dead_path(letter: str) -> str:
    return f"{DEAD}{letter}.json"


def put_in_outbox(store: RecordStore, waiting: WaitingNotice) -> bool:
    """Keep *waiting* until it is sent; False where it waits already or has gone into a letter."""
    if store.exists(noted_path(waiting.id)):
        return False
    return store.create(waiting_path(waiting.id), waiting)


def plan_letter(store: RecordStore, letter: NoticeLetter) -> bool:
    """Open *letter*; its notices leave the outbox by `take_out`."""
    return store.create(letter_path(letter.id), letter)


def take_out(store: RecordStore, letter: NoticeLetter) -> None:
    """Note that the letter has its notices, and take them out of the outbox. Safe to repeat."""
    for waiting in letter.notices:
        store.create(noted_path(waiting.id), NotedNotice(letter=letter.id))
        store.delete(waiting_path(waiting.id))


def has_ended(store: RecordStore, letter: str) -> bool:
    return store.exists(sent_path(letter)) or store.exists(dead_path(letter))


def end_sent(store: RecordStore, entry: Stored[NoticeLetter], end: LetterEnd) -> None:
    store.create(sent_path(end.letter), end)
    store.delete(entry.blob.path)


def end_dead(store: RecordStore, entry: Stored[NoticeLetter], dead: DeadNotice) -> None:
    store.create(dead_path(dead.letter.id), dead)
    store.delete(entry.blob.path)


def dead_notices(store: RecordStore) -> Iterable[Stored[DeadNotice]]:
    return store.list(DeadNotice, DEAD)
