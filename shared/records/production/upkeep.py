"""Records of what happens to production between rollouts: rollbacks under way, and deployments that were retired."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.promotion.audit import canonical_digest
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records.production import paths
from shared.records.statements import ForgedError, Statements
from shared.records.store import RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackTurn:
    """*rollback* brings an endpoint back; *until* then no other one begins, unless it has ended before."""

    rollback: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """The kept-warm *deployment* of *model* is removed: without traffic since *idle_since*, decided at *at*.

    While a record of it lies among those under way, nobody may count on the deployment.
    """

    environment: str
    endpoint: str
    deployment: str
    model: str
    idle_since: datetime
    at: datetime

    @property
    def key(self) -> str:
        """One retirement for each time that the deployment was kept warm."""
        place = f"{self.environment}/{self.endpoint}/{self.deployment}"
        return f"{paths.RETIREMENTS}{place}/{identity.digest(self.idle_since.isoformat())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetirementPredicate:
    """What the deciding key says of a deployment that was removed."""

    record: Retirement


def take_turn(store: RecordStore, environment: str, endpoint: str, turn: RollbackTurn, now: datetime) -> str:
    """From now on the rollback of *turn* may need any deployment of the endpoint, and no other one begins.

    Returns the rollback whose turn it is instead, empty where there is none. Raises LostRace where another begins at
    this moment.
    """
    path = paths.rollback_turn(environment, endpoint)
    stored = store.get_stored(RollbackTurn, path)
    if stored is not None and stored.record.rollback != turn.rollback and now < stored.record.until:
        return stored.record.rollback
    if stored is None or stored.record.rollback != turn.rollback:
        store.save(path, turn, stored)
    return ""


def end_turn(store: RecordStore, environment: str, endpoint: str, rollback: str) -> None:
    """The rollback has ended. Safe to repeat: the turn of another one stays."""
    path = paths.rollback_turn(environment, endpoint)
    stored = store.get_stored(RollbackTurn, path)
    if stored is not None and stored.record.rollback == rollback:
        # Conditional: between the read and the delete another rollback may have taken the turn, which must not be given
        # away.
        store.delete(path, stored.blob.etag)


def rollback_under_way(store: RecordStore, environment: str, endpoint: str) -> str:
    """The rollback that was begun and has not ended, empty without one. It may have been ended from outside."""
    turn = store.get(RollbackTurn, paths.rollback_turn(environment, endpoint))
    return turn.rollback if turn else ""


def is_retiring(store: RecordStore, environment: str, endpoint: str, deployment: str) -> bool:
    """Whether the deployment is being removed: it may be gone at any moment."""
    return store.exists(paths.open_retirement(environment, endpoint, deployment))


def retirements_under_way(store: RecordStore, environment: str, endpoint: str) -> Iterator[Retirement]:
    """Those that were begun and not concluded."""
    return (stored.record for stored in store.list(Retirement, paths.open_retirements(environment, endpoint)))


def retired_at(statements: Statements, environment: str, endpoint: str, deployment: str) -> list[datetime]:
    """When deployments of that name were removed after they were kept warm, in no order.

    What nobody signed removed nothing.
    """
    moments = list[datetime]()
    for path in statements.list(f"{paths.RETIREMENTS}{environment}/{endpoint}/{deployment}/"):
        try:
            predicate = statements.read(path, PredicateKind.RETIREMENT)
        except ForgedError:
            continue
        if predicate is not None:
            moments.append(decode(Retirement, predicate["record"]).at)
    return moments


def sign_retirement(statements: Statements, retirement: Retirement) -> None:
    """Say that the deployment was removed. Safe to repeat: the first statement stands."""
    content = encode(retirement)
    subject = f"deployment {retirement.environment}/{retirement.endpoint}/{retirement.deployment}"
    statement = Statement(
        kind=PredicateKind.RETIREMENT,
        subjects={subject: canonical_digest(content)},
        at=retirement.at,
        predicate={"record": content},
    )
    statements.create(f"{retirement.key}.dsse.json", statement)
