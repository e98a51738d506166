"""Runs an online scoring script: `python -m signalbox.emulators.azure_ml.online_worker SCRIPT`.

Requests come as JSON lines on stdin, answers go to stdout. Without a script it serves the MLflow model in
AZUREML_MODEL_DIR, as Azure ML does for models that bring no scoring code.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from signalbox.emulators.azure_ml.worker import load_script
from signalbox.lifeline import die_with_parent


def main(script: str) -> None:
    """Say {"ready": true} after init, then answer each request; prints go to stderr, the log."""
    die_with_parent(signal.SIGKILL)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    run = _scripted(Path(script)) if script else _mlflow(Path(os.environ["AZUREML_MODEL_DIR"]))
    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        answers.write(json.dumps(_answer(run, json.loads(line)["body"])) + "\n")


def _answer(run: Callable[[str], Any], body: str) -> dict[str, Any]:
    try:
        found = run(body)
        json.dumps(found)
    except Exception as error:  # A script may raise anything: that is the caller's answer.
        traceback.print_exc()
        return {"ok": False, "body": str(error)}
    return {"ok": True, "body": found}


def _scripted(script: Path) -> Callable[[str], Any]:
    module = load_script(script)
    if hasattr(module, "init"):
        module.init()
    run: Callable[[str], Any] = module.run
    return run


def _mlflow(folder: Path) -> Callable[[str], Any]:
    """The pyfunc contract: {"input_data": {"columns", "index", "data"}} in, the predictions out."""
    import mlflow.pyfunc
    import pandas as pd

    model = mlflow.pyfunc.load_model(str(next(folder.rglob("MLmodel")).parent))

    def run(body: str) -> Any:
        given = json.loads(body)["input_data"]
        frame = pd.DataFrame(given["data"], columns=given.get("columns"), index=given.get("index"))
        found = model.predict(frame)
        return found.tolist() if hasattr(found, "tolist") else found

    return run


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
