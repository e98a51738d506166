"""Hold-outs are read row by row: answers join by key, slices count, and what is unfit is named."""

import hashlib
import json
import math
import re
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from activities.promotion.evidence import Online
from activities.promotion.holdout.keyed_columns import KeyedColumn
from activities.promotion.holdout.metrics import agreement_of, evaluate
from activities.promotion.holdout.rows import read_rows
from shared.domain.configuration import Configuration
from shared.domain.failures import Refused
from shared.domain.inference.routes import HubLayout
from shared.domain.promotion.ladder import Holdout
from shared.domain.statistics.looks import Look
from shared.ports import EndpointResponse, OnlineRequest
from tests.fakes.ports import FakeClients, MemoryHub
from tests.promotion.conftest import DEV

HOLDOUT = Holdout(path="evaluation/rows.csv", target="y", key="id", slices=("sex",), tolerance=0.5)
APART = replace(HOLDOUT, answers="evaluation/answers.csv")
ROWS = b"id,sex,x\na,f,1\n\nb,m,2\nc,f,3\nd,x,4\n"


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(lambda: datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def clients(hub: MemoryHub) -> FakeClients:
    made = FakeClients(Configuration(hub=HubLayout(account="datahub"), routes=()), lambda: datetime.now(UTC))
    vars(made)["hub"] = hub
    return made


def test_answers_join_by_key_whatever_their_order(clients: FakeClients, hub: MemoryHub) -> None:
    answers = b"\xef\xbb\xbfid,y\nd,40\nc,30\nb,20\na,10\nz,0\n"
    hub.land(APART.path, ROWS)
    hub.land(APART.answers, answers)

    rows = read_rows(clients, APART)

    assert rows.truth.tolist() == [10, 20, 30, 40]
    assert rows.digest == f"sha256:{hashlib.sha256(ROWS + answers).hexdigest()}"
    assert rows.features == ["sex", "x"]
    assert list(rows.batches(["x"], 3)) == [[["1"], ["2"], ["3"]], [["4"]]]
    assert {name: mask.tolist() for name, mask in rows.slices.masks()} == {"sex=f": [True, False, True, False]}


@pytest.mark.parametrize(
    ("rows", "answers", "said"),
    [
        (b"", b"", "hold-out evaluation/rows.csv lacks id, sex"),
        (b"id,sex\n", b"id,y\n", "has no rows"),
        (b"id,sex\na,f,1\n", b"id,y\n", "row 1 (line 2) has 3 fields, the header has 2"),
        (b'id,sex\n"a\nb",f\n\nc,f,1\n', b"id,y\n", "row 2 (line 5) has 3 fields, the header has 2"),
        (b"id,sex\na,f\n", b"id,y\nb,1\n", "evaluation/answers.csv has no y for row 1 (line 2) of evaluation"),
        (b"id,sex\na,f\n", b"id,y\na,many\n", "y has a value that is no number"),
        (b"id,sex\na,f\nb,f\n", b"id,y\na,\nb,nan\n", "y in evaluation/answers.csv: 2 of 2 rows have none"),
        (b"id,sex\na,f\na,m\n", b"id,y\na,1\n", "rows.csv has 1 row whose id was there before"),
        (b"id,sex\na,f\n", b"id,y\na,1\na,2\n", "has 1 row whose id was there before"),
        (b"id,sex\na,f\n", b"id,z\na,1\n", "hold-out evaluation/answers.csv lacks y"),
        (b"id,sex\n\xff,f\n", b"id,y\na,1\n", "is not CSV in UTF-8"),
        (b"id,sex\na,f\n", None, "hold-out evaluation/answers.csv is not in the hub"),
    ],
)
def test_what_is_unfit_is_named(
    clients: FakeClients, hub: MemoryHub, rows: bytes, answers: bytes | None, said: str
) -> None:
    hub.land(APART.path, rows)
    if answers is not None:
        hub.land(APART.answers, answers)

    with pytest.raises(Refused, match=re.escape(said)):
        read_rows(clients, APART)


def test_many_rows_are_compared_without_their_text_in_memory(clients: FakeClients, hub: MemoryHub) -> None:
    count = 20_000
    text = "\n".join(f"row-{n:040d},{'fm'[n % 2]},{n}" for n in range(count))
    hub.land(HOLDOUT.path, f"id,sex,y\n{text}\n".encode())

    first = read_rows(clients, HOLDOUT)  # What is imported on the way is not counted.
    agreement_of(first, first.truth, first.truth)
    peaks = list[int]()
    for _ in range(3):  # What another thread of the test run takes meanwhile is counted too: the least is this one's.
        tracemalloc.start()
        rows = read_rows(clients, HOLDOUT)
        worse = rows.truth + (rows.truth == 7)
        found = agreement_of(rows, rows.truth, worse)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    measured = evaluate(rows, [{"metric": "mae"}], "churn:1", rows.truth, worse)
    assert (found.rows, [row.key for row in found.worst]) == (count, [f"row-{7:040d}"])
    assert [each.slice for each in measured.slices] == ["sex=f", "sex=m"]
    assert min(peaks) < len(text) * 4


def test_the_file_is_read_again_only_where_the_models_differ(clients: FakeClients, hub: MemoryHub) -> None:
    hub.land(HOLDOUT.path, b"id,sex,y\na,f,1\nb,m,2\nc,f,3\n")
    rows, readings = read_rows(clients, HOLDOUT), []
    counting = SimpleNamespace(cells=lambda *args: readings.append(args) or clients.row_files.cells(*args))
    rows = replace(rows, table=replace(rows.table, files=counting))

    assert agreement_of(rows, rows.truth, rows.truth + 0.1).worst == ()
    assert not readings
    assert [row.key for row in agreement_of(rows, rows.truth, rows.truth + np.array([0, 2, 1])).worst] == ["b", "c"]
    assert len(readings) == 1


def test_a_slice_of_one_class_has_no_auc_and_a_missing_prediction_is_refused(
    clients: FakeClients, hub: MemoryHub
) -> None:
    hub.land(HOLDOUT.path, b"id,sex,y\na,f,1\nb,m,0\nc,f,0\nd,m,0\n")
    rows = read_rows(clients, HOLDOUT)
    scores = np.array([0.9, 0.2, 0.3, 0.1])

    measured = evaluate(rows, [{"metric": "auc"}], "churn:1", scores, scores)

    assert [each.slice for each in measured.slices] == ["sex=f"]
    with pytest.raises(Refused, match="1 missing and 0 infinite values in 4 rows"):
        evaluate(rows, [{"metric": "auc"}], "churn:1", scores, np.array([0.9, 0.2, 0.3, np.nan]))


@pytest.mark.parametrize(("metric", "predicted"), [("auc", [math.nan, 0, 0, 0]), ("recall", [0.7, 0, 1, 0])])
def test_a_first_model_is_measured_on_fit_predictions_alone(
    clients: FakeClients, hub: MemoryHub, metric: str, predicted: list[float]
) -> None:
    hub.land(HOLDOUT.path, b"id,sex,y\na,f,1\nb,m,0\nc,f,1\nd,m,0\n")

    with pytest.raises(Refused, match=rf"{metric}: .*1 (missing|of 4 values)"):
        evaluate(read_rows(clients, HOLDOUT), [{"metric": metric}], "", None, np.array(predicted))


def test_a_deployment_is_asked_what_pandas_would_read_from_the_file(clients: FakeClients, hub: MemoryHub) -> None:
    hub.land(HOLDOUT.path, b"id,sex,y,x\na,f,1,\nb,,2,nan\nc,m,3,12345678901234567890\nd,m,4,-0.5\n")
    asked = []

    def answer(request: OnlineRequest) -> EndpointResponse:
        asked.append(json.loads(request.body)["input_data"])
        return EndpointResponse(status=200, body=b"[1, 2, 3, 4]", took_ms=1.0)

    vars(clients)["endpoints"] = SimpleNamespace(invoke=answer)
    Online(clients, DEV, "online").predictions(["v1"], read_rows(clients, HOLDOUT))

    assert asked[0]["data"] == [["f", None], [None, None], ["m", 12345678901234567890], ["m", -0.5]]


@pytest.mark.parametrize("said", [b"<html>", b'{"predictions": 3}', b"[1, 2, 3]"])
def test_an_answer_that_is_no_list_of_predictions_is_refused_at_once(
    clients: FakeClients, hub: MemoryHub, said: bytes
) -> None:
    hub.land(HOLDOUT.path, b"id,sex,y\na,f,1\n")
    answer = EndpointResponse(status=200, body=said, took_ms=1.0)
    vars(clients)["endpoints"] = SimpleNamespace(invoke=lambda _: answer)

    with pytest.raises(Refused, match=r"v1 gave (no|3) predictions for 1 row$"):
        Online(clients, DEV, "online").predictions(["v1"], read_rows(clients, HOLDOUT))


@pytest.mark.parametrize("labels", [True, False])
def test_a_row_without_an_answer_is_no_label(clients: FakeClients, hub: MemoryHub, labels: bool) -> None:
    hub.land(HOLDOUT.path, b"id,sex,y\na,f,1\n")
    table = read_rows(clients, replace(HOLDOUT, labels=labels)).table

    assert [math.isfinite(table.output(each, "a prediction")) for each in (None, math.nan, "", "1")] == [0, 0, 0, 1]


def test_labels_are_compared_as_texts(clients: FakeClients, hub: MemoryHub) -> None:
    hub.land(APART.path, ROWS)
    hub.land(APART.answers, b"id,y\na,stay\nb,go\nc,stay\nd,stay\n")
    rows = read_rows(clients, replace(APART, labels=True))

    def asked(*labels: str) -> Any:
        return np.array([rows.table.output(label, "a prediction") for label in labels])

    champion, challenger = asked("stay", "stay", "stay", "stay"), asked("stay", "go", "stay", "1")
    measured = evaluate(rows, [{"metric": "accuracy"}], "churn:1", champion, challenger)
    agreement = agreement_of(rows, champion, challenger)

    assert (measured.differences[0].champion, measured.values) == (0.75, {"accuracy": 0.75})
    assert [(row.champion, row.challenger) for row in agreement.worst] == [("stay", "go"), ("stay", "1")]
    assert agreement.shifts == {"1": 0.25, "go": 0.25, "stay": -0.5}
    with pytest.raises(Refused, match="mae cannot be measured of labels: use accuracy"):
        evaluate(rows, [{"metric": "mae"}], "churn:1", champion, challenger)


def test_a_keyed_column_finds_keys_and_counts_repeats() -> None:
    column = KeyedColumn([("b", 2.0), ("a", 1.0), ("b", 3.0)])

    assert (len(column), column.repeats) == (3, 1)
    assert column.values[column.places(["a", "b"])].tolist() == [1.0, 2.0]
    assert column.places(["c"]).tolist() == [-1]
    assert KeyedColumn([]).places(["a"]).tolist() == [-1]


def grouped_file(groups: int = 30, each: int = 10) -> tuple[bytes, Any, Any]:
    """Rows of patients, and two models that are as good as each other and err by patient."""
    chance = np.random.default_rng(4)
    patient = np.repeat(np.arange(groups), each)
    errors = [chance.normal(size=groups)[patient] + 0.3 * chance.normal(size=len(patient)) for _ in range(2)]
    lines = [f"r{number},{'fm'[number % 2]},p{who},0" for number, who in enumerate(patient)]
    return "\n".join(["id,sex,patient,y", *lines]).encode(), *errors


def test_a_named_group_is_what_is_resampled_and_counted(clients: FakeClients, hub: MemoryHub) -> None:
    text, champion, challenger = grouped_file()
    hub.land(HOLDOUT.path, text)

    alone = evaluate(read_rows(clients, HOLDOUT), [{"metric": "mae"}], "churn:1", champion, challenger)
    rows = read_rows(clients, replace(HOLDOUT, group="patient"))
    grouped = evaluate(rows, [{"metric": "mae"}], "churn:1", champion, challenger)

    first, second = alone.differences[0], grouped.differences[0]
    assert (grouped.group, grouped.groups, second.groups, grouped.notes) == ("patient", 30, 30, ())
    assert second.high - second.low > 2 * (first.high - first.low)
    assert [each.difference.groups for each in grouped.slices] == [30, 30]
    assert "name it as `group`" in alone.notes[0]
    assert alone.notes[1].startswith("by 'patient' the interval of mae would be")
    assert "patient" in rows.features  # What models are asked with does not change.


def test_a_row_without_its_group_is_refused(clients: FakeClients, hub: MemoryHub) -> None:
    hub.land(HOLDOUT.path, b"id,sex,patient,y\na,f,p,1\nb,f,,1\n")

    with pytest.raises(Refused, match=r"row 2 \(line 3\) has no patient; name the group of every row"):
        read_rows(clients, replace(HOLDOUT, group="patient"))


def test_each_gate_gets_the_interval_that_its_options_and_the_look_need(clients: FakeClients, hub: MemoryHub) -> None:
    text, champion, challenger = grouped_file()
    hub.land(HOLDOUT.path, text)
    options = [{"metric": "mae", "confidence": 0.9}, {"metric": "mae", "slices": ["sex=f", "sex=m"]}]

    measured = evaluate(read_rows(clients, HOLDOUT), options, "m:1", champion, challenger, Look(number=2, expected=1))

    assert [each.confidence for each in measured.differences] == pytest.approx([1 - 0.1 / 6, 1 - 0.05 / 6])
    asked = {(each.slice, round(each.difference.confidence, 6)) for each in measured.slices}
    assert asked == {("sex=f", 0.9), ("sex=f", 0.975), ("sex=m", 0.9), ("sex=m", 0.975)}


CLASSES = replace(HOLDOUT, slices=(), classes=("low", "mid", "high"), tolerance=0.0)


def test_a_classifier_of_several_classes_answers_with_a_probability_for_each(
    clients: FakeClients, hub: MemoryHub
) -> None:
    hub.land(HOLDOUT.path, b"id,y\na,low\nb,mid\nc,high\nd,low\n")
    rows, body = (
        read_rows(clients, CLASSES),
        [[0.7, 0.2, 0.1], {"low": 0.1, "high": 0.3, "mid": 0.6}, [0, 0, 1], [1, 0, 0]],
    )
    answer = EndpointResponse(status=200, body=json.dumps(body).encode(), took_ms=1.0)
    vars(clients)["endpoints"] = SimpleNamespace(invoke=lambda _: answer)

    (outputs,) = Online(clients, DEV, "online").predictions(["v1"], rows)
    measured = evaluate(rows, [{"metric": "multiclass_log_loss"}, {"metric": "macro_f1"}], "", None, outputs)

    assert outputs.tolist() == [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0, 0, 1], [1, 0, 0]]
    assert measured.values == pytest.approx({"multiclass_log_loss": -np.log(0.7 * 0.6) / 4, "macro_f1": 1})
    assert agreement_of(rows, outputs, outputs).agreement == 1


@pytest.mark.parametrize("body", [[[0.5, 0.5]] * 4, [0.5] * 4, [{"low": 1, "mid": 0}] * 4, [[True, False, False]] * 4])
def test_a_distribution_that_lacks_a_class_is_refused(clients: FakeClients, hub: MemoryHub, body: Any) -> None:
    hub.land(HOLDOUT.path, b"id,y\na,low\nb,mid\nc,high\nd,low\n")
    answer = EndpointResponse(status=200, body=json.dumps(body).encode(), took_ms=1.0)
    vars(clients)["endpoints"] = SimpleNamespace(invoke=lambda _: answer)

    with pytest.raises(Refused, match="give one probability for each of low, mid, high"):
        Online(clients, DEV, "online").predictions(["v1"], read_rows(clients, CLASSES))


def test_an_answer_that_is_no_class_is_refused(clients: FakeClients, hub: MemoryHub) -> None:
    hub.land(HOLDOUT.path, b"id,y\na,low\nb,odd\n")

    with pytest.raises(Refused, match="answer 2 has a value that is none of the hold-out's classes: low, mid, high"):
        read_rows(clients, CLASSES)
