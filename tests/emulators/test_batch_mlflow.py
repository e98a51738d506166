"""MLflow models behind batch endpoints: Azure generates their scoring script, and other models must bring one."""

import asyncio
import warnings
from pathlib import Path

from signalbox.emulators.azure_ml.batch import generated_script
from signalbox.emulators.azure_ml.batch.workers import WorkerPool
from tests.emulators.online import Ml


def test_files_are_scored_without_a_script_of_ones_own(tmp_path: Path) -> None:
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    inputs = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 5.0, 2.0]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of its own type hints.
        import mlflow.sklearn
        from mlflow.models import infer_signature

        mlflow.sklearn.save_model(
            LinearRegression().fit(inputs, [2.0, 7.0, 5.0]),
            tmp_path / "model",
            signature=infer_signature(inputs),
            serialization_format="cloudpickle",
            pip_requirements=["scikit-learn"],
        )
    inputs.assign(id=["x", "y", "z"]).to_csv(tmp_path / "rows.csv", index=False)
    inputs.head(1).to_json(tmp_path / "more.jsonl", orient="records", lines=True)
    (tmp_path / "notes.txt").write_text("no table\n")

    pool = WorkerPool(tmp_path / "model", Path(generated_script.__file__), tmp_path / "logs", 120.0)
    batches = [[tmp_path / "rows.csv", tmp_path / "more.jsonl"], [tmp_path / "notes.txt"]]
    file = asyncio.run(pool.score(batches, tmp_path / "output", 1, max_retries=0, error_threshold=1))

    rows = [line.split(" ") for line in file.read_text().splitlines()]
    assert [(row, name) for row, _, name in rows] == [
        ("0", "rows.csv"),
        ("1", "rows.csv"),
        ("2", "rows.csv"),
        ("0", "more.jsonl"),
    ]
    assert [round(float(prediction), 6) for _, prediction, _ in rows] == [2.0, 7.0, 5.0, 2.0]
    assert "give the deployment a scoring script of its own" in (tmp_path / "logs" / "user" / "error.txt").read_text()


def test_another_model_is_refused_without_a_script(ml: Ml) -> None:
    uri = "azureml://datastores/workspaceblobstore/paths/bare/model"
    for name, kind in (("bare", "custom_model"), ("flowing", "mlflow_model")):
        model = {"properties": {"modelUri": uri, "modelType": kind}}
        ml.must("PUT", f"mlw-preprod/models/{name}/versions/1", model)
    ml.must("PUT", "mlw-preprod/batchEndpoints/without-script", {"properties": {"authMode": "AADToken"}})

    def deploy(name: str) -> int:
        reference = {"referenceType": "Id", "assetId": f"{ml.ids['mlw-preprod']}/models/{name}/versions/1"}
        path = f"mlw-preprod/batchEndpoints/without-script/deployments/{name}"
        answer = ml.ask("PUT", path, {"properties": {"model": reference, "compute": "local"}})
        if answer.status_code >= 400:
            assert "give the deployment a codeConfiguration" in answer.text
        return answer.status_code

    assert (deploy("bare"), deploy("flowing")) == (400, 201)
