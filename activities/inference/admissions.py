"""Room in the quotas of a run's team: taken before the run is scored, and given back when it no longer is.

It stands alone since `runs` opens and closes runs of everybody, with and without quotas.
"""

from shared import contracts as c
from shared.application.teams.quotas import take_room
from shared.clients import Clients
from shared.records import paths
from shared.records.inference import store_of


def admit_run(clients: Clients, admission: c.RunAdmission) -> c.RunAdmitted:
    """Whether there is room; a run that waits is asked whether it was cancelled, too."""
    inference = admission.inference
    store = store_of(clients.hub, inference)
    if store.exists(paths.order(inference.run, "cancel")):
        return c.RunAdmitted(cancelled=True)
    return c.RunAdmitted(because=take_room(clients.configuration, store, inference, clients.clock.now()))
