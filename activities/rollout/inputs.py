"""Where the inputs come from that deployments are asked by name: golden requests, hold-out rows, collected requests.

Not here: what is asked with them (`replays`, `load`).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from activities.online_rows import rows_request
from activities.promotion.holdout.rows import open_table, vocabulary_of
from shared.application.promotion.planning import golden_requests
from shared.clients import Clients
from shared.domain.promotion.plans import Plan
from shared.domain.rollout.policy import ReplaySource
from shared.ports import ServedEndpoint, Shelf

_DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Of the model of *plan*. Its golden requests lie in *extras*; collected ones are those that the *champion* of
    *served* was sent in the day before *until*."""

    plan: Plan
    extras: Shelf
    served: ServedEndpoint
    champion: str
    until: Callable[[], datetime]

    def bodies(self, clients: Clients, source: ReplaySource) -> Iterator[bytes]:
        """The bodies of requests, always in the same order. Raises Refused where the bundle or the hub lacks them."""
        if source is ReplaySource.GOLDEN:
            return self._golden(clients)
        if source is ReplaySource.HOLDOUT:
            return self._holdout(clients)
        return self._collected(clients)

    def _golden(self, clients: Clients) -> Iterator[bytes]:
        for request, _ in golden_requests(clients.bundles, self.extras, self.plan.model):
            yield json.dumps(request).encode()

    def _holdout(self, clients: Clients) -> Iterator[bytes]:
        """One row a request."""
        holdout = self.plan.promotable.holdout
        table = open_table(clients, holdout.path, vocabulary_of(holdout))
        features = [name for name in table.header if name not in (holdout.target, holdout.key)]
        places = [table.header.index(name) for name in features]
        for cells in table.rows():
            yield json.dumps(rows_request(features, [[cells[place] for place in places]])).encode()

    def _collected(self, clients: Clients) -> Iterator[bytes]:
        until = int(self.until().timestamp())
        return clients.output_figures.requests(self.served, self.champion, (until - _DAY_S) // 60, until // 60 - 1)
