"""Start a rollback from anywhere: an alert and a revocation have an id that follows from their cause, so that each
starts one only. A person's order has an id of its own, which the HTTP door makes.
"""

import asyncio

from shared import contracts as c
from shared.domain import identity
from shared.domain.rollout.causes import RollbackCause
from shared.durable.starting import Client, Start, start_once
from shared.records.production import paths
from shared.records.store import RecordStore


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


async def start_rollback(client: Client, store: RecordStore, request: c.RollbackRequest) -> Start:
    """Start it unless it runs or has run; its record says so also after the host has forgotten its instance."""
    if await asyncio.to_thread(store.exists, paths.rollback(request.id)):
        return Start.FINISHED
    return await start_once(client, c.ROLL_BACK, request.id, request)
