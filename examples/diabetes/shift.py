"""Move the example's world: the same patients, measured with new devices, and then by devices that are broken.

    python examples/diabetes/shift.py FOLDER

FOLDER is what train.py wrote. The new devices show a body mass index and a blood pressure that are too high, by the
same factor for everybody: a model can learn that. The broken ones mix the patients up: nothing can be learned there.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from train import SEED

NEW_DEVICES = {"bmi": 1.22, "bp": 1.12}
BROKEN = ["bmi", "bp", "s5"]


def shift(folder: Path) -> None:
    """Write `before.csv`, and `devices/` and `noise/` with `patients.csv`, `labelled.csv` and `holdout.csv` each."""
    known, held = (pd.read_csv(folder / f"{name}.csv") for name in ("labelled", "holdout"))
    everybody = pd.concat([known.drop(columns="progression"), held], ignore_index=True)
    everybody.to_csv(folder / "before.csv", index=False)
    for name, changed in {"devices": measured_anew, "noise": mixed_up}.items():
        (folder / name).mkdir(exist_ok=True)
        for file, rows in {"patients": everybody, "labelled": known, "holdout": held}.items():
            changed(rows).to_csv(folder / name / f"{file}.csv", index=False)


def measured_anew(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{name: (rows[name] * factor).round(1) for name, factor in NEW_DEVICES.items()})


def mixed_up(rows: pd.DataFrame) -> pd.DataFrame:
    chance = np.random.default_rng(SEED)
    anew = measured_anew(rows)
    return anew.assign(**{name: chance.permutation(anew[name]) for name in BROKEN})


if __name__ == "__main__":
    shift(Path(sys.argv[1]))
