"""The way back to a version that is known to be good, found by reading alone.

An order decides with it once it has its turn, and a person who considers an order is shown it before.
"""

from dataclasses import replace
from typing import Protocol

from shared import contracts as c
from shared.application.promotion.planning import champion_at, model_of_deployment
from shared.application.promotion.standing import has_receipt
from shared.application.promotion.turns import holder_of
from shared.application.rollout.known_good import READY, ServingRecords, candidates
from shared.domain.promotion.ladder import Stage
from shared.domain.promotion.models import exact_model
from shared.domain.promotion.plans import Phase
from shared.domain.rollout.known_good import GoodCandidate
from shared.ports import AuditLog, BundleStore, Clock, EndpointKind, Endpoints, Ledger
from shared.records.production.upkeep import is_retiring
from shared.records.promotion import find_promotion
from shared.records.statements import Statements
from shared.records.store import RecordStore


class WayBackClients(Protocol):
    """What a way back is found with: the time, what is recorded, and what is deployed."""

    @property
    def clock(self) -> Clock: ...
    @property
    def store(self) -> RecordStore: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def statements(self) -> Statements: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def endpoints(self) -> Endpoints: ...
    @property
    def bundles(self) -> BundleStore: ...


def way_back(clients: WayBackClients, request: c.RollbackRequest, stage: Stage) -> c.RollbackCourse:
    """From what serves *stage* to what *request* asks for; without a target where there is no way, with the reason."""
    giving_way, left = _leaving(clients, stage)
    # An order names the version that it is about. Where another one serves by now, going back would leave the wrong
    # one.
    if request.leaving not in ("", left):
        if request.leaving not in _with_traffic(clients, stage):
            because = f"{request.leaving} has no traffic of {stage.serving.online} any more: there is nothing to leave"
            return c.RollbackCourse(left=request.leaving, because=because)
        left = request.leaving
    course = _course(clients, request, stage, left)
    if course.target is None:
        return course
    return replace(
        course,
        left=left,
        environment=stage.workspace.name,
        endpoint=stage.serving.online,
        giving_way=giving_way,
        within_s=stage.serving.ready_within_s,
    )


def _leaving(clients: WayBackClients, stage: Stage) -> tuple[str, str]:
    """The promotion that holds the endpoint, and the version that is left: its own once it shifts, or else what serves.

    One that still waits for people gives way too: its plan is for another champion.
    """
    owner = holder_of(clients.store, f"{stage.workspace.name}/{stage.serving.online}")
    record = find_promotion(clients.store, owner) if owner else None
    giving_way = owner if record is not None and record.fate is None else ""
    if (
        record is not None
        and giving_way
        and has_receipt(clients.statements, clients.ledger, owner, stage.name, Phase.EXIT)
    ):
        return giving_way, str(record.promotion.model)
    champion = champion_at(clients.endpoints, stage)
    return giving_way, champion.model.rpartition("/")[2]


def _with_traffic(clients: WayBackClients, stage: Stage) -> set[str]:
    """The versions, as `name:version`, whose deployments have requests now."""
    environment, endpoint = stage.workspace, stage.serving.online
    online = clients.endpoints.find(environment, EndpointKind.ONLINE, endpoint)
    deployments = online.shares if online else {}
    return {
        model_of_deployment(clients.endpoints, environment, endpoint, name).rpartition("/")[2] for name in deployments
    }


def _course(clients: WayBackClients, request: c.RollbackRequest, stage: Stage, left: str) -> c.RollbackCourse:
    records = serving_records(clients)
    known = candidates(records, stage, request.name, clients.clock.now())
    wanted = f"{request.name}:{request.to}" if request.to else ""
    choices = [candidate for candidate in known if candidate.model != left and wanted in ("", candidate.model)]
    objections = list[str]()
    for candidate in choices:
        unmet = candidate.unmet(override=request.override and bool(wanted))
        if not unmet:
            return _towards(clients, records, stage, candidate)
        reasons = "; ".join(f"{condition.name}: {condition.because}" for condition in unmet)
        objections.append(f"{candidate.model}: {reasons}")
    if not objections:
        served = f"{wanted or request.name} has not served {stage.serving.online} before {left or 'now'}"
        return c.RollbackCourse(left=left, because=f"there is nothing to go back to: {served}")
    return c.RollbackCourse(left=left, because=f"nothing is known to be good: {' | '.join(objections)}"[:1000])


def _towards(
    clients: WayBackClients, records: ServingRecords, stage: Stage, candidate: GoodCandidate
) -> c.RollbackCourse:
    model = exact_model(candidate.model)
    entry = records.entry(model)
    assert entry is not None  # A condition that no override reaches.
    seen = records.endpoints.deployment(
        stage.workspace, EndpointKind.ONLINE, stage.serving.online, candidate.deployment
    )
    stays = not is_retiring(clients.store, stage.workspace.name, stage.serving.online, candidate.deployment)
    return c.RollbackCourse(
        target=model,
        digest=entry.bundle,
        deployment=candidate.deployment,
        warm=seen is not None and seen.state == READY and stays,
    )


def serving_records(clients: WayBackClients) -> ServingRecords:
    """What known good is derived from."""
    return ServingRecords(clients.statements, clients.audit, clients.endpoints, clients.bundles)
