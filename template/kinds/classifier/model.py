"""What the model is, and how its answers are measured."""

import pandas as pd
from features import COLUMNS
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

METRIC, GREATER_IS_BETTER = "accuracy", True
RECIPES = {"full": [*COLUMNS, "phenol_share"], "simple": ["alcohol", "ash"]}  # The features that a model reads.


def new_model(recipe: str, strength: float) -> Pipeline:
    """A model that has not learned yet; a larger *strength* follows the rows more closely."""
    columns = make_column_transformer((StandardScaler(), RECIPES[recipe]))
    return make_pipeline(columns, LogisticRegression(C=strength, max_iter=1000))


def measure(answers: pd.Series, predictions: pd.Series) -> float:
    """The share of *predictions* that are right."""
    return float(accuracy_score(answers, predictions))
