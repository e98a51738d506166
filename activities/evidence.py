"""Measure a deployed challenger: golden requests, latency, and both models on the hold-out rows.

Predictions are asked of the real endpoints, in batches, and compared row by row; the rows stay in the hub.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from activities.movers.model import workspace_at
from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.gates import Evidence, GateSpec
from shared.domain.gates.evidence import ApiTest, DataTest, Evaluation, GoldenTest, Latency, SliceDifference
from shared.domain.promotion.bundles import GOLDEN
from shared.domain.promotion.ladder import Holdout, Promotable
from shared.planning import stage_shelves
from shared.ports import Answer, HubFile, OnlineRequest

_LEAST_TIMED = 30
Columns = Mapping[str, Sequence[str]]


def data_test(clients: Clients, model: Promotable) -> DataTest:
    """The hold-out data against the model's own contract: the same check that arrivals pass."""
    container, _, path = model.holdout.path.partition("/")
    blob = clients.hub.find(container, path)
    if blob is None:
        raise Refused(f"hold-out {model.holdout.path} is not in the hub; put it there")
    report = clients.data_checks.check(model.contract, [HubFile(name=model.holdout.path, blob=blob)])
    return DataTest(outcome=str(report["outcome"]), rows=int(report["rows"]), summary=tuple(report["summary"][:5]))


def live_tests(clients: Clients, order: c.StageOrder, gates: Sequence[GateSpec], evidence: Evidence) -> Evidence:
    """*evidence* with what the deployed challenger (and the champion) answered."""
    session = Session(clients, order)
    golden = list(_golden(clients, order))
    answers = [session.ask(session.challenger, request) for request, _ in golden]
    for number in range(max(0, _LEAST_TIMED - len(golden))):
        session.ask(session.challenger, golden[number % len(golden)][0])
    tested = replace(
        evidence,
        api_test=_api_test(answers),
        golden=_golden_test([recorded for _, recorded in golden], answers),
    )
    return _with_holdout(clients, session, gates, tested)


class Session:
    """Asks one environment's endpoint, by deployment, and keeps the times of the challenger's answers."""

    def __init__(self, clients: Clients, order: c.StageOrder) -> None:
        self._clients, self._workspace = clients, workspace_at(order.at)
        self._endpoint = order.at.stage.serving.online
        self.challenger = identity.deployment_name(order.plan.model.version, order.plan.digest)
        self.champion = order.at.champion
        self.promotable = order.plan.promotable
        self.times_ms: list[float] = []

    def ask(self, deployment: str, body: Any) -> Answer:
        request = OnlineRequest(
            workspace=self._workspace,
            endpoint=self._endpoint,
            deployment=deployment,
            body=json.dumps(body).encode(),
        )
        answer = self._clients.endpoints.invoke(request)
        if answer.status == 429 or answer.status >= 500:
            raise Transient(f"{self._endpoint}/{deployment} answered {answer.status}")
        if deployment == self.challenger:
            self.times_ms.append(answer.took_ms)
        return answer

    def predictions(self, deployment: str, columns: Columns, features: Sequence[str]) -> Any:
        """One number for each row of *columns*, asked in batches. Refused where there are more or fewer."""
        import numpy as np

        rows = [[_number(columns[name][row]) for name in features] for row in range(_length(columns))]
        found: list[float] = []
        size = self.promotable.holdout.batch_rows
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            body = {"input_data": {"columns": list(features), "index": list(range(len(part))), "data": part}}
            answer = self.ask(deployment, body)
            found += _numbers(deployment, answer, len(part))
        return np.asarray(found, dtype=np.float64)


def _with_holdout(clients: Clients, session: Session, gates: Sequence[GateSpec], evidence: Evidence) -> Evidence:
    from shared.domain.agreement import agreement

    asked = {gate.name: gate.options for gate in gates}
    found = evidence
    if "better_than_champion" in asked or "outputs_agree" in asked:
        holdout = session.promotable.holdout
        columns, digest = read_holdout(clients, holdout)
        features = [name for name in columns if name not in (holdout.target, holdout.key)]
        challenger = session.predictions(session.challenger, columns, features)
        has_champion = bool(session.champion.deployment)
        champion = session.predictions(session.champion.deployment, columns, features) if has_champion else None
        evaluation = _evaluate(session, gates, columns, digest, champion, challenger)
        found = replace(found, evaluation=evaluation)
        if champion is not None:
            tolerance = float(asked.get("outputs_agree", {}).get("tolerance", 0.0))
            slices = {name: columns[name] for name in holdout.slices}
            compared = agreement(columns[holdout.key], champion, challenger, tolerance, slices)
            found = replace(found, agreement=compared)
    return replace(found, latency=_latency(session.times_ms))


def _evaluate(
    session: Session, gates: Sequence[GateSpec], columns: Columns, digest: str, champion: Any, challenger: Any
) -> Evaluation:
    import numpy as np

    from shared.domain.metrics import METRICS
    from shared.domain.paired import compare

    truth = np.asarray([float(value) for value in columns[session.promotable.holdout.target]])
    wanted = [gate.options for gate in gates if gate.name == "better_than_champion"]
    alone = {name: metric.of(truth, challenger) for name, metric in METRICS.items() if _asked(wanted, name)}
    made = Evaluation(holdout=digest, rows=len(truth), alone=alone)
    if champion is None:
        return made
    seed = int(digest.removeprefix("sha256:")[:8], 16)
    pairs = [(str(each["metric"]), float(each.get("alpha", 0.05))) for each in wanted]
    differences = [compare(name, truth, champion, challenger, alpha=alpha, seed=seed) for name, alpha in pairs]
    slices = []
    for name, rows in _slices(columns, session.promotable.holdout.slices):
        for metric, alpha in pairs:
            part = compare(metric, truth[rows], champion[rows], challenger[rows], alpha=alpha, seed=seed)
            slices.append(SliceDifference(name=name, difference=part))
    return replace(made, champion=session.champion.model, differences=tuple(differences), slices=tuple(slices))


def read_holdout(clients: Clients, holdout: Holdout) -> tuple[Columns, str]:
    """The hold-out's columns as text, with its answers, and the digest of both. Refused where anything is missing."""
    rows, data = _rows(clients, holdout.path)
    if holdout.answers:
        known, more = _rows(clients, holdout.answers)
        answers = {row.get(holdout.key, ""): row for row in known}
        rows = [{**row, holdout.target: _answer(answers, row, holdout)} for row in rows]
        data += more
    missing = [name for name in (holdout.target, holdout.key, *holdout.slices) if not rows or name not in rows[0]]
    if missing:
        raise Refused(f"hold-out {holdout.path} lacks {', '.join(missing)}")
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return columns, f"sha256:{hashlib.sha256(data).hexdigest()}"


def _rows(clients: Clients, location: str) -> tuple[list[dict[str, str]], bytes]:
    container, _, path = location.partition("/")
    data = clients.hub.read(container, path)
    if data is None:
        raise Refused(f"hold-out {location} is not in the hub; put it there")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")))), data


def _answer(answers: Mapping[str, Mapping[str, str]], row: Mapping[str, str], holdout: Holdout) -> str:
    key = row.get(holdout.key, "")
    found = answers.get(key, {}).get(holdout.target)
    if found is None:
        raise Refused(f"{holdout.answers} has no {holdout.target} for {holdout.key} {key!r}")
    return found


def _golden(clients: Clients, order: c.StageOrder) -> Iterator[tuple[Any, Any]]:
    """The requests that travel in the bundle, each with the answer recorded for it."""
    _, extras = stage_shelves(order.plan, order.at.stage)
    raw = clients.bundles.read(extras, GOLDEN)
    if not raw:
        raise Refused(f"the bundle of {order.plan.model} has no {GOLDEN}, or it is empty")
    for line in raw.decode().splitlines():
        if line.strip():
            each = json.loads(line)
            yield each["request"], each["response"]


def _api_test(answers: Sequence[Answer]) -> ApiTest:
    problems = [
        f"request {number}: {answer.status} {answer.body[:120].decode(errors='replace')}"
        for number, answer in enumerate(answers)
        if answer.status != 200
    ]
    return ApiTest(requests=len(answers), failures=len(problems), problems=tuple(problems[:10]))


def _golden_test(recorded: Sequence[Any], answers: Sequence[Answer]) -> GoldenTest:
    deviations, unlike = [], []
    for number, (wanted, answer) in enumerate(zip(recorded, answers, strict=True)):
        try:
            deviations.append(_deviation(wanted, json.loads(answer.body)))
        except ValueError as error:
            unlike.append(f"request {number}: {error}")
    return GoldenTest(requests=len(recorded), deviations=tuple(deviations), unlike=tuple(unlike[:10]))


def _deviation(wanted: Any, found: Any) -> float:
    """The largest absolute difference of any number; ValueError where the shapes or texts differ."""
    if isinstance(wanted, dict) and isinstance(found, dict) and wanted.keys() == found.keys():
        return max((_deviation(wanted[name], found[name]) for name in wanted), default=0.0)
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return max(map(_deviation, wanted, found), default=0.0)
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        return abs(float(wanted) - float(found))
    if wanted == found:
        return 0.0
    raise ValueError(f"{str(found)[:80]!r} instead of {str(wanted)[:80]!r}")


def _latency(times_ms: Sequence[float]) -> Latency:
    import numpy as np

    p50, p95, p99 = (float(each) for each in np.quantile(times_ms, [0.5, 0.95, 0.99]))
    return Latency(requests=len(times_ms), p50_ms=p50, p95_ms=p95, p99_ms=p99)


def _numbers(deployment: str, answer: Answer, rows: int) -> list[float]:
    """The predictions in an answer: a list of numbers, by itself or as `predictions`."""
    if answer.status != 200:
        raise Refused(f"{deployment} answered {answer.status}: {answer.body[:200].decode(errors='replace')}")
    raw = json.loads(answer.body)
    found = raw.get("predictions") if isinstance(raw, dict) else raw
    if not isinstance(found, list) or len(found) != rows:
        raise Refused(
            f"{deployment} gave {len(found) if isinstance(found, list) else 'no'} predictions for {rows} rows"
        )
    return [float(each) for each in found]


def _slices(columns: Columns, names: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
    """`column=value` and its rows, for values with at least two rows."""
    for name in names:
        for value in sorted(set(columns[name])):
            rows = [number for number, each in enumerate(columns[name]) if each == value]
            if len(rows) > 1:
                yield f"{name}={value}", rows


def _asked(wanted: Sequence[Mapping[str, Any]], metric: str) -> bool:
    return any(each.get("metric") == metric for each in wanted)


def _length(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _number(text: str) -> Any:
    """The number that *text* is, or the text itself: features may be categories."""
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() and "." not in text else value
