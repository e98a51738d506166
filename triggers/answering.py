"""Who asked for a run by a message: noted before the run is started, answered at once where it had ended already.

A run tells its results after its record is closed. Whoever is noted before that is told by the run; whoever finds the
record closed is told from it, under the same message id.
"""

import asyncio
import json

from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain import identity, records
from shared.domain.messaging import Asker
from shared.durable import Client, start_once


def note_asker(clients: Clients, inference: c.Inference, asker: Asker) -> None:
    """Safe to repeat."""
    path = f"{records.askers(inference.run)}{identity.digest(asker.message)}.json"
    clients.hub.create(inference.hub.state, path, json.dumps(encode(asker)).encode())


async def answer_late(client: Client, clients: Clients, inference: c.Inference, asker: Asker) -> None:
    """Tell what became of the run, if it has ended."""
    if not inference.hub.results:
        return
    raw = await asyncio.to_thread(clients.hub.read, inference.hub.state, records.run_record(inference.run))
    record = json.loads(raw or b"{}")
    if not record.get("closed"):
        return
    result = decode(c.InferenceResult, {name: record[name] for name in ("run", "outcome", "because", "manifest")})
    key = identity.effect_key(inference.run, f"told-{result.outcome.value}")
    telling = c.Telling(key=key, inference=inference, result=result)
    await start_once(client, c.ANSWER_LATE, identity.answer_id(inference.run, asker.message), telling)
