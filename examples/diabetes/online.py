"""Online scoring script of the example, as an Azure ML managed online deployment runs it."""

import json
import os
from pathlib import Path

import joblib
import pandas as pd


def init() -> None:
    """Load the model once."""
    global model
    folder = Path(os.environ["AZUREML_MODEL_DIR"])
    model = joblib.load(next(folder.rglob("model.joblib")))


def run(raw_data: str) -> list[float]:
    """One predicted progression for each row of {"input_data": {"columns", "index", "data"}}."""
    asked = json.loads(raw_data)["input_data"]
    rows = pd.DataFrame(asked["data"], columns=asked["columns"])
    return [round(float(each), 6) for each in model.predict(rows[list(model.feature_names_in_)])]
