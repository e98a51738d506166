"""Verify the log in parts, from what was verified before: what is new, and in turns what was verified already.

A whole verification of a log of years takes hours; a part takes seconds, and a signed mark says where the next begins.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from shared.adapters.audit_log.containers import LogBlobs
from shared.adapters.audit_log.heads import SignedHead, TreeHeads, UnbelievedHead
from shared.adapters.audit_log.layout import ENTRIES, KEYS, SUBJECTS, entry_number, filed_number, subject_folder
from shared.adapters.audit_log.subjects import EntryReader
from shared.adapters.audit_log.verification import Verification, VerifiedPart
from shared.domain.failures import Refused
from shared.domain.trust.verified_logs import FiledEntries, VerifiedMark
from shared.ports import LogLook

_MOST_NAMED = 20


class LogWatch:
    """Looks at the log in *container*; *find_tail* reads its newest head, and *entry* a signed entry."""

    def __init__(
        self,
        hub: LogBlobs,
        container: str,
        heads: TreeHeads,
        find_tail: Callable[[], SignedHead | None],
        entry: EntryReader,
    ) -> None:
        self._hub, self._container, self._heads = hub, container, heads
        self._find_tail, self._entry = find_tail, entry

    def look_at_new(self, verification: Verification, mark: VerifiedMark, most: int) -> LogLook:
        """The next part after *mark*. Its end must be a head: the part goes on there the next time."""
        start, because = self._start(mark.size)
        if because or (start is not None and str(start.head) != mark.head):
            lost = because or f"its head is {start and start.head} now"
            return LogLook(
                problems=(f"the log is cut or forked: {mark.head} was verified before; {lost}",), is_done=True
            )
        part = verification.part(self._find_tail, start, most)
        if part.tail is None:
            return LogLook(problems=part.problems, is_done=True)
        problems = [*part.problems, *verification.beyond(self._find_tail, part.walk, part.tail.size, part.tail.size)]
        last = part.walk.last
        if last is not None:
            subjects = _extended(mark.subjects, part, last.size)
            mark = replace(mark, size=last.size, head=str(last.head), subjects=subjects)
        is_done = last is None or last.size >= part.tail.size
        return _look(problems, part, mark, is_done)

    def reread(self, verification: Verification, mark: VerifiedMark, most: int) -> LogLook:
        """The next part of what was verified before *mark*; with its last part, every name that the log uses."""
        start, because = self._start(mark.reread)
        if because:  # The next round begins at the first entry, and says what is wrong with this head.
            return LogLook(problems=(because,), is_done=True, mark=replace(mark, reread=0))
        part = verification.part(self._find_tail, start, most, mark.size)
        last = part.walk.last
        is_round = last is None or last.size >= mark.size
        problems = [*part.problems, *(self._planted(mark) if is_round else ())]
        return _look(problems, part, replace(mark, reread=0 if is_round or last is None else last.size), is_round)

    def _start(self, size: int) -> tuple[SignedHead | None, str]:
        """The head of *size*, and why there is none that is believed."""
        try:
            start = self._heads.read(size) if size else None
        except UnbelievedHead as refusal:
            return None, str(refusal)
        return start, f"head {size} is missing" if size and start is None else ""

    def _planted(self, mark: VerifiedMark) -> list[str]:
        """Files under the log's names that are not the log's. Names that are missing are told of entry by entry."""
        counts, keys = dict[str, int](), sum(1 for _ in self._hub.list(self._container, KEYS))
        for blob in self._hub.list(self._container, SUBJECTS):
            folder = blob.path.rpartition("/")[0] + "/"
            counts[folder] = counts.get(folder, 0) + 1
        entries = [blob.path for blob in self._hub.list(self._container, ENTRIES)]
        try:
            tail = self._find_tail()  # Read last: what an honest appender has written meanwhile is not planted.
        except Refused:
            return []  # The part itself has said so.
        latest = tail.size if tail else 0
        problems = [f"{path} is no entry of the log: no head has signed it" for path in entries if _is_no(path, latest)]
        for folder, count in counts.items():
            if count > mark.subjects.get(folder, FiledEntries()).count:
                problems += self._strangers(folder, latest)
        if keys > latest:
            problems.append(f"{KEYS} has files of keys that no entry has")
        return problems[:_MOST_NAMED]

    def _strangers(self, folder: str, latest: int) -> Iterator[str]:
        for blob in self._hub.list(self._container, folder):
            number = filed_number(blob.path)
            entry = self._entry(number) if number is not None and 1 <= number <= latest else None
            if entry is None or subject_folder(entry.subject) != folder:
                yield f"{blob.path} was planted: it names no entry on this model"


def _is_no(path: str, latest: int) -> bool:
    number = entry_number(path)
    return number is None or not 1 <= number <= latest


def _extended(subjects: dict[str, FiledEntries], part: VerifiedPart, size: int) -> dict[str, FiledEntries]:
    """*subjects* with the entries of *part* up to number *size*."""
    extended = dict(subjects)
    for number, folder in part.walk.places:
        if number <= size:
            extended[folder] = extended.get(folder, FiledEntries()).extended([number])
    return extended


def _look(problems: list[str], part: VerifiedPart, mark: VerifiedMark, is_done: bool) -> LogLook:
    unique = tuple(dict.fromkeys(problems))
    return LogLook(problems=unique, is_done=is_done, mark=mark, nameless=tuple(part.walk.nameless))
