"""The rows that the model learns from. Read your own data here."""

import pandas as pd
from features import KEY, TARGET
from sklearn.datasets import load_diabetes


def load_rows() -> tuple[pd.DataFrame, pd.Series]:
    """The rows, each with its key, and their targets: the diabetes study, which comes with scikit-learn."""
    study = load_diabetes(scaled=False, as_frame=True)
    rows = study.data.round(4)
    rows["sex"] = rows["sex"].astype(int)
    rows.insert(0, KEY, [f"patient-{number:04d}" for number in range(1, len(rows) + 1)])
    return rows, study.target.rename(TARGET)
