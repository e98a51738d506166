"""Signed records of rehearsed rollbacks, by the model that was tried: what the measuring key says it has seen."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.codec import encode
from shared.domain import identity
from shared.domain.promotion.audit import canonical_digest
from shared.domain.rollout.rehearsals import Rehearsal
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records.production import paths
from shared.records.statements import Statements


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalPredicate:
    """What the measuring key says of a rehearsal."""

    record: Rehearsal


def sign_rehearsal(statements: Statements, rehearsal: Rehearsal) -> None:
    """Say what was rehearsed. Safe to repeat: the first record of its cause stands."""
    name = identity.digest(rehearsal.cause, rehearsal.environment, rehearsal.endpoint)
    path = f"{paths.rehearsals(rehearsal.subject.rpartition(':')[0])}{name}.dsse.json"
    content = encode(rehearsal)
    statement = Statement(
        kind=PredicateKind.REHEARSAL,
        subjects={rehearsal.subject: rehearsal.digest, path: canonical_digest(content)},
        at=rehearsal.at,
        predicate={"record": content},
    )
    statements.create(path, statement)


def rehearsals_of(statements: Statements, model: str) -> Iterator[Rehearsal]:
    """Every rehearsal of versions of the model called *model*, in no order. What nobody signed is no rehearsal."""
    records = statements.records(paths.rehearsals(model), PredicateKind.REHEARSAL, Rehearsal)
    return (rehearsal for _, rehearsal in records)
