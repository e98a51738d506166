"""How many challengers have asked a hold-out: one record for each, numbered without a gap.

The number is created and never overwritten, so of two hosts that count at once one counts on; a challenger that is
measured again, after a crash or further up the ladder, has the number that it had. A version that shares most of its
rows with an earlier one is the same hold-out: its looks go on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.promotion.ladder import Holdout
from shared.domain.statistics.key_sketch import KeySketch, parse_sketch
from shared.domain.statistics.looks import YEAR_S, Look
from shared.records import paths
from shared.records.promotion import CountedVersion, HoldoutLook
from shared.records.store import RecordStore

SAME_ROWS = 0.5  # A version with a larger share of its rows in an earlier one is no fresh hold-out.


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldoutVersion:
    """A hold-out as it is now: the *digest* of its content, and its *keys*."""

    digest: str
    keys: KeySketch


def count_holdout_look(
    store: RecordStore, model: str, holdout: Holdout, version: HoldoutVersion, challenger: str, now: datetime
) -> Look:
    """The look of *challenger* (its bundle's digest) at *version* of *model*'s hold-out, recorded as of *now* unless it
    was before.
    """
    first = _record_version(store, model, version)
    while True:
        looks = _looks(store, model, first)
        if own := next((look for look in looks if look.challenger == challenger), None):
            return _counted(looks, own, holdout)
        look = HoldoutLook(number=len(looks) + 1, challenger=challenger, at=now)
        if store.create(paths.holdout_look(model, first, look.number), look):
            return _counted([*looks, look], look, holdout)


def next_look(store: RecordStore, model: str, holdout: Holdout, version: HoldoutVersion, now: datetime) -> Look:
    """The look that a challenger would take that has not been seen yet, were it now."""
    looks = _looks(store, model, _first_version(store, model, version))
    look = HoldoutLook(number=len(looks) + 1, challenger="", at=now)
    return _counted([*looks, look], look, holdout)


def _record_version(store: RecordStore, model: str, version: HoldoutVersion) -> str:
    """The digest of the version with which *version*'s looks are counted, recorded for ever."""
    path = paths.holdout_version(model, version.digest)
    record = store.get(CountedVersion, path)
    if record is None:
        first = _first_version(store, model, version)
        store.create(path, CountedVersion(counted_with=first, keys=tuple(version.keys.to_list())))
        record = store.get(CountedVersion, path)  # Another host may have been faster.
    return version.digest if record is None else record.counted_with


def _first_version(store: RecordStore, model: str, version: HoldoutVersion) -> str:
    """The first of the versions that share most of their rows, one with the next, up to *version*; itself if none does.

    Looks that were recorded before versions were go on by themselves.
    """
    record = store.get(CountedVersion, paths.holdout_version(model, version.digest))
    if record is not None:
        return record.counted_with
    if _looks(store, model, version.digest):
        return version.digest
    largest, first = SAME_ROWS, version.digest
    for earlier in _versions(store, model):
        share = version.keys.share_in(parse_sketch(earlier.keys))
        if share > largest:
            largest, first = share, earlier.counted_with
    return first


def _versions(store: RecordStore, model: str) -> Iterator[CountedVersion]:
    for blob in store.blobs(paths.holdout_versions(model)):
        version = store.get(CountedVersion, blob.path) if blob.path.endswith(paths.VERSION_RECORD) else None
        if version is not None:
            yield version


def _looks(store: RecordStore, model: str, digest: str) -> list[HoldoutLook]:
    return [stored.record for stored in store.list(HoldoutLook, paths.holdout_looks(model, digest))]


def _counted(looks: Sequence[HoldoutLook], own: HoldoutLook, holdout: Holdout) -> Look:
    """The number of *own* within its year; years of a hold-out begin with its first look."""
    first = looks[0].at

    def year(look: HoldoutLook) -> int:
        return int((look.at - first).total_seconds() // YEAR_S)

    # A challenger that is measured again counts the looks up to its own only: its confidence must be the same at both
    # times, and it does not matter who has asked since.
    before = [look for look in looks if look.number <= own.number and year(look) == year(own)]
    return Look(number=len(before), expected=holdout.looks, since=before[0].at.isoformat())
