"""Plan and order a rehearsal of a rollback over HTTP. What it found is in `known-good` and the operation's status."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import uuid4

from shared import contracts as c
from shared.application.promotion.turns import holder_of
from shared.application.rollout.rehearsing import cold_course, rehearsal_stage, warm_course
from shared.application.rollout.ways_back import serving_records
from shared.domain import identity
from shared.domain.promotion.models import exact_model
from shared.validation.rules import OptionalName, Sentence
from triggers.http.api_route import ApiRequest, requester_name
from triggers.http.exchange.idempotency import RequestedStart
from triggers.http.exchange.problems import Problem
from triggers.http.operations.models import configured_model


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalAsked:
    """*cold*: a version is brought back from the registry and deployed beside, without traffic. *version*: which one;
    empty for what a rollback would bring back.
    """

    reason: Sentence
    stage: OptionalName = ""
    version: OptionalName = ""
    cold: bool = False


class RehearsalKind(StrEnum):
    WARM = "warm"
    COLD = "cold"


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalChoice:
    """As of an order; *version* is of a cold one."""

    stage: OptionalName = ""
    version: OptionalName = ""
    kind: RehearsalKind = RehearsalKind.WARM

    @property
    def cold(self) -> bool:
        return self.kind is RehearsalKind.COLD


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalPlanned:
    """To *target* and back to *leaving*, which serves; of a cold one, *target* is deployed beside, without traffic.

    *target* is empty where nothing can be tried, and *because* says why. Its deployment may take *within_s*. The
    promotion or rehearsal *under_way* has the endpoint now, and goes first.
    """

    stage: str
    environment: str
    endpoint: str
    cold: bool
    leaving: str
    target: str
    deployment: str
    within_s: int
    because: str
    under_way: str


def plan_rehearsal(request: ApiRequest, model: str, query: RehearsalChoice) -> RehearsalPlanned:
    """What a rehearsal of *model* would do now: what is switched or deployed, and what is put back"""
    clients = request.clients
    configured_model(clients, model)
    _refuse_version(query)
    stage = rehearsal_stage(clients.configuration.ladder, query.stage, query.cold)
    if query.version:
        exact_model(f"{model}:{query.version}")
    tried = c.RehearsalRequest(
        id="", name=model, stage=stage.name, by="", reason="", version=query.version, cold=query.cold
    )
    records = serving_records(clients)
    if query.cold:
        way = cold_course(records, stage, tried, clients.clock.now()).way
    else:
        way = warm_course(records, clients.models, stage, tried).way
    environment, endpoint = stage.workspace.name, stage.serving.online
    return RehearsalPlanned(
        stage=stage.name,
        environment=environment,
        endpoint=endpoint,
        cold=query.cold,
        leaving=way.left,
        target=str(way.target or ""),
        deployment=way.deployment,
        within_s=stage.serving.ready_within_s,
        because=way.because,
        under_way=holder_of(clients.store, f"{environment}/{endpoint}"),
    )


async def rehearse_rollback(request: ApiRequest, model: str, body: RehearsalAsked) -> RequestedStart:
    """Try a rollback of *model*: switch the traffic of pre-production and back, or bring a version back (`cold`)."""
    _refuse_version(body)
    stage = rehearsal_stage(request.clients.configuration.ladder, body.stage, body.cold).name
    person = await request.person()
    if body.version:
        exact_model(f"{model}:{body.version}")
    rehearsal = c.RehearsalRequest(
        id=identity.rehearsal_id(model, stage, uuid4().hex),
        name=model,
        stage=stage,
        by=requester_name(request.caller, person),
        reason=body.reason,
        version=body.version,
        cold=body.cold,
    )
    return RequestedStart(orchestration=c.REHEARSE, instance=rehearsal.id, payload=rehearsal, unique=True)


def _refuse_version(asked: RehearsalAsked | RehearsalChoice) -> None:
    if asked.version and not asked.cold:
        raise Problem(422, "bad request", "field 'version' is of a cold rehearsal; a warm one goes back by one version")
