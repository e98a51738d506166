"""What was done about each alert of a configured rule, to be shown: nothing is decided by these records."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared.domain import identity
from shared.records.production import paths
from shared.records.store import RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """The alert *alert* of *rule* about *model*, which served; *rollback* is what it has started, empty for nothing.

    *condition* is fired or resolved. *source* says whether it was pushed or found by the sweep; *at* is when it was
    judged as *because* says.
    """

    alert: str
    rule: str
    environment: str
    endpoint: str
    deployment: str
    model: str
    fired_at: str
    condition: str
    at: str
    because: str
    rollback: str = ""
    source: str = ""


def keep_alert(store: RecordStore, record: AlertRecord) -> None:
    """Write *record* unless the alert is known with the same outcome. One that has started a rollback stays so."""
    path = paths.serving_alert(record.environment, record.endpoint, identity.digest(record.alert, record.condition))
    earlier = store.get(AlertRecord, path)
    if earlier is None:
        store.create(path, record)
    # Azure Monitor repeats an alert, and each sweep finds it again: an unchanged outcome is not written again, so the
    # record says when it was judged first.
    elif not earlier.rollback and replace(earlier, at=record.at, source=record.source) != record:
        store.overwrite(path, record)


def alerts_of(store: RecordStore, environment: str, endpoint: str) -> Iterator[AlertRecord]:
    """Every alert of the endpoint that was judged, in no order."""
    for blob in store.blobs(paths.serving_alerts(environment, endpoint)):
        record = store.get(AlertRecord, blob.path)
        if record is not None:
            yield record
