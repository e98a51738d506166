"""Train the model, and write everything that is registered with it.

    python training/train.py FOLDER

FOLDER gets `model/`, `extras/` (scoring code, environment, contract, requests with their answers), and, to try it out,
`holdout.csv` with `answers.csv`.
"""

import json
import shutil
import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "scoring"))

from features import COLUMNS, features  # noqa: E402

SEED, REQUESTS = 7, 5


def load_rows() -> tuple[pd.DataFrame, pd.Series]:
    """The rows with an `id` each, and their classes. Read your own data here."""
    wine = load_wine(as_frame=True)
    rows = wine.data.rename(columns={"od280/od315_of_diluted_wines": "dilution"})
    rows.insert(0, "id", [f"wine-{number:03d}" for number in range(1, len(rows) + 1)])
    return rows, wine.target.map(lambda number: f"class_{number}").rename("class")


def train(folder: Path) -> dict[str, object]:
    """Fit on three quarters of the rows, measure on the rest; returns what was measured."""
    rows, labels = load_rows()
    fit_rows, held_rows, fit_labels, held_labels = train_test_split(
        rows, labels, test_size=0.25, random_state=SEED, stratify=labels
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(features(fit_rows), fit_labels)
    accuracy = float(model.score(features(held_rows), held_labels))
    facts = {"rows": {"train": len(fit_rows), "holdout": len(held_rows)}, "metrics": {"accuracy": accuracy}}
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    joblib.dump(model, folder / "model" / "model.joblib")
    (folder / "model" / "facts.json").write_text(json.dumps(facts, indent=2))
    write_extras(folder / "extras", held_rows.head(REQUESTS), list(model.predict(features(held_rows.head(REQUESTS)))))
    held_rows.to_csv(folder / "holdout.csv", index=False)
    held_rows[["id"]].assign(**{"class": held_labels}).to_csv(folder / "answers.csv", index=False)
    return facts


def write_extras(folder: Path, rows: pd.DataFrame, answers: list[str]) -> None:
    """What travels with the model: its code, its environment, its contract, and requests with their answers."""
    shutil.copytree(PROJECT / "scoring", folder / "code", ignore=shutil.ignore_patterns("__pycache__"))
    for source, target in (
        ("environments/scoring.yaml", "environment/conda.yaml"),
        ("data/contract.yaml", "contract/contract.yaml"),
    ):
        (folder / target).parent.mkdir(parents=True)
        shutil.copyfile(PROJECT / source, folder / target)
    (folder / "golden").mkdir()
    with (folder / "golden" / "requests.jsonl").open("w") as stream:
        for row, answer in zip(rows[COLUMNS].values.tolist(), answers, strict=True):
            request = {"input_data": {"columns": COLUMNS, "index": [0], "data": [row]}}
            stream.write(json.dumps({"request": request, "response": [answer]}) + "\n")


if __name__ == "__main__":
    print(json.dumps(train(Path(sys.argv[1])), indent=2))
