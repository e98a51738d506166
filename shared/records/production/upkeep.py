"""Records of what happens to production between rollouts: rollbacks under way, and deployments that were retired."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.codec import encode
from shared.domain import identity
from shared.domain.promotion.audit import canonical_digest
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records.production import paths
from shared.records.statements import Statements
from shared.records.store import RecordStore


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


def note_rollback(store: RecordStore, environment: str, endpoint: str, rollback: str) -> None:
    """From now on *rollback* may need any deployment of the endpoint."""
    store.mark(paths.open_rollback(environment, endpoint, rollback))


def end_rollback(store: RecordStore, environment: str, endpoint: str, rollback: str) -> None:
    """Safe to repeat."""
    store.delete(paths.open_rollback(environment, endpoint, rollback))


def rollbacks_under_way(store: RecordStore, environment: str, endpoint: str) -> list[str]:
    """The ids of rollbacks that were begun and not closed; one may have been ended from outside."""
    folder = paths.open_rollbacks(environment, endpoint)
    return [blob.path.removeprefix(folder) for blob in store.blobs(folder)]


def is_retiring(store: RecordStore, environment: str, endpoint: str, deployment: str) -> bool:
    """Whether the deployment is being removed: it may be gone at any moment."""
    return store.exists(paths.open_retirement(environment, endpoint, deployment))


def retirements_under_way(store: RecordStore, environment: str, endpoint: str) -> Iterator[Retirement]:
    """Those that were begun and not concluded."""
    return (stored.record for stored in store.list(Retirement, paths.open_retirements(environment, endpoint)))


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
