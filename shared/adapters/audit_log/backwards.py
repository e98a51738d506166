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
_EDITED = "entry {} of the audit log is not what was signed; run `signalbox audit verify`"


def entries_since(newest: Entry, content: Callable[[int], bytes], moment: datetime) -> Iterator[Entry]:
    """*newest* and what came before it, back to *moment*; *content* reads an entry by its number.

    Raises Refused where an entry is missing, or is not the one that the entry after it names.
    """
    entry, until = newest, moment - _CLOCKS_DIFFER
    while datetime.fromisoformat(entry.at) >= until:
        yield entry
        if entry.number == 1:
            return
        entry = _before(entry, content(entry.number - 1))


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
