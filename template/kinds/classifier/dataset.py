"""The rows that the model learns from. Read your own data here."""

import pandas as pd
from features import KEY, TARGET
from sklearn.datasets import load_wine


def load_rows() -> tuple[pd.DataFrame, pd.Series]:
    """The rows, each with its key, and their classes: the wine data set, which comes with scikit-learn."""
    wine = load_wine(as_frame=True)
    rows = wine.data.rename(columns={"od280/od315_of_diluted_wines": "dilution"})
    rows.insert(0, KEY, [f"wine-{number:03d}" for number in range(1, len(rows) + 1)])
    return rows, wine.target.map(lambda number: f"class_{number}").rename(TARGET)
