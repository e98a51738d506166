"""Train the example's regressor on the diabetes study that scikit-learn ships, and hold rows out for scoring.

    python examples/diabetes/train.py OUTPUT_FOLDER [ward|blood|stiff]

Writes `model/` (the model and what it was made from), `train.csv`, `holdout.csv` (no target), `answers.csv` and
`extras/`, what travels with the model on its way to production.
The study: Efron, Hastie, Johnstone and Tibshirani, "Least Angle Regression", 2004: 442 patients, ten measurements, and
the progression of the disease a year later.
"""

import json
import shutil
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

sys.path.insert(0, str(Path(__file__).parent))

from reference import write_reference

FEATURES = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
RECIPES = {  # Features, and the strength of the regularisation.
    "ward": (["age", "sex", "bmi", "bp"], 1.0),  # What a ward measures by itself.
    "blood": (FEATURES, 1.0),  # With six values from the blood serum.
    "stiff": (FEATURES, 5000.0),  # Regularised until little is left: a mistake, kept as an example of one.
}
EXTRAS = {
    "online.py": "code/online.py",
    "score.py": "code/score.py",
    "environment.yaml": "environment/conda.yaml",
    "contract.yaml": "contract/contract.yaml",
}
GOLDEN = 10
SEED = 20040401
HERE = Path(__file__).parent


def patients() -> tuple[pd.DataFrame, pd.Series]:
    """The study's measurements in their own units with an `id` for every patient, and the target."""
    study = load_diabetes(scaled=False, as_frame=True)
    features = study.data.round(4)
    features["sex"] = features["sex"].astype(int)
    features.insert(0, "id", [f"patient-{number:04d}" for number in range(1, len(features) + 1)])
    return features, study.target.rename("progression")


def train(output: Path, recipe: str) -> dict[str, object]:
    """Fit on three quarters of the patients, measure on the rest; returns what is known of the model."""
    features, target = patients()
    fit_x, held_x, fit_y, held_y = train_test_split(features, target, test_size=0.25, random_state=SEED)
    facts = fit(output, recipe, (fit_x, fit_y), (held_x, held_y))
    fit_x.to_csv(output / "train.csv", index=False)
    fit_x.assign(progression=fit_y).to_csv(output / "labelled.csv", index=False)
    held_x.to_csv(output / "holdout.csv", index=False)
    held_x[["id"]].assign(progression=held_y).to_csv(output / "answers.csv", index=False)
    return facts


def fit(
    output: Path, recipe: str, known: tuple[pd.DataFrame, pd.Series], held: tuple[pd.DataFrame, pd.Series]
) -> dict[str, object]:
    """Write `model/` and `extras/`, fitted on *known* and measured on *held*; returns what is known of the model."""
    used, alpha = RECIPES[recipe]
    model = make_pipeline(StandardScaler(), Ridge(alpha=alpha)).fit(known[0][used], known[1])
    predicted = model.predict(held[0][used])
    facts = {
        "model": "diabetes-progression",
        "recipe": recipe,
        "features": used,
        "rows": {"train": len(known[0]), "holdout": len(held[0])},
        "seed": SEED,
        "sklearn": sklearn.__version__,
        "metrics": {"mae": mean_absolute_error(held[1], predicted), "r2": r2_score(held[1], predicted)},
    }
    folder = output / "model"
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    (folder / "facts.json").write_text(json.dumps(facts, indent=2))
    extras = output / "extras"
    write_extras(extras, held[0][FEATURES].head(GOLDEN), predicted[:GOLDEN].round(6).tolist())
    reference = extras / "contract" / "reference-profile.json"
    write_reference(reference, known[0][FEATURES], known[1], model.predict(known[0][used]))
    return facts


def write_extras(folder: Path, rows: pd.DataFrame, answers: list[float]) -> None:
    """What travels with the model: its scoring code, environment and contract, and requests with their answers."""
    for name, target in EXTRAS.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / name, folder / target)
    golden = folder / "golden" / "requests.jsonl"
    golden.parent.mkdir(exist_ok=True)
    lines = []
    for number, answer in enumerate(answers):
        asked = {"columns": FEATURES, "index": [0], "data": [rows.iloc[number].tolist()]}
        lines.append(json.dumps({"request": {"input_data": asked}, "response": [answer]}))
    golden.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    print(json.dumps(train(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "ward"), indent=2))
