"""Start a rollback from anywhere: an alert and a revocation have an id that follows from their cause, so that each
starts one only. A person's order has an id of its own, which the HTTP door makes.
"""

import asyncio
from datetime import timedelta
from typing import Protocol

from shared import contracts as c
from shared.domain import identity
from shared.domain.failures import Transient
from shared.domain.promotion.ladder import Stage
from shared.domain.rollout.causes import RollbackCause
from shared.durable.starting import Client, Start, start_once
from shared.ports import Clock
from shared.records.production import paths
from shared.records.production.upkeep import RollbackTurn, take_turn
from shared.records.store import LostRace, RecordStore

GIVE_WAY = timedelta(seconds=60)  # For the rollout of the same endpoint that is under way.


class TurnClients(Protocol):
    """The time, and where it is recorded whose turn it is."""

    @property
    def clock(self) -> Clock: ...
    @property
    def store(self) -> RecordStore: ...


def caused_rollback(
    cause: RollbackCause, fact: str, stage: str, leaving: str, *, by: str, reason: str, oid: str = "", alert: str = ""
) -> c.RollbackRequest:
    """The rollback of the version *leaving* (`name:version`) at *stage* because of *fact*, such as an alert's name.

    The same fact gives the same id. Where another version serves by then, it brings nothing back.
    """
    name = leaving.rpartition(":")[0]
    return c.RollbackRequest(
        id=identity.rollback_id(name, stage, identity.digest(cause.value, fact, leaving)),
        name=name,
        stage=stage,
        by=by,
        oid=oid,
        reason=reason[:1000],
        alert=alert,
        cause=cause,
        leaving=leaving,
    )


def begin_turn(clients: TurnClients, stage: Stage, rollback: str) -> str:
    """Let *rollback* have the turn at the endpoint of *stage*; returns the one that has it instead, empty for none.

    Two people who see the same incident both order one: the second must not go back one version further. Raises
    Transient where another one begins at this moment.
    """
    now = clients.clock.now()
    # The turn has an end of its own, since a rollback that is ended from outside gives nothing back. A cold one waits
    # twice at most for `ready_within_s`: for the deployment and for the shift.
    until = now + GIVE_WAY + 2 * timedelta(seconds=stage.serving.ready_within_s)
    turn, place = RollbackTurn(rollback=rollback, until=until), (stage.workspace.name, stage.serving.online)
    try:
        return take_turn(clients.store, *place, turn, now)
    except LostRace as race:
        raise Transient(f"another rollback of {stage.serving.online} begins at this moment") from race


async def start_rollback(client: Client, store: RecordStore, request: c.RollbackRequest) -> Start:
    """Start it unless it runs or has run; its record says so also after the host has forgotten its instance."""
    if await asyncio.to_thread(store.exists, paths.rollback(request.id)):
        return Start.FINISHED
    return await start_once(client, c.ROLL_BACK, request.id, request)
