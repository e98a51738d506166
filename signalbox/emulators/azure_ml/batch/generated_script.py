"""The scoring script of an MLflow model that is deployed without one, as Azure ML generates it.

Rows are `row prediction file`; CSV, JSON Lines and Parquet files are read.
"""

import os
from pathlib import Path
from typing import Any

model: Any = None


def init() -> None:
    """Load the model once per worker."""
    import mlflow.pyfunc

    global model
    folder = Path(os.environ["AZUREML_MODEL_DIR"])
    model = mlflow.pyfunc.load_model(str(next(folder.rglob("MLmodel")).parent))


def run(mini_batch: list[str]) -> Any:
    """One row for each input row: its number, the prediction, and the file's name."""
    import pandas as pd

    return pd.concat([_score(Path(name)) for name in mini_batch], ignore_index=True)


def _score(path: Path) -> Any:
    import pandas as pd

    rows = _read(path)
    schema = model.metadata.get_input_schema()
    predictions = model.predict(rows[schema.input_names()] if schema and schema.has_input_names() else rows)
    values = predictions.tolist() if hasattr(predictions, "tolist") else list(predictions.iloc[:, 0])
    return pd.DataFrame({"row": range(len(rows)), "prediction": values, "file": path.name})


def _read(path: Path) -> Any:
    """Raises ValueError for a file of another kind, as the generated script of Azure ML does."""
    import pandas as pd

    if path.suffix == ".csv":
        return pd.read_csv(path)
    if path.suffix in (".jsonl", ".json"):
        return pd.read_json(path, lines=path.suffix == ".jsonl")
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    raise ValueError(f"{path.name} is neither CSV, JSON nor Parquet; give the deployment a scoring script of its own")
