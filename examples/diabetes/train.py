"""Train the example's regressor on the diabetes study that scikit-learn ships, and hold rows out for scoring.

    python examples/diabetes/train.py OUTPUT_FOLDER

Writes `model/` (the model and what it was made from), `train.csv`, `holdout.csv` (no target) and `answers.csv`.
The study: Efron, Hastie, Johnstone and Tibshirani, "Least Angle Regression", 2004: 442 patients, ten measurements, and
the progression of the disease a year later.
"""

import json
import sys
from pathlib import Path

import joblib
import pandas as pd
import sklearn
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FEATURES = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
SEED = 20040401


def patients() -> tuple[pd.DataFrame, pd.Series]:
    """The study's measurements in their own units with an `id` for every patient, and the target."""
    study = load_diabetes(scaled=False, as_frame=True)
    features = study.data.round(4)
    features["sex"] = features["sex"].astype(int)
    features.insert(0, "id", [f"patient-{number:04d}" for number in range(1, len(features) + 1)])
    return features, study.target.rename("progression")


def train(output: Path) -> dict[str, object]:
    """Fit on three quarters of the patients, measure on the rest; returns what is known of the model."""
    features, target = patients()
    fit_x, held_x, fit_y, held_y = train_test_split(features, target, test_size=0.25, random_state=SEED)
    model = make_pipeline(StandardScaler(), Ridge(alpha=1.0)).fit(fit_x[FEATURES], fit_y)
    predicted = model.predict(held_x[FEATURES])
    facts = {
        "model": "diabetes-progression",
        "features": FEATURES,
        "rows": {"train": len(fit_x), "holdout": len(held_x)},
        "seed": SEED,
        "sklearn": sklearn.__version__,
        "metrics": {"mae": mean_absolute_error(held_y, predicted), "r2": r2_score(held_y, predicted)},
    }
    folder = output / "model"
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    (folder / "facts.json").write_text(json.dumps(facts, indent=2))
    fit_x.to_csv(output / "train.csv", index=False)
    held_x.to_csv(output / "holdout.csv", index=False)
    held_x[["id"]].assign(progression=held_y).to_csv(output / "answers.csv", index=False)
    return facts


if __name__ == "__main__":
    print(json.dumps(train(Path(sys.argv[1])), indent=2))
