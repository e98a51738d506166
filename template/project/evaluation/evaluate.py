"""Measure a trained model on the rows that it has not learned from, and compare it with the limits.

    python evaluation/evaluate.py FOLDER [BASELINE]

FOLDER is what a training has written; BASELINE is another one, such as that of the version that serves. The exit
code is 1 where a limit of `limits.yaml` is not kept, or the baseline measures better.
"""

import sys
from pathlib import Path

import pandas as pd
import yaml

PROJECT = Path(__file__).parents[1]
sys.path[:0] = [str(PROJECT / "scoring"), str(PROJECT / "training")]

from artifact import load, predict  # noqa: E402
from features import KEY, TARGET  # noqa: E402
from model import GREATER_IS_BETTER, METRIC, measure  # noqa: E402

LIMITS = yaml.safe_load((PROJECT / "evaluation" / "limits.yaml").read_text())


def value_of(model_folder: Path, rows_folder: Path) -> float:
    """What the model in *model_folder* measures on the rows that were held out for *rows_folder*."""
    rows = pd.read_csv(rows_folder / "holdout.csv")
    answers = pd.read_csv(rows_folder / "answers.csv").set_index(KEY).loc[rows[KEY], TARGET]
    return measure(answers, predict(load(model_folder / "model"), rows))


def is_better(value: float, other: float) -> bool:
    """Whether *value* is better than *other*, whichever way the metric points."""
    return value > other if GREATER_IS_BETTER else value < other


def objections(value: float, baseline: float | None = None) -> list[str]:
    """Why a model that measures *value* is not registered; empty where nothing speaks against it."""
    limits = LIMITS[METRIC]
    sentences = []
    if value < limits.get("at_least", value):
        sentences.append(f"{METRIC} is {value:.4f}, and {limits['at_least']} is the least")
    if value > limits.get("at_most", value):
        sentences.append(f"{METRIC} is {value:.4f}, and {limits['at_most']} is the most")
    if baseline is not None and is_better(baseline, value):
        sentences.append(f"{METRIC} is {value:.4f}, and the baseline measures {baseline:.4f}")
    return sentences


def main(words: list[str]) -> int:
    """Print what was measured, and every objection."""
    folder, *others = map(Path, words)
    value = value_of(folder, folder)
    baseline = value_of(others[0], folder) if others else None
    print(f"{METRIC}: {value:.4f}" + ("" if baseline is None else f", baseline {baseline:.4f}"))
    sentences = objections(value, baseline)
    print("\n".join(sentences), end="\n" if sentences else "")
    return 1 if sentences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
