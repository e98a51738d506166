"""Reading the log backwards from its signed end: each entry names the hash of the one before it.

So the newest head proves every entry, at the cost of one reading and one hash each. No index is used: a writer of the
container could remove an entry from an index without a trace.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache

from shared.codec import UndecodableError, decode
from shared.domain.failures import Refused
from shared.domain.promotion.audit import Entry, sealed

# Appenders are on several machines, so an entry's time may lie before that of the entry before it.
_CLOCKS_DIFFER = timedelta(minutes=15)
_KEPT = 5000  # Some megabytes.
_EDITED = "entry {} of the audit log is not what was signed; run `signalbox audit verify`"


class EntriesByHash:
    """The entries that this process has read, by their hashes; *content* reads one by its number.

    An entry names the one before it by hash, so what was read once is the same entry still, whatever lies in the
    container by now. A receipt reads a day of the log, which is a request to the hub for each entry of it.
    """

    def __init__(self, content: Callable[[int], bytes]) -> None:
        self._content = content
        self._entries = dict[str, Entry]()

    def since(self, newest: Entry, moment: datetime) -> Iterator[Entry]:
        """*newest* and what came before it, back to *moment*.

        Raises Refused where an entry is missing, or is not the one that the entry after it names.
        """
        entry, until = newest, moment - _CLOCKS_DIFFER
        while datetime.fromisoformat(entry.at) >= until:
            yield entry
            if entry.number == 1:
                return
            entry = self._entries.get(entry.before) or self._read_before(entry)

    def _read_before(self, entry: Entry) -> Entry:
        before = _before(entry, self._content(entry.number - 1))
        if len(self._entries) >= _KEPT:
            self._entries.clear()
        self._entries[before.hash] = before
        return before


def _before(entry: Entry, content: bytes) -> Entry:
    try:
        before = _sealed_entry(content)
    except (ValueError, UndecodableError) as error:
        raise Refused(_EDITED.format(entry.number - 1)) from error
    if before.hash != entry.before or before.number != entry.number - 1:
        raise Refused(_EDITED.format(entry.number - 1))
    return before


@lru_cache(maxsize=4096)
def _sealed_entry(content: bytes) -> Entry:
    """The entry that *content* is. Raises ValueError and UndecodableError where it is none, or has another hash.

    A log is read again for each move, and its entries stay as they are: each is taken apart once.
    """
    entry = decode(Entry, json.loads(content))
    if sealed(entry).hash != entry.hash:
        raise ValueError("its hash is another")
    return entry
