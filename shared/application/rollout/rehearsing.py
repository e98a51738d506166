"""What a rehearsal on demand tries: where, and which version it goes back to. Nothing is changed here."""

from datetime import datetime

from shared import contracts as c
from shared.application.promotion.planning import champion_at
from shared.application.rollout.known_good import ServingRecords, candidates, production_stage
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.ladder import Ladder, Stage
from shared.domain.promotion.models import DIGEST, EntryState, ModelVersion, exact_model, exact_or_none
from shared.domain.rollout.known_good import versions_served
from shared.ports import EndpointKind, Models
from shared.records.production.serving import served_intervals

_READY = "Succeeded"


def rehearsal_stage(ladder: Ladder, name: str, cold: bool) -> Stage:
    """The stage called *name*, or the only one: where promotions rehearse, or production for a *cold* one.

    Raises Refused naming those there are. All traffic of production is not switched for a rehearsal.
    """
    if cold:
        return production_stage(ladder, name)
    stages = [stage for stage in ladder.stages if stage.rehearse]
    matching = [stage for stage in stages if name in ("", stage.name)]
    if len(matching) != 1:
        names = ", ".join(stage.name for stage in stages) or "none; write rehearse: true where promotions rehearse"
        raise Refused(f"field 'stage' is {name!r}; name one stage that rehearses: {names}")
    return matching[0]


def warm_course(
    records: ServingRecords, models: Models, stage: Stage, request: c.RehearsalRequest
) -> c.RehearsalCourse:
    """From what serves now to the version that served before it and is deployed still."""
    environment, endpoint = stage.workspace, stage.serving.online
    online = records.endpoints.find(environment, EndpointKind.ONLINE, endpoint)
    serving = exact_or_none(_serving(records, stage))
    if online is None or serving is None or serving.name != request.name:
        return _nothing(f"no version of {request.name} serves {endpoint} in {environment.name}")
    registered = models.find(environment, serving)
    digest = registered.tags.get(DIGEST, "") if registered else ""
    if online.shares != {identity.deployment_name(serving.version, digest): 100}:
        return _nothing(f"the traffic of {endpoint} is {online.shares}, and not all with the deployment of {serving}")
    served = served_intervals(records.statements, environment.name, endpoint)
    before = [version for version in versions_served(served) if version != str(serving)]
    deployed = {
        interval.model: interval.deployment for interval in served if _is_warm(records, stage, interval.deployment)
    }
    target = next((version for version in before if version in deployed), "")
    if before and not target:
        return _nothing(f"no version that served {endpoint} before {serving} is deployed any more; promote one again")
    way = c.RollbackCourse(
        target=exact_model(target) if target else None,
        left=str(serving),
        environment=environment.name,
        endpoint=endpoint,
        deployment=deployed.get(target, ""),
        warm=True,
        within_s=stage.serving.ready_within_s,
    )
    return c.RehearsalCourse(way=way, left_digest=digest, traffic=online.shares)


def cold_course(records: ServingRecords, stage: Stage, request: c.RehearsalRequest, now: datetime) -> c.RehearsalCourse:
    """The version that is brought back from the registry, beside what serves."""
    model = (
        exact_model(f"{request.name}:{request.version}") if request.version else _way_back(records, stage, request, now)
    )
    if model is None:
        return _nothing(f"no version of {request.name} has served before; name one of the registry")
    environment, endpoint = stage.workspace, stage.serving.online
    if records.endpoints.find(environment, EndpointKind.ONLINE, endpoint) is None:
        return _nothing(f"endpoint {endpoint} is not in {environment.name}")
    entry = records.entry(model)
    if entry is None or entry.state in ("", EntryState.REVOKED.value):
        state = entry.state or "removed" if entry else "nothing is signed of it"
        return _nothing(f"the entry of {model} is not brought back: {state}")
    way = c.RollbackCourse(
        target=model,
        digest=entry.bundle,
        environment=environment.name,
        endpoint=endpoint,
        # A name of its own: the version may be warm under the other one, and that stays.
        deployment=f"rehearsal-{entry.bundle.removeprefix('sha256:')[:8]}",
        within_s=stage.serving.ready_within_s,
    )
    return c.RehearsalCourse(way=way)


def _way_back(records: ServingRecords, stage: Stage, request: c.RehearsalRequest, now: datetime) -> ModelVersion | None:
    """What a rollback would bring back, or may with an override; else what serves."""
    serving = _serving(records, stage)
    versions = candidates(records, stage, request.name, now)
    others = [candidate for candidate in versions if candidate.model != serving and not candidate.unmet(override=True)]
    good = [candidate for candidate in others if candidate.is_good]
    return exact_or_none(next((candidate.model for candidate in (*good, *others)), serving))


def _serving(records: ServingRecords, stage: Stage) -> str:
    """The `name:version` that gets most of the traffic, empty where nothing does."""
    return champion_at(records.endpoints, stage).model.rpartition("/")[2]


def _is_warm(records: ServingRecords, stage: Stage, deployment: str) -> bool:
    place, endpoint = stage.workspace, stage.serving.online
    current = records.endpoints.deployment(place, EndpointKind.ONLINE, endpoint, deployment)
    return current is not None and current.state == _READY


def _nothing(because: str) -> c.RehearsalCourse:
    return c.RehearsalCourse(way=c.RollbackCourse(because=because))
