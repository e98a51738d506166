"""How a model that has learned is kept, and asked: by MLflow, from which Azure ML makes the scoring by itself.

The features are the model's first step, and their module travels inside it.
"""

from pathlib import Path
from typing import Any

import features as features_module
import mlflow.sklearn
import pandas as pd
from features import COLUMNS, features
from mlflow.models import infer_signature
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer


def fit(model: Any, rows: pd.DataFrame, target: pd.Series) -> Any:
    """The *model*, with the features before it, once it has learned from *rows*."""
    return make_pipeline(FunctionTransformer(features), model).fit(rows[COLUMNS], target)


def predict(model: Any, rows: pd.DataFrame) -> pd.Series:
    """What *model* answers to *rows*."""
    return pd.Series(model.predict(rows[COLUMNS]), index=rows.index)


def save(model: Any, rows: pd.DataFrame, folder: Path) -> None:
    """Write the model into *folder*; *rows* are of those that it has learned from."""
    mlflow.sklearn.save_model(
        model,
        folder,
        serialization_format="cloudpickle",
        code_paths=[features_module.__file__],
        signature=infer_signature(rows[COLUMNS], model.predict(rows[COLUMNS])),
        pip_requirements=["mlflow-skinny", "pandas", "scikit-learn"],
    )


def load(folder: Path) -> Any:
    """The model in *folder*."""
    return mlflow.sklearn.load_model(str(folder))
