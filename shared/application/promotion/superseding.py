"""A later version's promotion replaces one of the same model that waits, where the stage says `newer: replace`.

What is replaced is told at once, by record, audit log and announcement, and goes no further: it can be promoted again.
"""

import json
from collections.abc import Iterable
from typing import Protocol

from shared import contracts as c
from shared.application.promotion.decisions import Records as DecisionRecords
from shared.application.promotion.standing import asking, opened
from shared.codec import decode
from shared.domain.failures import Refused
from shared.domain.promotion.ladder import Newer
from shared.domain.promotion.models import is_later
from shared.ports import Announcer
from shared.records import paths as records


class Announcing(DecisionRecords, Protocol):
    """Where a replacement is written down and announced."""

    @property
    def announcer(self) -> Announcer: ...


def superseded_by(made: DecisionRecords, promotion: str) -> str:
    """Why *promotion* was replaced, as a sentence; empty where it was not."""
    raw = made.hub.read(made.configuration.hub.state, records.superseded(promotion))
    return str(json.loads(raw)["because"]) if raw else ""


def refuse_superseded(made: DecisionRecords, promotion: str) -> None:
    """Raises Refused where *promotion* was replaced while it waited for its turn."""
    if because := superseded_by(made, promotion):
        raise Refused(because)


def supersede(made: Announcing, lock: c.EndpointLock, others: Iterable[str]) -> None:
    """Replace those of *others*, which come before the lock's owner, that a later version may replace."""
    request = _request(made, lock.owner)
    if request is None or _policy(made, request) is not Newer.REPLACE:
        return
    for name in others:
        other = _request(made, name)
        if other and _may_replace(request, other) and _waits(made, lock, other):
            _replace(made, request, other)


def _may_replace(request: c.Promotion, other: c.Promotion) -> bool:
    same = (request.model.name, request.target) == (other.model.name, other.target)
    return same and is_later(request.model, other.model)


def _waits(made: Announcing, lock: c.EndpointLock, other: c.Promotion) -> bool:
    """For people, or in the queue of the lock; what is at work is left to end by itself."""
    found = opened(made, other.id)
    if found is None or found.plan is None:
        return False
    in_queue = made.hub.find(made.configuration.hub.state, records.queued(lock.endpoint, other.id)) is not None
    return in_queue or asking(made, other, found.plan) is not None


def _replace(made: Announcing, request: c.Promotion, other: c.Promotion) -> None:
    """Announced before it is recorded: a kill in between repeats both, by the same keys."""
    if superseded_by(made, other.id):
        return
    because = (
        f"superseded by {request.id} ({request.model}), since ladder.{request.target}.newer is replace; "
        f"promote {other.model} again if that goes no further"
    )
    facts = {"promotion": other.id, "target": other.target, "by": request.id, "because": because}
    key = f"{other.id}/superseded"
    made.audit.append(key, "superseded", str(other.model), "signalbox", facts)
    made.announcer.announce(key, "Signalbox.Promotion.Superseded", f"promotions/{other.id}", facts)
    content = json.dumps({"by": request.id, "because": because}).encode()
    made.hub.create(made.configuration.hub.state, records.superseded(other.id), content)


def _policy(made: Announcing, request: c.Promotion) -> Newer:
    stages = made.configuration.ladder.stages
    return next((stage.newer for stage in stages if stage.name == request.target), Newer.QUEUE)


def _request(made: Announcing, promotion: str) -> c.Promotion | None:
    raw = made.hub.read(made.configuration.hub.state, records.promotion(promotion))
    return None if raw is None else decode(c.Promotion, json.loads(raw)["promotion"])
