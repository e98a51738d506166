"""How each move is made and undone. A move without its undo does not fit here, so it cannot be added."""

from collections.abc import Mapping
from typing import Any, Protocol

from activities.promotion.movers import (
    bundle,
    deployments,
    entry,
    mirror,
    model,
    rehearsal,
    shift,
    traffic,
    training,
    trial,
)
from shared import contracts as c
from shared.clients import Clients
from shared.domain.promotion.plans import Move
from shared.ports import EndpointKind


class Mover(Protocol):
    """Both directions are safe to repeat and say what they still wait for, empty once they are done."""

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        """What there is before the first touch, as plain JSON."""
        ...

    def advance(self, clients: Clients, order: c.MoveOrder) -> str: ...
    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str: ...

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        """What the move has made and is not there now, as a part of a sentence; empty where all of it is."""
        ...


MOVERS: dict[Move, Mover] = {
    Move.COPY_BUNDLE: bundle.CopyBundle(),
    Move.TRAIN_MODEL: training.TrainModel(),
    Move.REGISTER_MODEL: model.RegisterModel(),
    Move.DEPLOY_ONLINE: deployments.Deploy(EndpointKind.ONLINE),
    Move.DEPLOY_BATCH: deployments.Deploy(EndpointKind.BATCH),
    Move.REHEARSE_ROLLBACK: rehearsal.RehearseRollback(),
    Move.SWITCH_TRAFFIC: traffic.SwitchTraffic(),
    Move.PUBLISH_ENTRY: entry.PublishEntry(),
    Move.APPROVE_ENTRY: entry.ApproveEntry(),
    Move.MIRROR_TRAFFIC: mirror.MirrorTraffic(),
    Move.SHIFT_TRAFFIC: shift.ShiftTraffic(),
    Move.MARK_IN_PRODUCTION: entry.MarkInProduction(),
    Move.TRY_BATCH: trial.TryBatch(),
}
