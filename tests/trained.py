"""The example's models, trained once for a whole test run by the worker that needs them first."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
_TRAIN = """
import sys
from pathlib import Path
folder, output = map(Path, sys.argv[1:])
sys.path.insert(0, str(folder))
import shift
import train
for recipe in train.RECIPES:
    train.train(output / recipe, recipe)
    shift.shift(output / recipe)
"""


def trained_models(factory: pytest.TempPathFactory) -> Path:
    """A folder for each recipe of the example, as `train.py` and `shift.py` write it. Nobody may change them.

    One process trains all: a process for each would spend most of its time importing scikit-learn.
    """
    own = factory.getbasetemp()
    whole_run = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    models, done = whole_run / "trained", whole_run / "trained-done"
    with (whole_run / "trained.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            subprocess.run([sys.executable, "-c", _TRAIN, PROJECT / "examples" / "diabetes", models], check=True)
            done.touch()
    return models
