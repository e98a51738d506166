"""Batch scoring script of the example, as an Azure ML batch deployment runs it."""

import os
from pathlib import Path

import joblib
import pandas as pd


def init() -> None:
    """Load the model once per worker."""
    global model
    folder = Path(os.environ["AZUREML_MODEL_DIR"])
    model = joblib.load(next(folder.rglob("model.joblib")))


def run(mini_batch: list[str]) -> pd.DataFrame:
    """One row per input row: file, patient and predicted progression."""
    return pd.concat([_score(Path(name)) for name in mini_batch], ignore_index=True)


def _score(path: Path) -> pd.DataFrame:
    rows = pd.read_csv(path)
    predicted = model.predict(rows[list(model.feature_names_in_)])
    return pd.DataFrame({"file": path.name, "id": rows["id"], "progression": predicted.round(6)})
