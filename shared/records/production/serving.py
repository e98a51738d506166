"""Records of what serves production: every change of an endpoint's traffic, and the versions that are held back.

All are signed with the deciding key, and none is ever changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.codec import encode
from shared.domain import identity
from shared.domain.promotion.audit import canonical_digest
from shared.domain.promotion.models import ModelVersion
from shared.domain.rollout.serving import ServedInterval, TrafficChange, intervals
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records.production import paths
from shared.records.statements import ForgedError, Statements


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionHold:
    """*model* may not be promoted from *at* on, or may again where *released*; *cause* is the rollback that held it."""

    model: ModelVersion
    released: bool
    by: str
    reason: str
    at: datetime
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficPredicate:
    """What the deciding key says of the traffic of an endpoint."""

    record: TrafficChange


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPredicate:
    """What the deciding key says of a version that is held back, or released."""

    record: VersionHold


def sign_change(statements: Statements, key: str, change: TrafficChange) -> None:
    """Say what the traffic of an endpoint is from now on. Safe to repeat: the first record of *key* stands."""
    path = _change_path(change.environment, change.endpoint, key)
    _sign(
        statements, path, PredicateKind.TRAFFIC, f"traffic of {change.environment}/{change.endpoint}", change.at, change
    )


def change_at(statements: Statements, environment: str, endpoint: str, key: str) -> TrafficChange | None:
    """The change that was recorded under *key*, None where none was. Raises ForgedError."""
    return statements.record(_change_path(environment, endpoint, key), PredicateKind.TRAFFIC, TrafficChange)


def changes_of(
    statements: Statements, environment: str, endpoint: str, forgeries: list[ForgedError] | None = None
) -> Iterator[TrafficChange]:
    """Every signed change of the endpoint's traffic, in no order; what nobody signed is added to *forgeries*."""
    folder = paths.traffic_changes(environment, endpoint)
    changes = statements.records(folder, PredicateKind.TRAFFIC, TrafficChange, forgeries=forgeries)
    return (change for _, change in changes)


def served_intervals(statements: Statements, environment: str, endpoint: str) -> tuple[ServedInterval, ...]:
    """What served the endpoint, and when."""
    return intervals(changes_of(statements, environment, endpoint))


def serving_record(statements: Statements, environment: str, endpoint: str, model: ModelVersion) -> str:
    """Where *model* has all traffic since when, or last had it until it had none, as its entry says it.

    Empty where it never had all traffic.
    """
    own = [part for part in served_intervals(statements, environment, endpoint) if part.model == str(model)]
    whole = [part for part in own if part.share == 100]
    if not whole:
        return ""
    last = max(whole, key=lambda part: part.since)
    ends = [part.until for part in own if part.since >= last.since]
    until = None if None in ends else max(filter(None, ends))
    place, since = f"{environment}/{endpoint}", last.since.isoformat(timespec="seconds")
    return (
        f"{place} since {since}" if until is None else f"{place} from {since} to {until.isoformat(timespec='seconds')}"
    )


def sign_hold(statements: Statements, hold: VersionHold) -> bool:
    """Hold a version back, or release it; False where just this was said before."""
    word = "released" if hold.released else "held"
    name = identity.digest(word, hold.cause, hold.by, hold.at.isoformat() if hold.released else "")
    path = f"{paths.hold(hold.model.name, hold.model.version)}{name}.dsse.json"
    return _sign(statements, path, PredicateKind.HOLD, f"hold of {hold.model}", hold.at, hold)


def hold_of(
    statements: Statements, model: ModelVersion, forgeries: list[ForgedError] | None = None
) -> VersionHold | None:
    """What holds *model* back now; None where nothing does."""
    folder = paths.hold(model.name, model.version)
    holds = statements.records(folder, PredicateKind.HOLD, VersionHold, forgeries=forgeries)
    # Of a hold and a release at one moment the release is the later one: nobody releases what is not held yet.
    newest = max((hold for _, hold in holds), key=lambda hold: (hold.at, hold.released), default=None)
    return None if newest is None or newest.released else newest


def released_at(
    statements: Statements, model: ModelVersion, forgeries: list[ForgedError] | None = None
) -> datetime | None:
    """When somebody has last said that *model* may be promoted again; None where nobody has."""
    folder = paths.hold(model.name, model.version)
    words = statements.records(folder, PredicateKind.HOLD, VersionHold, forgeries=forgeries)
    return max((word.at for _, word in words if word.released), default=None)


def _change_path(environment: str, endpoint: str, key: str) -> str:
    return f"{paths.traffic_changes(environment, endpoint)}{identity.digest(key)}.dsse.json"


def _sign(
    statements: Statements,
    path: str,
    kind: PredicateKind,
    subject: str,
    at: datetime,
    record: TrafficChange | VersionHold,
) -> bool:
    content = encode(record)
    statement = Statement(
        kind=kind, subjects={subject: canonical_digest(content)}, at=at, predicate={"record": content}
    )
    return statements.create(path, statement)
