"""What the model is, and how its answers are measured."""

import pandas as pd
from features import COLUMNS
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

METRIC, GREATER_IS_BETTER = "mae", False
RECIPES = {"full": [*COLUMNS, "cholesterol_share"], "simple": ["age", "sex"]}  # The features that a model reads.


def new_model(recipe: str, strength: float) -> Pipeline:
    """A model that has not learned yet; a larger *strength* follows the rows more closely."""
    columns = make_column_transformer((StandardScaler(), RECIPES[recipe]))
    return make_pipeline(columns, Ridge(alpha=1 / strength))


def measure(answers: pd.Series, predictions: pd.Series) -> float:
    """The mean distance of *predictions* from the answers."""
    return float(mean_absolute_error(answers, predictions))
