"""Which entries are on a subject: the index of names answers, as far as a signed mark vouches for it.

What came after the mark, and everything where the index does not fit it, is read from the log itself: a writer of the
container can hide no entry by removing an index file.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from threading import Lock

from shared.adapters.audit_log.containers import LogBlobs
from shared.adapters.audit_log.layout import filed_number, subject_folder
from shared.adapters.audit_log.verified_marks import VerifiedMarks
from shared.domain.failures import Refused
from shared.domain.promotion.audit import Entry
from shared.domain.trust.verified_logs import FiledEntries, VerifiedMark

EntryReader = Callable[[int], Entry | None]
_REMEMBERED = 4096  # Entries: those of the models that are promoted now.


class SubjectIndex:
    """The subjects of the log in *container*; *entry* reads a signed entry by its number."""

    def __init__(self, hub: LogBlobs, container: str, marks: VerifiedMarks | None, entry: EntryReader) -> None:
        self._hub, self._container, self._marks, self._find_entry = hub, container, marks, entry
        # Entries never change, and each move of a promotion asks for those of its model: this process reads each once.
        self._entry = lru_cache(maxsize=_REMEMBERED)(self._existing_entry)
        self._mark: VerifiedMark | None = None
        # The numbers of what this process has read of the log behind the mark.
        self._recent = dict[str, list[int]]()
        self._read_to = 0
        self._lock = Lock()  # Activities ask from several threads.

    def entries(self, name: str, find_size: Callable[[], int]) -> list[Entry]:
        """The entries on *name* in order; *find_size* says how long the log is. Raises Refused where it was cut."""
        folder = subject_folder(name)
        with self._lock:
            self._read_recent(find_size)
            recent = tuple(self._recent.get(folder, ()))
        return [*self._marked(folder), *self._on(folder, iter(recent))]

    def _marked(self, folder: str) -> list[Entry]:
        """The entries up to the mark, by the index, or by the log where the index is another than was verified."""
        if self._mark is None:
            return []
        paths = (blob.path for blob in self._hub.list(self._container, folder))
        numbers = (filed_number(path) for path in paths)
        size = self._mark.size
        index_entries = self._on(folder, (number for number in numbers if number is not None and 1 <= number <= size))
        summary = FiledEntries().extended(entry.number for entry in index_entries)
        if summary == self._mark.subjects.get(folder, FiledEntries()):
            return index_entries
        return self._on(folder, iter(range(1, size + 1)))

    def _on(self, folder: str, numbers: Iterator[int]) -> list[Entry]:
        """Those of *numbers* that are on the subject: anybody may write a number into its folder."""
        entries = (self._entry(number) for number in numbers)
        return [entry for entry in entries if subject_folder(entry.subject) == folder]

    def _existing_entry(self, number: int) -> Entry:
        """Raises Refused where the log has no entry *number*."""
        entry = self._find_entry(number)
        if entry is None:
            raise Refused(f"entry {number} is missing from the audit log; run `signalbox audit verify`")
        return entry

    def _read_recent(self, find_size: Callable[[], int]) -> None:
        if self._read_to == 0:
            # Read before the size: another process may append and verify between the two.
            self._mark = self._marks.newest()[0] if self._marks else None
            self._read_to = self._mark.size if self._mark else 0
        size = find_size()
        if self._mark is not None and self._mark.size > size:
            raise Refused(f"the audit log was cut: {self._mark.head} was verified before, its heads end at {size}")
        for number in range(self._read_to + 1, size + 1):
            self._recent.setdefault(subject_folder(self._entry(number).subject), []).append(number)
            self._read_to = number
