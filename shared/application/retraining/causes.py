"""Causes of retraining: recorded once each, after which the decision about them is woken."""

import asyncio

from shared import contracts as c
from shared.application.retraining.consideration import consider
from shared.domain import identity
from shared.domain.configuration import Configuration
from shared.domain.retraining.causes import Cause
from shared.durable.starting import Client, Start, start_once
from shared.records.retraining import keep_cause
from shared.records.store import RecordStore


async def raise_cause(
    client: Client, store: RecordStore, configuration: Configuration, cause: Cause, *more_causes: Cause
) -> Start | None:
    """Record *cause*, with *more_causes* of its model, and have them considered together.

    None where the model is not retrained: the records are all then.

    HTTP requests, events, schedules, detectors and Azure DevOps all come this way.
    """
    # Recorded before anybody is woken: a consideration lists the records, and what it is told by its caller it would
    # lose with its instance.
    for new_cause in (cause, *more_causes):
        await asyncio.to_thread(record_cause, store, new_cause)
    if not configuration.is_retrained(cause.model):
        return None
    return await consider(client, store, cause.model)


def record_cause(store: RecordStore, cause: Cause) -> c.RetrainingWatch:
    """Keep *cause* unless its id is known; returns what is to be considered. `raise_cause` wakes the decision too."""
    keep_cause(store, cause)
    return c.RetrainingWatch(model=cause.model)


async def watch_training_data(client: Client, model: str) -> Start:
    """Have what has come to train *model* looked at: enough of it is a cause. A look that is under way is joined."""
    watch = c.RetrainingWatch(model=model)
    return await start_once(client, c.WATCH_TRAINING_DATA, identity.training_watch_id(model), watch, again=True)
