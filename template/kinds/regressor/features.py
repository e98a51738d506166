"""From rows to what the model reads. Training and scoring import this module, so that both mean the same."""

import pandas as pd

KEY, TARGET = "id", "progression"
COLUMNS = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]


def features(rows: pd.DataFrame) -> pd.DataFrame:
    """The model's input for *rows*, which meet the data contract."""
    inputs = rows[COLUMNS].astype(float)
    return inputs.assign(cholesterol_share=inputs["s2"] / inputs["s1"].clip(lower=1.0))
