"""How many challengers have asked a version of a hold-out: one record for each, numbered without a gap.

The number is created and never overwritten, so of two hosts that count at once one counts on; a challenger that is
measured again, after a crash or further up the ladder, has the number that it had.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shared.domain.promotion.ladder import Holdout
from shared.domain.statistics.looks import YEAR_S, Look
from shared.records import paths as records
from shared.records.access import DatedRecords, Records


def take_look(world: DatedRecords, model: str, holdout: Holdout, digest: str, challenger: str) -> Look:
    """The look of *challenger* (its bundle's digest) at the version *digest* of *model*'s hold-out, recorded now unless
    it was before.
    """
    state = world.configuration.hub.state
    while True:
        looks = list(_looks(world, model, digest))
        if own := next((look for look in looks if look["challenger"] == challenger), None):
            return _counted(looks, own, holdout)
        number = len(looks) + 1
        look = {"number": number, "challenger": challenger, "at": world.clock.now().isoformat()}
        if world.hub.create(state, records.holdout_look(model, digest, number), json.dumps(look).encode()):
            return _counted([*looks, look], look, holdout)


def next_look(world: Records, model: str, holdout: Holdout, digest: str, now: datetime) -> Look:
    """The look that a challenger would take that has not been seen yet, were it now."""
    looks = list(_looks(world, model, digest))
    look = {"number": len(looks) + 1, "challenger": "", "at": now.isoformat()}
    return _counted([*looks, look], look, holdout)


def _looks(world: Records, model: str, digest: str) -> Iterator[dict[str, Any]]:
    state = world.configuration.hub.state
    for blob in world.hub.list(state, records.holdout_looks(model, digest)):
        yield json.loads(world.hub.read(state, blob.path) or b"{}")


def _counted(looks: list[dict[str, Any]], own: dict[str, Any], holdout: Holdout) -> Look:
    """The number of *own* within its year; years of a version begin with its first look."""
    first = datetime.fromisoformat(looks[0]["at"])

    def year(look: dict[str, Any]) -> int:
        return int((datetime.fromisoformat(look["at"]) - first).total_seconds() // YEAR_S)

    before = [look for look in looks if look["number"] <= own["number"] and year(look) == year(own)]
    return Look(number=len(before), expected=holdout.looks, since=before[0]["at"])
