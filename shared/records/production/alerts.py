"""What was done about each alert of a configured rule. They are shown, and keep a version from being known to be good.

Nobody signs them: what a planted or removed record changes is which version a rollback proposes, and never an order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain import identity
from shared.domain.rollout.known_good import FiredAlert
from shared.domain.rollout.policy import RolloutAlerts
from shared.records.production import paths
from shared.records.store import RecordStore

FIRED, RESOLVED = "fired", "resolved"


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


def fired_alerts(
    store: RecordStore, environment: str, endpoint: str, policy: RolloutAlerts, cleared_at: datetime | None
) -> Iterator[FiredAlert]:
    """Those of the rules of *policy* that fired on the endpoint after *cleared_at*, whatever was done about them."""
    records = [record for record in alerts_of(store, environment, endpoint) if policy.has_rule(record.rule)]
    resolved = {record.alert: record.at for record in records if record.condition == RESOLVED}
    for record in records:
        fired_at = datetime.fromisoformat(record.fired_at)
        if record.condition != RESOLVED and (cleared_at is None or fired_at > cleared_at):
            ended = resolved.get(record.alert)
            yield FiredAlert(
                rule=record.rule,
                fired_at=fired_at,
                deployment=record.deployment.lower(),
                resolved_at=datetime.fromisoformat(ended) if ended else None,
            )
