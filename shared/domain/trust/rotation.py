"""Changes of the set of trusted keys: a new key takes over from an old one, a key is retired, a key is revoked.

They work on the set's JSON entries, so that members that others have put there stay. No file and no clock.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from shared.domain.failures import Refused
from shared.domain.trust.keys import Purpose

Entry = Mapping[str, Any]
Entries = tuple[Entry, ...]


def next_keyid(entries: Sequence[Entry], purpose: Purpose) -> str:
    """`PURPOSE-N`, with the first number from the keys of the purpose on that no key has."""
    used = {entry["kid"] for entry in entries}
    number = 1 + sum(entry["signalbox_purpose"] == purpose for entry in entries)
    while f"{purpose.value}-{number}" in used:
        number += 1
    return f"{purpose.value}-{number}"


def with_new_key(
    entries: Sequence[Entry], keyid: str, purpose: Purpose, jwk: Mapping[str, str], start: datetime, overlap: timedelta
) -> Entries:
    """The set with the new key, trusted from *start* on; the keys before it are trusted *overlap* longer.

    The app signs with the old key until its setting is changed, and so the two have to overlap. Raises Refused where
    the id or the key itself is in the set already.
    """
    for entry in entries:
        if entry["kid"] == keyid:
            raise Refused(f"the set has a key {keyid!r} already; give the new one another id")
        if all(entry.get(name) == value for name, value in jwk.items()):
            raise Refused(f"the set has this key already, as {entry['kid']!r}; make a new one")
    end = start + overlap
    older = tuple(_ended(entry, end) if _goes_on(entry, purpose, end) else entry for entry in entries)
    new = {"kid": keyid, **jwk, "signalbox_purpose": purpose.value, "not_before": start.isoformat()}
    return (*older, new)


def with_retired(entries: Sequence[Entry], keyid: str, end: datetime) -> Entries:
    """The set in which *keyid* may not sign from *end* on; what it signed before stays true. Raises Refused."""
    ending = _entry(entries, keyid)
    earlier = ending.get("not_after")
    if earlier is not None and datetime.fromisoformat(earlier) <= end:
        raise Refused(f"key {keyid!r} is retired since {earlier}; a later end would let it sign again")
    return _replaced(entries, keyid, _ended(ending, end))


def with_revoked(entries: Sequence[Entry], keyid: str, at: datetime, reason: str) -> Entries:
    """The set in which nothing is believed that *keyid* has signed or will sign. Raises Refused."""
    if not reason.strip():
        raise Refused("a key is revoked for a reason; say who may have it, and since when")
    stamp = {"revoked": True, "revoked_at": at.isoformat(), "revoked_because": reason.strip()}
    return _replaced(entries, keyid, {**_entry(entries, keyid), **stamp})


def usable(entries: Sequence[Entry], purpose: Purpose, at: datetime) -> list[str]:
    """The ids of the keys that may sign for *purpose* at the time *at*."""
    return [
        str(entry["kid"])
        for entry in entries
        if _goes_on(entry, purpose, at)
        and (entry.get("not_before") is None or datetime.fromisoformat(entry["not_before"]) <= at)
    ]


def _goes_on(entry: Entry, purpose: Purpose, at: datetime) -> bool:
    """Whether the key is of *purpose* and may sign after *at*."""
    end = entry.get("not_after")
    return (
        entry["signalbox_purpose"] == purpose
        and not entry.get("revoked")
        and (end is None or datetime.fromisoformat(end) > at)
    )


def _ended(entry: Entry, end: datetime) -> Entry:
    return {**entry, "not_after": end.isoformat()}


def _entry(entries: Sequence[Entry], keyid: str) -> Entry:
    for entry in entries:
        if entry["kid"] == keyid:
            return entry
    names = ", ".join(str(entry["kid"]) for entry in entries) or "none"
    raise Refused(f"the set has no key {keyid!r}; its keys are {names}")


def _replaced(entries: Sequence[Entry], keyid: str, replacement: Entry) -> Entries:
    return tuple(replacement if entry["kid"] == keyid else entry for entry in entries)
