"""Before production is approved: what pre-production's deployment of the entry answers beside production's champion.

Both are asked the same inputs by name: the rows of the hold-out, and what production was sent in the last day, where it
was collected. It is evidence for approvers, and for the gate `outputs_agree` at the entry of a stage with a rollout.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from activities.promotion.evidence import HoldoutPredictions, Online
from activities.promotion.holdout.metrics import agreement_of
from activities.promotion.holdout.rows import read_rows
from activities.rollout.replays import first_output
from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Transient
from shared.domain.gates.evidence import CollectedComparison
from shared.domain.inference.routes import Workspace
from shared.domain.metrics.agreement import Agreement, OutputComparison
from shared.domain.metrics.outputs import LabelOutputs, Numbers, edges_of
from shared.ports import EndpointKind, ServedEndpoint

_MOST_REQUESTS, _DAY_S = 500, 24 * 3600


class ComparedStages:
    """Two deployments of one model: the entry's in pre-production, and the one that serves production."""

    def __init__(self, clients: Clients, order: c.StageOrder) -> None:
        self._clients, self._order = clients, order
        self._entry = identity.deployment_name(order.plan.model.version, order.plan.digest)
        self._before = clients.configuration.ladder.served_below(order.at.stage)

    def on_rows(self) -> Agreement | None:
        """Both on the rows of the hold-out; None where the entry serves no endpoint below. Raises Refused for rows or
        answers that are missing."""
        sides = self._sides()
        if sides is None:
            return None
        entry, production = sides
        champion = self._order.at.champion.deployment
        before = HoldoutPredictions(production, [champion] if champion else [])
        now = HoldoutPredictions(entry, [self._entry])
        rows = read_rows(self._clients, self._order.plan.promotable.holdout, before, now)
        return agreement_of(rows, next(iter(before.columns()), None), *now.columns())

    def on_requests(self) -> CollectedComparison | None:
        """Both on what production was sent in the last day; None where nothing was collected, or nobody answers it."""
        sides, champion = self._sides(), self._order.at.champion.deployment
        environment = self._order.at.stage.environment
        if sides is None or not champion or environment is None:
            return None
        entry, production = sides
        bodies = self._collected(environment, champion)
        known = [(body, answer.body) for body in bodies if (answer := production.ask(champion, body)).status == 200]
        if not known:
            return None
        answers = [(answer, self._answer(entry, body)) for body, answer in known]
        pairs = [(first_output(one, ""), first_output(other, "")) for one, other in answers if other is not None]
        return CollectedComparison(
            requests=len(known),
            unanswered=len(known) - len(pairs),
            agreement=_agreement(pairs, self._order.plan.promotable.holdout.tolerance) if pairs else None,
        )

    def _answer(self, entry: Online, body: bytes) -> bytes | None:
        """That of pre-production; None where it is too busy or fails, which is what approvers want to know."""
        try:
            answer = entry.ask(self._entry, body)
        except Transient:
            return None
        return answer.body if answer.status == 200 else None

    def _sides(self) -> tuple[Online, Online] | None:
        before, environment = self._before, self._order.at.stage.environment
        if before is None or before.environment is None or environment is None:
            return None
        endpoints, endpoint = self._clients.endpoints, before.serving.online
        if endpoints.deployment(before.environment, EndpointKind.ONLINE, endpoint, self._entry) is None:
            return None
        production = Online(self._clients, environment, self._order.at.stage.serving.online)
        return Online(self._clients, before.environment, endpoint), production

    def _collected(self, environment: Workspace, champion: str) -> list[bytes]:
        served = ServedEndpoint(workspace=environment, endpoint=self._order.at.stage.serving.online)
        now = int(self._clients.clock.now().timestamp())
        requests = self._clients.output_figures.requests(served, champion, (now - _DAY_S) // 60, now // 60)
        return list(islice(dict.fromkeys(requests), _MOST_REQUESTS))


def _agreement(pairs: Sequence[tuple[Any, Any]], tolerance: float) -> Agreement:
    """Of the first output of each answer: as numbers where all are, else as texts."""
    import numpy as np

    is_number = all(isinstance(output, int | float) for pair in pairs for output in pair)
    champion, challenger = (
        np.array([float(output) if is_number else str(output) for output in side]) for side in zip(*pairs, strict=True)
    )
    outputs: Any = Numbers(edges_of(champion), tolerance) if is_number else LabelOutputs()
    comparison = OutputComparison(outputs)
    comparison.add([f"request {number}" for number in range(1, len(pairs) + 1)], champion, challenger)
    return comparison.result()
