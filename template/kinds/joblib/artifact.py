"""How a model that has learned is kept, and asked: by joblib, with scoring scripts of this project."""

from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from features import features


def fit(model: Any, rows: pd.DataFrame, target: pd.Series) -> Any:
    """The *model* once it has learned from *rows*."""
    return model.fit(features(rows), target)


def predict(model: Any, rows: pd.DataFrame) -> pd.Series:
    """What *model* answers to *rows*."""
    return pd.Series(model.predict(features(rows)), index=rows.index)


def save(model: Any, rows: pd.DataFrame, folder: Path) -> None:
    """Write the model into *folder*; *rows* are of those that it has learned from."""
    del rows  # The scoring scripts know the columns.
    folder.mkdir(parents=True)
    joblib.dump(model, folder / "model.joblib")


def load(folder: Path) -> Any:
    """The model in *folder*."""
    return joblib.load(folder / "model.joblib")
