"""Causes of retraining, recorded once each. Doors, timers and detectors all come this way, and then wake the decision:

record_cause(clients.store, cause)
await consider(client, clients.store, cause.model)
"""

from shared import contracts as c
from shared.domain.retraining.causes import Cause
from shared.records.retraining import keep_cause
from shared.records.store import RecordStore


def record_cause(store: RecordStore, cause: Cause) -> c.RetrainingWatch:
    """Keep *cause* unless its id is known; returns what is to be considered."""
    keep_cause(store, cause)
    return c.RetrainingWatch(model=cause.model)
