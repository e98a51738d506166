"""Train the model, and write everything that is registered with it.

    python training/train.py FOLDER [RECIPE]

FOLDER gets `model/` and `extras/` (scoring code, environment, contract, requests with their answers). It also gets
`holdout.csv` with `answers.csv`: the rows on which versions are compared. RECIPE is `full` or `simple`.
"""

import json
import shutil
import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "scoring"))

from features import COLUMNS, features  # noqa: E402

SEED, REQUESTS = 7, 5
RECIPES = {"full": [*COLUMNS, "phenol_share"], "simple": ["alcohol", "ash"]}  # The features that a model reads.


def load_rows() -> tuple[pd.DataFrame, pd.Series]:
    """The rows with an `id` each, and their classes. Read your own data here."""
    wine = load_wine(as_frame=True)
    rows = wine.data.rename(columns={"od280/od315_of_diluted_wines": "dilution"})
    rows.insert(0, "id", [f"wine-{number:03d}" for number in range(1, len(rows) + 1)])
    return rows, wine.target.map(lambda number: f"class_{number}").rename("class")


def train(folder: Path, recipe: str = "full") -> dict[str, object]:
    """Fit on three quarters of the rows, measure on the rest; returns what was measured."""
    rows, labels = load_rows()
    fit_rows, held_rows, fit_labels, held_labels = train_test_split(
        rows, labels, test_size=0.25, random_state=SEED, stratify=labels
    )
    columns = make_column_transformer((StandardScaler(), RECIPES[recipe]))
    model = make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(features(fit_rows), fit_labels)
    accuracy = float(model.score(features(held_rows), held_labels))
    counts = {"train": len(fit_rows), "holdout": len(held_rows)}
    facts = {"recipe": recipe, "rows": counts, "metrics": {"accuracy": accuracy}}
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


def main(arguments: list[str]) -> str:
    """What was measured, or how the command is written; ends with 2 for a recipe that does not exist."""
    folder, recipe = (*arguments, "full")[:2] if arguments else ("", "")
    if recipe not in RECIPES or len(arguments) > 2:
        print(f"usage: python training/train.py FOLDER [{'|'.join(RECIPES)}]", file=sys.stderr)
        sys.exit(2)
    return json.dumps(train(Path(folder), recipe), indent=2)


if __name__ == "__main__":
    print(main(sys.argv[1:]))
