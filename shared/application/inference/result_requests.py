"""Who asked for a run by a message: noted before the run is started, answered at once where it had ended already.

A run tells its results after its record is closed. Whoever is noted before that is told by the run; whoever finds the
record closed is told from it, under the same message id.
"""

import asyncio
import json
from collections.abc import Sequence

from shared import contracts as c
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.messaging import Asker
from shared.durable.starting import Client, start_once
from shared.ports import DataHub
from shared.records import paths as records


def note_askers(hub: DataHub, inference: c.Inference, askers: Sequence[Asker], name: str = "") -> None:
    """*name* stands for all of them, the one asker's message where it is left out. Safe to repeat."""
    path = f"{records.askers(inference.run)}{identity.digest(name or askers[0].message)}.json"
    hub.create(inference.hub.state, path, json.dumps(encode(askers)).encode())


def askers_of(hub: DataHub, inference: c.Inference) -> list[Asker]:
    state = inference.hub.state
    noted = [hub.read(state, blob.path) for blob in hub.list(state, records.askers(inference.run))]
    found = [json.loads(raw) for raw in noted if raw]
    return [decode(Asker, raw) for each in found for raw in (each if isinstance(each, list) else [each])]


def recorded_result(hub: DataHub, inference: c.Inference) -> c.InferenceResult | None:
    """How the run has ended, by its record; None where it has not."""
    record = json.loads(hub.read(inference.hub.state, records.run_record(inference.run)) or b"{}")
    if not record.get("closed"):
        return None
    return decode(c.InferenceResult, {name: record[name] for name in ("run", "outcome", "because", "manifest")})


async def answer_late(client: Client, hub: DataHub, inference: c.Inference, name: str) -> None:
    """Tell what became of the run, if it has ended, to those who were noted under *name*."""
    if not inference.hub.results:
        return
    result = await asyncio.to_thread(recorded_result, hub, inference)
    if result is None:
        return
    key = identity.effect_key(inference.run, f"told-{result.outcome.value}")
    telling = c.Telling(key=key, inference=inference, result=result)
    await start_once(client, c.ANSWER_LATE, identity.answer_id(inference.run, name), telling)
