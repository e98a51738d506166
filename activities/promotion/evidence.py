"""Measure a deployed challenger: golden requests, latency, and both models on the hold-out rows.

Predictions are asked of the real endpoints, in batches, and compared row by row; the rows stay in the hub.
"""

import json
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from activities.golden_requests import api_test
from activities.online_rows import predictions_of, rows_request
from activities.promotion.holdout.metrics import agreement_of, contributions_of, evaluate
from activities.promotion.holdout.rows import HoldoutRows, Table, read_rows, require_every
from shared import contracts as c
from shared.application.datasets.versions import proven_file
from shared.application.promotion.holdout.looks import count_holdout_look
from shared.application.promotion.planning import golden_requests, place_shelves, stage_shelves
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.gates import GateSpec
from shared.domain.gates.evidence import DataTest, Evidence, Latency
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.ladder import Promotable
from shared.domain.promotion.models import DIGEST, exact_model
from shared.ports import EndpointResponse, HubFile, OnlineRequest

_LEAST_TIMED = 30


def data_test(clients: Clients, model: Promotable) -> DataTest:
    """The hold-out data against the model's own contract: the same check that arrivals pass.

    Refused where the hold-out is a published version whose content is not what was published.
    """
    blob = proven_file(clients.store, clients.audit, model.holdout.path)
    if blob is None:
        raise Refused(f"hold-out {model.holdout.path} is not in the hub; put it there")
    report = clients.data_checks.check(model.contract, [HubFile(name=model.holdout.path, blob=blob)])
    return DataTest(outcome=str(report["outcome"]), rows=int(report["rows"]), summary=tuple(report["summary"][:5]))


def live_tests(clients: Clients, order: c.StageOrder, gates: Sequence[GateSpec], evidence: Evidence) -> Evidence:
    """*evidence* with what the deployed challenger (and the champion) answered."""
    session = Session(clients, order)
    _, extras = stage_shelves(order.plan, order.at.stage)
    golden = list(golden_requests(clients.bundles, extras, order.plan.model))
    answers = [session.ask(session.challenger, request) for request, _ in golden]
    for number in range(max(0, _LEAST_TIMED - len(golden))):
        session.ask(session.challenger, golden[number % len(golden)][0])
    evidence_now = replace(evidence, api_test=api_test([recorded for _, recorded in golden], answers))
    return _with_holdout(clients, session, gates, evidence_now)


class Online:
    """Asks the deployments of one online endpoint, whatever its traffic."""

    def __init__(self, clients: Clients, workspace: Workspace, endpoint: str) -> None:
        self._clients, self._workspace, self._endpoint = clients, workspace, endpoint

    def ask(self, deployment: str, body: Any) -> EndpointResponse:
        request = OnlineRequest(
            workspace=self._workspace,
            endpoint=self._endpoint,
            deployment=deployment,
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        )
        answer = self._clients.endpoints.invoke(request)
        if answer.status == 429 or answer.status >= 500:
            raise Transient(f"{self._endpoint}/{deployment} answered {answer.status}")
        return answer

    def predictions(self, deployments: Sequence[str], held: HoldoutRows) -> list[Any]:
        """`HoldoutPredictions.columns` of rows that were read before."""
        predictions = HoldoutPredictions(self, deployments)
        for part in held.batches(held.features, held.holdout.batch_rows):
            predictions.ask(held.table, held.features, part)
        return predictions.columns()


class HoldoutPredictions:
    """What *deployments* of an endpoint predict of rows that come part by part: a `holdout.rows.Question`.

    All are asked about a part before the next is read: reading the rows and writing requests of them takes longer than
    most models do.
    """

    def __init__(self, online: Online, deployments: Sequence[str]) -> None:
        self._online, self._deployments = online, deployments
        # A version that is promoted again is its own champion: the same deployment is asked once.
        self._outputs: dict[str, array[float]] = {deployment: array("d") for deployment in deployments}
        self._classes = 0

    def ask(self, table: Table, features: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Refused where a deployment answers with more or fewer predictions than *rows*, or with others."""
        self._classes = len(table.vocabulary.classes) if table.vocabulary else 0
        body = json.dumps(rows_request(features, rows)).encode()
        for deployment, outputs in self._outputs.items():
            outputs.extend(_outputs(deployment, self._online.ask(deployment, body), len(rows), table))

    def columns(self) -> list[Any]:
        """For each of the deployments one finite number for each row, or one for each class. Refused otherwise."""
        return [self._column(deployment) for deployment in self._deployments]

    def _column(self, deployment: str) -> Any:
        import numpy as np

        flat = np.frombuffer(self._outputs[deployment], dtype=np.float64)
        column = flat.reshape(-1, self._classes) if self._classes else flat
        require_every(column, f"predictions of {deployment}")
        return column


class Session(Online):
    """Asks one stage's endpoint, and keeps the times of the challenger's answers."""

    def __init__(self, clients: Clients, order: c.StageOrder) -> None:
        super().__init__(clients, order.at.stage.workspace, order.at.stage.serving.online)
        self.challenger = identity.deployment_name(order.plan.model.version, order.plan.digest)
        self.champion = order.at.champion
        self.promotable, self.digest = order.plan.promotable, order.plan.digest
        self.times_ms: list[float] = []
        self.errors = 0

    def ask(self, deployment: str, body: Any) -> EndpointResponse:
        answer = super().ask(deployment, body)
        if deployment == self.challenger:
            self.times_ms.append(answer.took_ms)
            self.errors += answer.status != 200
        return answer


def _with_holdout(clients: Clients, session: Session, gates: Sequence[GateSpec], evidence: Evidence) -> Evidence:
    """With both models' predictions of the hold-out compared, where a gate asks for it."""
    names, evidence_now = {gate.gate for gate in gates}, evidence
    if names & {"better_than_champion", "outputs_agree"}:
        predictions = HoldoutPredictions(session, [session.challenger, *filter(None, [session.champion.deployment])])
        rows = read_rows(clients, session.promotable.holdout, predictions)
        challenger, *others = predictions.columns()
        champion, look = next(iter(others), None), None
        comparing = [gate for gate in gates if gate.gate == "better_than_champion"]
        options, own = [gate.options for gate in comparing], contributions_of(clients, rows, comparing)
        if champion is not None and options:
            model, now = session.promotable.name, clients.clock.now()
            look = count_holdout_look(clients.store, model, rows.holdout, rows.version, session.digest, now)
        evaluation = evaluate(rows, options, session.champion.model, champion, challenger, look, own)
        agreement = agreement_of(rows, champion, challenger)
        evidence_now = replace(evidence_now, evaluation=evaluation, agreement=agreement)
    return replace(evidence_now, latency=_latency(session.times_ms, session.errors))


def _latency(times_ms: Sequence[float], errors: int) -> Latency:
    p50, p95, p99 = quantiles_of(times_ms, 0.5, 0.95, 0.99)
    return Latency(requests=len(times_ms), errors=errors, p50_ms=p50, p95_ms=p95, p99_ms=p99)


def quantiles_of(values: Sequence[float], *shares: float) -> tuple[float, ...]:
    """The values that *shares* of all do not exceed, interpolated; there must be a value."""
    import numpy as np

    return tuple(float(quantile) for quantile in np.quantile(values, shares))


def _outputs(deployment: str, answer: EndpointResponse, rows: int, table: Table) -> Iterable[float]:
    """The predictions in an answer, as outputs of the hold-out's kind; of classes those of a row behind each other."""
    predictions, place = predictions_of(answer, rows, deployment), f"a prediction of {deployment}"
    if table.vocabulary is not None and table.vocabulary.classes:
        distribution = table.vocabulary.distribution
        return chain.from_iterable(distribution(prediction, place) for prediction in predictions)
    return table.outputs(predictions, lambda _: place)


def answer_problem(clients: Clients, place: Workspace, endpoint: str, deployment: str, model: str) -> str:
    """Why *deployment* does not answer as *model* (`name:version`) did; empty where it does.

    The golden requests are those of the bundle that *place* has registered: a version without one cannot be tried.
    """
    registered = clients.models.find(place, exact_model(model)) if model else None
    digest = registered.tags.get(DIGEST, "") if registered else ""
    if not digest:
        return f"{model or deployment} has no bundle in {place.name}: it has no golden requests to answer"
    _, extras = place_shelves(place, exact_model(model), digest)
    golden = list(golden_requests(clients.bundles, extras, exact_model(model)))
    online = Online(clients, place, endpoint)
    answers = [online.ask(deployment, request) for request, _ in golden]
    test = api_test([answer for _, answer in golden], answers)
    deviating = test.golden.deviating if test.golden else 0
    return f"{deviating} of {len(golden)} golden requests of {model} deviate" if deviating else ""
