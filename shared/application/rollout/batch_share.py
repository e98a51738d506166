"""What scores an arrival of a batch endpoint while a rollout is on its way: the champion, or the version on its way.

The share is that of the online endpoint's traffic, as it is now: an abort or another hand's change counts at once.
"""

from dataclasses import dataclass, replace

from shared.domain.inference.routes import Scoring, Workspace
from shared.domain.promotion.ladder import Ladder, Stage
from shared.domain.promotion.models import ModelVersion
from shared.domain.rollout.arrivals import is_chosen, rival
from shared.ports import EndpointKind, Endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedArrival:
    """An arrival that the version on its way scores: *canary* does so, and *champion* is asked about it, too."""

    canary: Scoring
    champion: Scoring


def sharing_stage(ladder: Ladder, workspace: Workspace, endpoint: str) -> Stage | None:
    """The stage whose rollouts share the arrivals of the batch *endpoint*; None where none does."""
    return next(
        (
            stage
            for stage in ladder.stages
            if stage.rollout is not None
            and stage.rollout.batch is not None
            and stage.environment == workspace
            and stage.serving.batch == endpoint
        ),
        None,
    )


def shared_arrival(endpoints: Endpoints, ladder: Ladder, champion: Scoring, key: str) -> SharedArrival | None:
    """Who scores the arrival *key*, which *champion*, the default, would score; None where that is the champion alone.

    The version on its way has the same deployment's name on both endpoints.
    """
    stage = None if champion.online else sharing_stage(ladder, champion.workspace, champion.endpoint)
    online = endpoints.find(champion.workspace, EndpointKind.ONLINE, stage.serving.online) if stage else None
    on_its_way = rival(online.shares, champion.deployment) if online else None
    if on_its_way is None or not is_chosen(on_its_way[0], key, on_its_way[1]):
        return None
    deployment = endpoints.deployment(champion.workspace, EndpointKind.BATCH, champion.endpoint, on_its_way[0])
    model = ModelVersion.of_asset(deployment.model) if deployment else None
    if deployment is None or deployment.state != "Succeeded" or model is None or model.name != champion.model:
        return None
    return SharedArrival(canary=replace(champion, deployment=deployment.name, version=model.version), champion=champion)
