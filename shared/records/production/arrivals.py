"""Records of arrivals that the version on its way has scored: a rollout's looks compare them with the champion.

They are not signed: what a look has counted of them is. It stands alone, since runs write them and rollouts read them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.inference.routes import Scoring
from shared.records.production import paths
from shared.records.store import RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalRecord:
    """*run* is scored by a version on its way; *champion* would have scored it."""

    run: str
    champion: Scoring


def note_arrival(store: RecordStore, canary: str, arrival: ArrivalRecord) -> None:
    """Keep *arrival* for the looks at the rollout of the deployment *canary*. Safe to repeat: the first one stands."""
    score = arrival.champion
    store.create(f"{paths.batch_arrivals(score.workspace.name, score.endpoint, canary)}{arrival.run}.json", arrival)


def arrivals_of(store: RecordStore, environment: str, endpoint: str, canary: str) -> Iterator[ArrivalRecord]:
    """The arrivals that *canary* has scored, or will."""
    folder = paths.batch_arrivals(environment, endpoint, canary)
    return (stored.record for stored in store.list(ArrivalRecord, folder))
