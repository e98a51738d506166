"""Causes of retraining, recorded once each. Doors, timers and detectors all come this way, and then wake the decision:

record_cause(clients, cause)
await consider(client, clients, cause.model)
"""

import json

from shared import contracts as c
from shared.codec import encode
from shared.domain.retraining.causes import Cause
from shared.records import paths as records
from shared.records.access import Records


def record_cause(made: Records, cause: Cause) -> c.RetrainingWatch:
    """Keep *cause* unless its id is known; returns what is to be considered."""
    content = json.dumps(encode(cause)).encode()
    metadata = {"kind": cause.kind.value, "at": cause.at.isoformat()}  # Enough for a decision over many of them.
    made.hub.create(made.configuration.hub.state, records.cause(cause.model, cause.id), content, metadata)
    return c.RetrainingWatch(model=cause.model)
