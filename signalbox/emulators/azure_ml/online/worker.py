"""The program of a process that serves one online deployment.

Without a script, the MLflow model in AZUREML_MODEL_DIR answers. Questions and answers are JSON lines.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from signalbox.emulators.azure_ml.batch.worker import load_script, take_over

Run = Callable[[str], Any]


def main(script: Path | None) -> None:
    """Say {"ready": true} once the model is loaded, then answer each {"data": text} with {"ok", "body"}."""
    answers = take_over()
    run = _mlflow_run(Path(os.environ["AZUREML_MODEL_DIR"])) if script is None else _script_run(script)
    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        answers.write(json.dumps(_answer(run, json.loads(line)["data"])) + "\n")


def _answer(run: Run, data: str) -> dict[str, Any]:
    try:
        return {"ok": True, "body": json.dumps(run(data))}
    except Exception as error:
        traceback.print_exc()
        return {"ok": False, "body": f"{type(error).__name__}: {error}"}


def _script_run(script: Path) -> Run:
    module = load_script(script)
    if hasattr(module, "init"):
        module.init()
    run: Run = module.run
    return run


def _mlflow_run(folder: Path) -> Run:
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(str(next(folder.rglob("MLmodel")).parent))

    def run(data: str) -> Any:
        predictions = model.predict(_table(json.loads(data)["input_data"]))
        return (
            json.loads(predictions.to_json(orient="records"))
            if hasattr(predictions, "to_json")
            else predictions.tolist()
        )

    return run


def _table(data: Any) -> Any:
    """A data frame from {columns, index, data}, an array from a list, arrays by name from anything else."""
    import numpy as np
    import pandas as pd

    if isinstance(data, dict) and "data" in data:
        return pd.DataFrame(data["data"], columns=data.get("columns"), index=data.get("index"))
    return {name: np.array(values) for name, values in data.items()} if isinstance(data, dict) else np.array(data)
