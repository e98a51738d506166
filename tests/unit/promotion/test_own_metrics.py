"""Metrics of a project: its function says what each row contributes, and all else is as with the product's metrics."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from activities.promotion.holdout.metrics import contributions_of, evaluate
from activities.promotion.holdout.rows import HoldoutRows, read_rows
from shared.adapters.project_functions.functions import ProjectFunctionProcesses
from shared.domain.configuration import Configuration
from shared.domain.failures import Refused
from shared.domain.gates import GateOutcome, GateSpec, judge_gates
from shared.domain.gates.evidence import Evaluation, Evidence
from shared.domain.inference.routes import HubLayout
from shared.domain.metrics.catalogue import MetricError, metric_named
from shared.domain.project_functions import digest_of
from shared.domain.promotion.ladder import Holdout
from tests.fakes.ports import FakeClients, MemoryHub

METRIC = "rules/metrics.py:error@lower"
ERROR = "def error(truth, predictions):\n    return [abs(t - p) for t, p in zip(truth, predictions)]\n"
HOLDOUT = Holdout(path="evaluation/rows.csv", target="y", key="id", slices=("sex",), tolerance=0.5)
ROWS = "id,sex,y\n" + "".join(f"r{number},{'fm'[number % 2]},{number}\n" for number in range(200))


@pytest.fixture
def clients(tmp_path: Path) -> FakeClients:
    hub = MemoryHub(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    made = FakeClients(Configuration(hub=HubLayout(account="datahub"), routes=()), lambda: datetime.now(UTC))
    vars(made).update(hub=hub, project_functions=ProjectFunctionProcesses(tmp_path))
    hub.land(HOLDOUT.path, ROWS.encode())
    return made


def spec_of(home: Path, source: str, metric: str = METRIC) -> GateSpec:
    (home / "rules").mkdir(exist_ok=True)
    (home / "rules" / "metrics.py").write_text(source)
    options = {"metric": metric, "slices": ["sex=f"]}
    return GateSpec(gate="better_than_champion", options=options, source=digest_of(source.encode()))


def measured(clients: FakeClients, rows: HoldoutRows, spec: GateSpec, champion: object, other: object) -> Evaluation:
    own = contributions_of(clients, rows, [spec])
    return evaluate(rows, [spec.options], "churn:1", champion, other, own=own)


def test_it_is_compared_as_the_same_metric_of_the_product_is(clients: FakeClients, tmp_path: Path) -> None:
    rows, noise = read_rows(clients, HOLDOUT), np.random.default_rng(1)
    champion, challenger = (rows.truth + spread * noise.normal(size=200) for spread in (3, 1))
    spec = spec_of(tmp_path, ERROR)
    own = measured(clients, rows, spec, champion, challenger)
    product = evaluate(rows, [spec.options | {"metric": "mae"}], "churn:1", champion, challenger)
    verdict = judge_gates([spec], Evidence(evaluation=own))[0]

    assert own.values == {METRIC: pytest.approx(product.values["mae"])}
    assert [replace(difference, metric="mae") for difference in own.differences] == list(product.differences)
    assert [part.slice for part in own.slices] == ["sex=f", "sex=m"]
    assert (verdict.outcome, verdict.source) == (GateOutcome.PASS, spec.source)


def test_it_gets_the_labels_of_a_classifier(clients: FakeClients, tmp_path: Path) -> None:
    labels = "id,sex,y\n" + "".join(f"r{number},f,{('yes', 'no')[number % 2]}\n" for number in range(10))
    clients.hub.land(HOLDOUT.path, labels.encode())  # type: ignore[attr-defined]
    rows = read_rows(clients, replace(HOLDOUT, labels=True))
    missed = "[9 if t == 'yes' != p else 0 for t, p in zip(truth, predictions)]"
    spec = spec_of(tmp_path, f"def error(truth, predictions):\n    return {missed}\n")

    always_no = np.full(10, rows.truth[1])
    assert measured(clients, rows, spec, None, always_no).values == {METRIC: 4.5}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return [0.0]", "it returned 1 value for 200 rows; return a list with one finite number for each row"),
        ("return 3", "it returned 3; return a list"),
        ("return [float('nan')] * 200", "it returned nan for a row"),
        ("return truth[999]", "it failed at rules/metrics.py:2: IndexError"),
        ("open('x')", "a metric opens no file: x"),
    ],
)
def test_what_goes_wrong_in_it_passes_nothing(clients: FakeClients, tmp_path: Path, body: str, reason: str) -> None:
    rows, spec = read_rows(clients, HOLDOUT), spec_of(tmp_path, f"def error(truth, predictions):\n    {body}\n")

    with pytest.raises(Refused) as refusal:
        measured(clients, rows, spec, None, rows.truth)
    assert reason in str(refusal.value)


def test_a_file_that_has_changed_since_the_plan_is_not_asked(clients: FakeClients, tmp_path: Path) -> None:
    rows, planned = read_rows(clients, HOLDOUT), spec_of(tmp_path, ERROR)
    spec_of(tmp_path, ERROR.replace("abs", "min"))

    with pytest.raises(Refused, match=r"rules/metrics\.py was sha256:.* when this was planned"):
        measured(clients, rows, planned, None, rows.truth)


def test_its_direction_is_part_of_its_name() -> None:
    assert metric_named("a.py:gain@higher").higher_is_better
    with pytest.raises(MetricError, match=r"write a\.py:gain@higher or a\.py:gain@lower"):
        metric_named("a.py:gain")
