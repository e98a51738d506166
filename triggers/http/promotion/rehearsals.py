"""Order a rehearsal of a rollback over HTTP. What it found is in `known-good`, and in the status of the operation."""

from dataclasses import dataclass
from uuid import uuid4

from shared import contracts as c
from shared.application.rollout.rehearsing import rehearsal_stage
from shared.domain import identity
from shared.domain.promotion.models import exact_model
from shared.validation.rules import OptionalName, Sentence
from triggers.http.api_route import ApiRequest, requester_name
from triggers.http.exchange.idempotency import RequestedStart
from triggers.http.exchange.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalAsked:
    """*cold*: a version is brought back from the registry and deployed beside, without traffic. *version*: which one;
    empty for what a rollback would bring back.
    """

    reason: Sentence
    stage: OptionalName = ""
    version: OptionalName = ""
    cold: bool = False


async def rehearse_rollback(request: ApiRequest, model: str, body: RehearsalAsked) -> RequestedStart:
    """Try a rollback of *model*: switch the traffic of pre-production and back, or bring a version back (`cold`)."""
    if body.version and not body.cold:
        raise Problem(422, "bad request", "field 'version' is of a cold rehearsal; a warm one goes back by one version")
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
