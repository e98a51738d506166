"""What the model is, and how its answers are measured."""

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.pipeline import Pipeline, make_pipeline

METRIC, GREATER_IS_BETTER = "accuracy", True
RECIPES = {"full": None, "simple": ["bill", "invoice", "package", "parcel"]}  # The words that a model reads; None: all.


def new_model(recipe: str, strength: float) -> Pipeline:
    """A model that has not learned yet; a larger *strength* follows the rows more closely."""
    words = TfidfVectorizer(vocabulary=RECIPES[recipe])
    return make_pipeline(make_column_transformer((words, "text")), LogisticRegression(C=strength, max_iter=1000))


def measure(answers: pd.Series, predictions: pd.Series) -> float:
    """The share of *predictions* that are right."""
    return float(accuracy_score(answers, predictions))
