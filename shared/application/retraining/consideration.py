"""Have the recorded causes to retrain a model considered now. Called after a cause was recorded.

A consideration that runs may have listed the causes already. A mark shows that it pauses and will list them again; it
removes the mark before it does. Without a mark, this module waits for its end and starts another one.
"""

import asyncio

from shared import contracts as c
from shared.domain import identity
from shared.durable.starting import Client, Start, start_once
from shared.records import paths
from shared.records.store import RecordStore

_TRIES, _BETWEEN_S = 60, 0.05  # A weighing takes a moment; what has not ended after three seconds is left to the timer.


async def consider(client: Client, store: RecordStore, model: str) -> Start:
    """Started, or running where the one under way will see every cause that was recorded before this call."""
    watch, name = c.RetrainingWatch(model=model), identity.considering_id(model)
    for _ in range(_TRIES):
        start = await start_once(client, c.CONSIDER_RETRAINING, name, watch, again=True)
        if start is Start.STARTED or await asyncio.to_thread(_pauses, store, model):
            return start
        await asyncio.sleep(_BETWEEN_S)
    return start


def note_pause(store: RecordStore, model: str) -> None:
    """Write the pause mark: the consideration will list the causes again."""
    store.mark(paths.considering(model))


def end_pause(store: RecordStore, model: str) -> None:
    """Remove the pause mark, so that who records a cause from now on waits for the next consideration."""
    if _pauses(store, model):
        store.delete(paths.considering(model))


def _pauses(store: RecordStore, model: str) -> bool:
    return store.exists(paths.considering(model))
