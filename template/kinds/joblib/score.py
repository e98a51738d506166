"""Scores files: Azure ML's batch endpoint calls `init` once per worker and `run` for every mini-batch."""

import os
from pathlib import Path

import joblib
import pandas as pd
from features import KEY, TARGET, features

model = None


def init() -> None:
    """Load the model."""
    global model
    model = joblib.load(next(Path(os.environ["AZUREML_MODEL_DIR"]).rglob("model.joblib")))


def run(mini_batch: list[str]) -> pd.DataFrame:
    """One row for every row of the files: the file, the row's key, and the prediction."""
    return pd.concat([_score(Path(name)) for name in mini_batch], ignore_index=True)


def _score(path: Path) -> pd.DataFrame:
    rows = pd.read_csv(path)
    return pd.DataFrame({"file": path.name, KEY: rows[KEY], TARGET: model.predict(features(rows))})
