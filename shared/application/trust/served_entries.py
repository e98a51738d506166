"""Where an entry of the central registry serves now: what its revocation has to bring back.

Not here: the revocation itself (activities/trust/entry_revocations.py), and the way back
(shared/application/rollout/ways_back.py).
"""

from collections.abc import Iterable, Iterator

from shared import contracts as c
from shared.application.promotion.planning import champion_at, model_of_deployment
from shared.domain.promotion.ladder import Ladder, Stage
from shared.domain.promotion.models import ModelVersion
from shared.ports import EndpointKind, Endpoints


def stages_served_by(endpoints: Endpoints, ladder: Ladder, model: ModelVersion) -> list[Stage]:
    """The stages whose online endpoints give *model* most of their traffic now."""
    return [
        stage
        for stage in ladder.stages
        if stage.environment is not None and champion_at(endpoints, stage).model.rpartition("/")[2] == str(model)
    ]


def uncovered(serving: Iterable[Stage], model: ModelVersion) -> Iterator[str]:
    """Where *model* goes on *serving* although it is revoked, and why."""
    return (
        f"{stage.name} serves {model}, and no rollback covers a stage without `rollout`: promote another version there"
        for stage in serving
        if stage.rollout is None
    )


def defaults_served_by(endpoints: Endpoints, ladder: Ladder, model: ModelVersion) -> Iterator[c.BatchDefault]:
    """The batch endpoints whose default is *model* now.

    Signalbox runs no job with a revoked version, but others may call the endpoint.
    """
    for stage in ladder.stages:
        if stage.environment is None or not stage.serving.batch:
            continue
        place, name, kind = stage.environment, stage.serving.batch, EndpointKind.BATCH
        endpoint = endpoints.find(place, kind, name)
        if endpoint is None or not endpoint.default:
            continue
        default = model_of_deployment(endpoints, place, name, endpoint.default, kind)
        if default.rpartition("/")[2] == str(model):
            because = (
                f"{stage.name}: {model} is the default of the batch endpoint {name}; no job of Signalbox runs with it, "
                "and other callers' jobs do: promote another version there"
            )
            yield c.BatchDefault(stage=stage.name, because=because)
