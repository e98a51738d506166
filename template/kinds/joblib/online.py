"""Answers requests: Azure ML's online endpoint calls `init` once and `run` for every request."""

import json
import os
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from features import features

model = None


def init() -> None:
    """Load the model."""
    global model
    model = joblib.load(next(Path(os.environ["AZUREML_MODEL_DIR"]).rglob("model.joblib")))


def run(raw_data: str) -> list[Any]:
    """The prediction for every row of {"input_data": {"columns", "index", "data"}}."""
    table = json.loads(raw_data)["input_data"]
    rows = pd.DataFrame(table["data"], columns=table["columns"])
    return model.predict(features(rows)).tolist()
