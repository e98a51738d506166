"""The example's training script writes its reference without Signalbox: every figure is Signalbox's own."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from shared.adapters.tables.measuring import profile
from shared.domain.drift.counting import moments_of
from shared.domain.drift.reference import parse_reference
from shared.domain.drift.relevance import relevance
from tests.data_contracts import parse_contract
from tests.drift.references import response_of
from tests.peers import Peer, with_peers
from tests.unit.data.conftest import table

pytestmark = with_peers
pd = Peer("pandas")

EXAMPLE = Path("examples/diabetes")
CONTRACT = parse_contract(
    {
        "format": "csv",
        "columns": [
            {"name": "age", "type": "number"},
            {"name": "sex", "type": "integer"},
            {"name": "bmi", "type": "number"},
        ],
    }
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    sys.path.insert(0, str(EXAMPLE))
    try:
        from reference import write_reference
    finally:
        sys.path.remove(str(EXAMPLE))
    chance = np.random.default_rng(1)
    rows = pd.DataFrame(
        {
            "age": chance.integers(20, 70, 1500).astype(float),
            "sex": chance.integers(1, 3, 1500),
            "bmi": chance.normal(26, 4, 1500),
        }
    )
    target = pd.Series(rows["bmi"] * 3 + rows["sex"] + chance.normal(0, 10, 1500), name="progression")
    outputs = rows["bmi"].to_numpy() * 3
    path = tmp_path_factory.mktemp("reference") / "contract" / "reference-profile.json"
    write_reference(path, rows, target, outputs)
    return rows, target, outputs, parse_reference(json.loads(path.read_text()))


def test_the_profile_is_that_of_the_data_check(trained):
    rows, _, _, reference = trained

    assert reference.inputs == profile([table("train.csv", rows.to_csv(index=False).encode())], CONTRACT)


def test_outputs_and_responses(trained):
    rows, _, outputs, reference = trained

    assert reference.outputs["progression"].total == 1500
    assert reference.moments["progression"].mean == pytest.approx(moments_of(outputs).mean)
    assert reference.moments["progression"].squares == pytest.approx(moments_of(outputs).squares)
    for name in rows:
        values = rows[name].to_numpy() if name != "sex" else rows[name].astype(str).to_numpy()
        ours = response_of(values, reference.inputs.columns[name], outputs)
        assert reference.responses[name].edges == pytest.approx(ours.edges)
        assert reference.responses[name].means == pytest.approx(ours.means)
        assert dict(reference.responses[name].categories) == pytest.approx(dict(ours.categories))


def test_relevance(trained):
    rows, target, _, reference = trained
    settings = {name: getattr(reference.relevance, name) for name in ("alpha", "bins", "resamples", "seed")}
    columns = {name: rows[name].to_numpy(dtype=float) for name in rows} | {"progression": target.to_numpy()}
    ours = relevance(columns, "progression", **settings)

    assert reference.relevance.selected == ours.selected
    for theirs, each in zip(reference.relevance.features, ours.features, strict=True):
        assert theirs.name == each.name
        for figure in ("information", "error", "f", "f_p", "chi_squared", "chi_squared_p", "adjusted_p", "stability"):
            assert getattr(theirs, figure) == pytest.approx(getattr(each, figure), rel=1e-9, abs=1e-12), figure
