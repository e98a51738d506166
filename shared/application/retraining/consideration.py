"""Have the recorded causes to retrain a model considered now. Whoever has recorded one comes here.

A consideration that is under way may have listed the causes already. While it pauses, and so will list them again,
there is a mark, taken away before it lists them. Where there is none, its end is waited for, and another one begun.
"""

import asyncio

from shared import contracts as c
from shared.domain import identity
from shared.durable.starting import Client, Start, start_once
from shared.records import paths as records
from shared.records.access import Records

_TRIES, _BETWEEN_S = 60, 0.05  # A weighing takes a moment; what has not ended after three seconds is left to the timer.


async def consider(client: Client, made: Records, model: str) -> Start:
    """Started, or running where the one under way will see every cause that was recorded before this call."""
    watch, name = c.RetrainingWatch(model=model), identity.considering_id(model)
    for _ in range(_TRIES):
        how = await start_once(client, c.CONSIDER_RETRAINING, name, watch, again=True)
        if how is Start.STARTED or await asyncio.to_thread(_pauses, made, model):
            return how
        await asyncio.sleep(_BETWEEN_S)
    return how


def note_pause(made: Records, model: str) -> None:
    """The consideration will list the causes again."""
    made.hub.create(made.configuration.hub.state, records.considering(model), b"")


def end_pause(made: Records, model: str) -> None:
    """Before it lists them."""
    if _pauses(made, model):
        made.hub.delete(made.configuration.hub.state, records.considering(model))


def _pauses(made: Records, model: str) -> bool:
    return made.hub.find(made.configuration.hub.state, records.considering(model)) is not None
