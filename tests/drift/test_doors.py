"""Drift and relevance over HTTP: how a model stands, and one file by itself."""

import numpy as np
import pytest

from tests.drift.conftest import DriftApp, csv_of, rows


async def test_how_a_model_stands(app: DriftApp) -> None:
    await app.score(rows(5, 300, x=1.0))
    status, found = await app.request("GET", "models/m/drift")

    assert status == 200, found
    (version,) = found["versions"]
    assert (version["version"], version["window"]["rows"], version["window"]["runs"]) == ("1", 300, 1)
    assert version["report"]["outcome"] == "drifted"
    assert version["page"].endswith("look-0.html")
    assert (version["windows_month"], version["false_alarm_month"]) == (1, pytest.approx(0.01))


async def test_a_file_by_itself_is_judged_and_nothing_follows(app: DriftApp) -> None:
    app.land("checks/a.csv", csv_of(rows(5, 500, x=1.0)))
    status, found = await app.request("POST", "drift-checks", {"path": "checks/a.csv", "route": "each"})

    assert (status, found["outcome"]) == (200, "drifted")
    assert found["because"] == "x moved, and so would the score"  # It is relevant, and there are no outputs.
    assert app.causes == []
    assert app.stored("drift-windows/m/1.json") is None


async def test_a_file_of_enough_rows_is_decided_without_outputs(app: DriftApp) -> None:
    app.land("checks/a.csv", csv_of(rows(5, 500)))
    _, found = await app.request("POST", "drift-checks", {"path": "checks/a.csv", "route": "each"})

    assert (found["outcome"], found["score"]["foreseen"]) == ("none", True)


async def test_relevance_of_a_table_in_the_hub(app: DriftApp) -> None:
    columns = rows(5, 500)
    columns["site"] = np.where(columns["y"] > 0, "north", "south")
    columns["answer"] = columns["x"] + np.random.default_rng(1).normal(size=500)
    lines = "\n".join(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))
    app.land("checks/t.csv", f"{','.join(columns)}\n{lines}\n".encode())
    asked = {"path": "checks/t.csv", "target": "answer", "resamples": 10}
    status, found = await app.request("POST", "feature-relevance", asked)

    assert status == 200, found
    assert found["selected"] == ["x"]
    assert (await app.request("POST", "feature-relevance", asked))[1] == found


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "models/unknown/drift", None, 404),
        ("POST", "drift-checks", {"path": "checks/none.csv", "route": "each"}, 404),
        ("POST", "drift-checks", {"path": "checks/a.csv", "route": "none"}, 404),
        ("POST", "feature-relevance", {"path": "checks/a.csv", "target": "none"}, 422),
        ("POST", "feature-relevance", {"path": "checks/a.csv"}, 400),
        ("POST", "feature-relevance", {"path": "checks/b.parquet", "target": "x"}, 422),
    ],
)
async def test_what_is_wrong_is_said(app: DriftApp, method, path, body, status) -> None:
    app.land("checks/a.csv", csv_of(rows(5, 100)))
    app.land("checks/b.parquet", b"no parquet")

    assert (await app.request(method, path, body))[0] == status
