"""From rows to what the model reads. Training and scoring import this module, so that both mean the same."""

import pandas as pd

KEY, TARGET = "id", "class"
COLUMNS = [
    "alcohol",
    "malic_acid",
    "ash",
    "alcalinity_of_ash",
    "magnesium",
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
    "proanthocyanins",
    "color_intensity",
    "hue",
    "dilution",
    "proline",
]


def features(rows: pd.DataFrame) -> pd.DataFrame:
    """The model's input for *rows*, which meet the data contract."""
    inputs = rows[COLUMNS].astype(float)
    return inputs.assign(phenol_share=inputs["flavanoids"] / inputs["total_phenols"].clip(lower=0.01))
