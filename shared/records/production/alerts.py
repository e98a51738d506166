"""What was done about each alert of a configured rule: shown, and what keeps a version from being known to be good.

Each outcome is a signed statement of its own, and none is ever changed: what nobody signed is no alert.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.codec import encode
from shared.domain import identity
from shared.domain.promotion.audit import canonical_digest
from shared.domain.rollout.known_good import FiredAlert
from shared.domain.rollout.policy import RolloutAlerts
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records.production import paths
from shared.records.statements import ForgedError, Statements

FIRED, RESOLVED = "fired", "resolved"
_IN_FORCE = "in force"
_SEEN_EVERY = timedelta(hours=1)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPredicate:
    """What the deciding key says of an alert: what it was about, and what was done."""

    record: AlertRecord


def keep_alert(statements: Statements, record: AlertRecord) -> None:
    """Sign *record* unless the alert is known with the same outcome. One that has started a rollback stays so."""
    folder = paths.serving_alert(record.environment, record.endpoint, identity.digest(record.alert, record.condition))
    outcomes = [outcome for _, outcome in _outcomes(statements, folder)]
    if any(outcome.rollback for outcome in outcomes):
        return
    # Azure Monitor repeats an alert, and each sweep finds it again: only another outcome is signed, so that the record
    # says when it was judged first.
    if any((outcome.model, outcome.because) == (record.model, record.because) for outcome in outcomes):
        return
    name = identity.digest(record.model, record.because, record.rollback)
    statements.create(f"{folder}{name}.dsse.json", _statement(record))


def keep_in_force(statements: Statements, record: AlertRecord) -> None:
    """Sign that the alert of *record* is in force still, once an hour over what was signed before.

    Azure Monitor says that an alert fired, and need not say that it goes on: without this one that has been in force
    for days would be as good as over.
    """
    at = datetime.fromisoformat(record.at)
    folder = paths.serving_alert(record.environment, record.endpoint, identity.digest(record.alert, _IN_FORCE))
    path, standing = f"{folder}last.dsse.json", _statement(replace(record, condition=_IN_FORCE))
    stored = statements.find_envelope(path)
    if stored is None:
        if at - datetime.fromisoformat(record.fired_at) >= _SEEN_EVERY:
            statements.create(path, standing)
    elif stored.blob.age(at) >= _SEEN_EVERY:
        statements.replace(stored, standing)


def _statement(record: AlertRecord) -> Statement:
    return Statement(
        kind=PredicateKind.SERVING_ALERT,
        subjects={f"alert on {record.environment}/{record.endpoint}": canonical_digest(encode(record))},
        at=datetime.fromisoformat(record.at),
        predicate=encode(AlertPredicate(record=record)),
    )


def alerts_of(
    statements: Statements, environment: str, endpoint: str, forgeries: list[ForgedError] | None = None
) -> Iterator[AlertRecord]:
    """Every alert of the endpoint that was judged, each as it was last, in no order.

    What nobody signed is added to *forgeries*.
    """
    return (
        record
        for record in _last_outcomes(statements, environment, endpoint, forgeries)
        if record.condition != _IN_FORCE
    )


def _last_outcomes(
    statements: Statements, environment: str, endpoint: str, forgeries: list[ForgedError] | None = None
) -> Iterator[AlertRecord]:
    last: dict[str, AlertRecord] = {}
    for path, record in _outcomes(statements, paths.serving_alerts(environment, endpoint), forgeries):
        folder = path.rpartition("/")[0]
        if folder not in last or _order(record) > _order(last[folder]):
            last[folder] = record
    return iter(last.values())


def fired_alerts(
    statements: Statements, environment: str, endpoint: str, policy: RolloutAlerts, cleared_at: datetime | None
) -> Iterator[FiredAlert]:
    """Those of the rules of *policy* that fired on the endpoint after *cleared_at*, whatever was done about them."""
    records = [record for record in _last_outcomes(statements, environment, endpoint) if policy.has_rule(record.rule)]
    resolved, seen = (
        {record.alert: datetime.fromisoformat(record.at) for record in records if record.condition == condition}
        for condition in (RESOLVED, _IN_FORCE)
    )
    for record in records:
        fired_at = datetime.fromisoformat(record.fired_at)
        if record.condition == FIRED and (cleared_at is None or fired_at > cleared_at):
            yield FiredAlert(
                rule=record.rule,
                fired_at=fired_at,
                deployment=record.deployment.lower(),
                resolved_at=resolved.get(record.alert),
                seen_at=seen.get(record.alert),
            )


def _outcomes(
    statements: Statements, folder: str, forgeries: list[ForgedError] | None = None
) -> Iterator[tuple[str, AlertRecord]]:
    return statements.records(folder, PredicateKind.SERVING_ALERT, AlertRecord, forgeries=forgeries)


def _order(record: AlertRecord) -> tuple[bool, str]:
    """An outcome that has started a rollback is the last one, whatever was found after it."""
    return bool(record.rollback), record.at
