"""How large the next job of a route should be, by the manifests of its runs that completed."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Protocol

from shared.application.inference.scoring import current_scoring, kind_of
from shared.application.list_readers import ListReaders
from shared.application.lists import RowFilter, matching
from shared.domain.inference.overrides import PastJob, SuggestedSize, suggested_size
from shared.domain.inference.routes import Route
from shared.domain.inference.runs import RunOutcome
from shared.ports import DataHub, Endpoints
from shared.records.inference import Manifest, RunRecord, find_run
from shared.records.lists.rows import COLUMNS, RUNS
from shared.records.store import RecordStore

_NEWEST = 20  # Runs that are looked at; each costs two readings.


class SizingClients(Protocol):
    """Where runs and what scored them are read."""

    @property
    def hub(self) -> DataHub: ...

    @property
    def store(self) -> RecordStore: ...

    @property
    def endpoints(self) -> Endpoints: ...

    @property
    def lists(self) -> ListReaders: ...


def size_for(clients: SizingClients, route: Route, size: int, within_s: float) -> SuggestedSize:
    """The instances that *size* bytes need within so many seconds. Raises Refused where nothing scores."""
    return suggested_size(tuple(_past_jobs(clients, route)), size, within_s, route.limits)


def _past_jobs(clients: SizingClients, route: Route) -> Iterator[PastJob]:
    """Jobs of the newest runs on the machines that score now: another deployment may be of another size."""
    scoring = current_scoring(clients.endpoints, route.score)
    deployment = clients.endpoints.deployment(scoring.workspace, kind_of(scoring), scoring.endpoint, scoring.deployment)
    own = deployment.instances if deployment else 0
    wanted = RowFilter(equal={"route": route.name, "outcome": RunOutcome.COMPLETED.value})
    entries = matching(RUNS, clients.lists.rows(RUNS), wanted)
    for entry in islice(entries, _NEWEST):
        record = find_run(clients.store, entry[len(COLUMNS[RUNS])])
        # Deployments of two endpoints may have one name.
        if record is None or record.inference.route.score.address != scoring.address:
            continue
        if job := _job(clients, record, own):
            yield job


def _job(clients: SizingClients, record: RunRecord, own: int) -> PastJob | None:
    """What its manifest says of the job of a run; *own* are the deployment's instances where the run set none."""
    container, _, path = (record.manifest or "").partition("/")
    manifest = RecordStore(clients.hub, container).get(Manifest, path) if path else None
    overrides = record.inference.route.overrides
    instances = overrides.instance_count or own or 1
    if manifest is None or not {"submitted", "scored"} <= manifest.timings.keys() or overrides.compute:
        return None
    begun, ended = (datetime.fromisoformat(manifest.timings[name]) for name in ("submitted", "scored"))
    size = sum(int(arrival["bytes"]) for arrival in manifest.arrivals)
    return PastJob(size=size, instances=instances, seconds=(ended - begun).total_seconds())
