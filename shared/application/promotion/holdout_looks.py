"""How many challengers have asked a hold-out: one record for each, numbered without a gap.

The number is created and never overwritten, so of two hosts that count at once one counts on; a challenger that is
measured again, after a crash or further up the ladder, has the number that it had. A version that shares most of its
rows with an earlier one is the same hold-out: its looks go on.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.promotion.ladder import Holdout
from shared.domain.statistics.key_sketch import KeySketch, parse_sketch
from shared.domain.statistics.looks import YEAR_S, Look
from shared.records import paths as records
from shared.records.access import DatedRecords, Records

SAME_ROWS = 0.5  # A version with a larger share of its rows in an earlier one is no fresh hold-out.


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldoutVersion:
    """A hold-out as it is now: the *digest* of its content, and its *keys*."""

    digest: str
    keys: KeySketch


def take_look(world: DatedRecords, model: str, holdout: Holdout, version: HoldoutVersion, challenger: str) -> Look:
    """The look of *challenger* (its bundle's digest) at *version* of *model*'s hold-out, recorded now unless it was
    before.
    """
    state, first = world.configuration.hub.state, _record_version(world, model, version)
    while True:
        looks = list(_looks(world, model, first))
        if own := next((look for look in looks if look["challenger"] == challenger), None):
            return _counted(looks, own, holdout)
        number = len(looks) + 1
        look = {"number": number, "challenger": challenger, "at": world.clock.now().isoformat()}
        if world.hub.create(state, records.holdout_look(model, first, number), json.dumps(look).encode()):
            return _counted([*looks, look], look, holdout)


def next_look(world: Records, model: str, holdout: Holdout, version: HoldoutVersion, now: datetime) -> Look:
    """The look that a challenger would take that has not been seen yet, were it now."""
    looks = list(_looks(world, model, _first_version(world, model, version)))
    look = {"number": len(looks) + 1, "challenger": "", "at": now.isoformat()}
    return _counted([*looks, look], look, holdout)


def _record_version(world: Records, model: str, version: HoldoutVersion) -> str:
    """The digest of the version with which *version*'s looks are counted, recorded for ever."""
    state, path = world.configuration.hub.state, records.holdout_version(model, version.digest)
    if (raw := world.hub.read(state, path)) is None:
        record = {"counted_with": _first_version(world, model, version), "keys": version.keys.to_list()}
        world.hub.create(state, path, json.dumps(record).encode())
        raw = world.hub.read(state, path)
    return str(json.loads(raw or b"{}").get("counted_with", version.digest))


def _first_version(world: Records, model: str, version: HoldoutVersion) -> str:
    """The first of the versions that share most of their rows, one with the next, up to *version*; itself if none does.

    Looks that were recorded before versions were go on by themselves.
    """
    state = world.configuration.hub.state
    if raw := world.hub.read(state, records.holdout_version(model, version.digest)):
        return str(json.loads(raw)["counted_with"])
    if next(iter(_looks(world, model, version.digest)), None):
        return version.digest
    largest, first = SAME_ROWS, version.digest
    for earlier in _versions(world, model):
        share = version.keys.share_in(parse_sketch(earlier["keys"]))
        if share > largest:
            largest, first = share, earlier["counted_with"]
    return first


def _versions(world: Records, model: str) -> Iterator[dict[str, Any]]:
    state = world.configuration.hub.state
    for blob in world.hub.list(state, records.holdout_versions(model)):
        if blob.path.endswith(records.VERSION_RECORD) and (raw := world.hub.read(state, blob.path)):
            yield json.loads(raw)


def _looks(world: Records, model: str, digest: str) -> Iterator[dict[str, Any]]:
    state = world.configuration.hub.state
    for blob in world.hub.list(state, records.holdout_looks(model, digest)):
        yield json.loads(world.hub.read(state, blob.path) or b"{}")


def _counted(looks: list[dict[str, Any]], own: dict[str, Any], holdout: Holdout) -> Look:
    """The number of *own* within its year; years of a hold-out begin with its first look."""
    first = datetime.fromisoformat(looks[0]["at"])

    def year(look: dict[str, Any]) -> int:
        return int((datetime.fromisoformat(look["at"]) - first).total_seconds() // YEAR_S)

    before = [look for look in looks if look["number"] <= own["number"] and year(look) == year(own)]
    return Look(number=len(before), expected=holdout.looks, since=before[0]["at"])
