"""The training step of the example's pipeline: from a training set in a folder to a model that can be promoted.

    python examples/diabetes/pipeline.py --data FOLDER --output FOLDER [--recipe ward|blood|stiff] [--holdout FOLDER]

The set is every CSV file below the folder: `id`, the ten measurements and `progression`; a patient's last row counts.
Writes `model/`, `extras/`, `metrics.json` and, for the patients of the hold-out, who come without their answers,
`predictions.csv`; logs the metrics where a run of Azure ML is to be told.
"""

import argparse
import json
import os
from pathlib import Path

import joblib
import pandas as pd
from sklearn.model_selection import train_test_split
from train import FEATURES, RECIPES, SEED, fit


def read_set(folder: Path, *answers: str) -> pd.DataFrame:
    """Every patient of the set once. Raises ValueError where there is none, or a column is missing (*answers*, too)."""
    files = sorted(folder.rglob("*.csv"))
    if not files:
        raise ValueError(f"{folder} holds no CSV file")
    rows = pd.concat([pd.read_csv(path) for path in files], ignore_index=True)
    missing = sorted({"id", *FEATURES, *answers} - set(rows.columns))
    if missing:
        raise ValueError(f"{folder} lacks {', '.join(missing)}; see examples/diabetes/contract.yaml")
    return rows.drop_duplicates("id", keep="last").sort_values("id", ignore_index=True)


def run(data: Path, output: Path, recipe: str) -> dict[str, float]:
    """Train on four fifths of the set, measure on the rest; returns the metrics."""
    rows = read_set(data, "progression")
    fit_x, held_x, fit_y, held_y = train_test_split(rows, rows["progression"], test_size=0.2, random_state=SEED)
    facts = fit(output, recipe, (fit_x, fit_y), (held_x, held_y))
    metrics: dict[str, float] = facts["metrics"]
    (output / "metrics.json").write_text(json.dumps(metrics, indent=2))
    return metrics


def predict(holdout: Path, output: Path) -> int:
    """What the model in *output* says of the hold-out, every patient once; how many they are."""
    rows = read_set(holdout)
    model = joblib.load(output / "model" / "model.joblib")
    said = model.predict(rows[list(model.feature_names_in_)]).round(6)
    rows[["id"]].assign(progression=said).to_csv(output / "predictions.csv", index=False)
    return len(rows)


def log(metrics: dict[str, float]) -> None:
    """To the run that this process is a part of, if it is one."""
    if "MLFLOW_RUN_ID" in os.environ:
        import mlflow

        client = mlflow.MlflowClient()
        for name, value in metrics.items():
            client.log_metric(os.environ["MLFLOW_RUN_ID"], name, value)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--recipe", choices=RECIPES, default="blood")
    parser.add_argument("--holdout", type=Path)
    given = parser.parse_args()
    made = run(given.data, given.output, given.recipe)
    if given.holdout:
        print(f"{predict(given.holdout, given.output)} predictions of the hold-out")
    log(made)
    print(json.dumps(made, indent=2))
