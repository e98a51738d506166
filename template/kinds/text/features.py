"""From rows to what the model reads. Training and scoring import this module, so that both mean the same."""

import pandas as pd

KEY, TARGET = "id", "topic"
COLUMNS = ["channel", "text"]


def features(rows: pd.DataFrame) -> pd.DataFrame:
    """The model's input for *rows*, which meet the data contract: texts in small letters, without numbers."""
    texts = rows["text"].astype(str).str.lower()
    plain_texts = texts.str.replace(r"\d+", " ", regex=True).str.replace(r"\s+", " ", regex=True).str.strip()
    return pd.DataFrame({"channel": rows["channel"].astype(str), "text": plain_texts})
