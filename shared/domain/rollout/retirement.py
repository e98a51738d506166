"""Which deployments are kept warm after a release or a rollback, and until when: derived from what served. Pure.

A deployment that never had traffic is none of them: another promotion may be at work on it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.rollout.serving import ServedInterval


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWarm:
    """*deployment* of *model* has no traffic since *idle_since*, and is kept until *due*."""

    deployment: str
    model: str
    idle_since: datetime
    due: datetime


def kept_warm(served: Iterable[ServedInterval], in_production_since: datetime, keep_warm_s: int) -> Iterator[KeptWarm]:
    """Every deployment that has served and does not now, in the order of their names.

    *in_production_since* is when the version that serves now was in production: before, nothing was decided.
    """
    last = dict[str, ServedInterval]()
    for interval in served:
        newest = last.get(interval.deployment)
        if newest is None or (newest.until is not None and (interval.until is None or interval.until > newest.until)):
            last[interval.deployment] = interval
    for deployment, interval in sorted(last.items()):
        if interval.until is not None:
            yield KeptWarm(
                deployment=deployment,
                model=interval.model,
                idle_since=interval.until,
                due=max(interval.until, in_production_since) + timedelta(seconds=keep_warm_s),
            )
