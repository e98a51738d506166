"""The example's training step: what a retraining needs of it, and what the ladder's edge into dev gives it."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests.peers import Peer, with_peers

pytestmark = with_peers
pd, joblib, datasets = Peer("pandas"), Peer("joblib"), Peer("sklearn.datasets")
EXAMPLE = Path("examples/diabetes")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of 80 patients in two files, of whom one has two rows, and a hold-out of 20 in another order."""
    root = tmp_path_factory.mktemp("pipeline")
    study = datasets.load_diabetes(scaled=False, as_frame=True)
    rows = study.data.head(100).astype({"sex": int})
    rows.insert(0, "id", [f"patient-{number:04d}" for number in range(100)])
    labelled = rows.assign(progression=study.target.head(100))
    for name, part in {"a": labelled[:50], "b": labelled[49:80].assign(bmi=20.0)}.items():
        (root / "data").mkdir(exist_ok=True)
        part.to_csv(root / "data" / f"{name}.csv", index=False)
    (root / "holdout").mkdir()
    rows[80:][::-1].to_csv(root / "holdout" / "holdout.csv", index=False)
    return root


@pytest.fixture(scope="module")
def pipeline() -> Iterator[ModuleType]:
    sys.path.insert(0, str(EXAMPLE))
    try:
        yield importlib.import_module("pipeline")
    finally:
        sys.path.remove(str(EXAMPLE))


def test_the_hold_out_is_answered_by_the_model_that_was_written(pipeline: ModuleType, folders: Path) -> None:
    output = folders / "output"
    metrics = pipeline.run(folders / "data", output, "ward")
    answered = pipeline.predict(folders / "holdout", output)

    said = pd.read_csv(output / "predictions.csv")
    asked = pd.read_csv(folders / "holdout" / "holdout.csv").set_index("id").loc[said["id"]]
    model = joblib.load(output / "model" / "model.joblib")
    assert (answered, list(said.columns)) == (20, ["id", "progression"])
    assert sorted(said["id"]) == [f"patient-{number:04d}" for number in range(80, 100)]
    assert said["progression"].tolist() == pytest.approx(model.predict(asked[list(model.feature_names_in_)]), abs=1e-6)
    facts = json.loads((output / "model" / "facts.json").read_text())
    assert facts["rows"] == {"train": 64, "holdout": 16}
    assert facts["metrics"] == metrics == json.loads((output / "metrics.json").read_text())
    assert (output / "extras" / "contract" / "reference-profile.json").is_file()


def test_what_lacks_a_column_is_refused_by_name(pipeline: ModuleType, folders: Path, tmp_path: Path) -> None:
    pd.read_csv(folders / "holdout" / "holdout.csv").drop(columns="bmi").to_csv(tmp_path / "holdout.csv", index=False)

    with pytest.raises(ValueError, match=f"{tmp_path} lacks bmi"):
        pipeline.predict(tmp_path, tmp_path)
    with pytest.raises(ValueError, match="lacks bmi, progression"):
        pipeline.run(tmp_path, tmp_path, "ward")


def test_both_components_take_the_hold_out_and_do_without_it() -> None:
    step, whole = (yaml.safe_load((EXAMPLE / name).read_text()) for name in ("train-component.yaml", "pipeline.yaml"))

    assert step["inputs"]["holdout"] == whole["inputs"]["holdout"] == {"type": "uri_folder", "optional": True}
    assert step["command"].strip().endswith("$[[--holdout ${{inputs.holdout}}]]")
    assert whole["jobs"]["train"]["component"] == f"azureml:{step['name']}:{step['version']}"
