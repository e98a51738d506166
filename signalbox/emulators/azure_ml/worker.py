"""Runs a scoring script: `python -m signalbox.emulators.azure_ml.worker SCRIPT`.

Mini-batches come as JSON lines on stdin, answers go to stdout.
"""

import importlib.util
import io
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

from signalbox.lifeline import die_with_parent


def main(script: Path) -> None:
    """Say {"ready": true} after init, then answer each mini-batch with {"ok": bool}; prints go to stderr, the log."""
    answers = take_over()
    module = load_script(script)
    if hasattr(module, "init"):
        module.init()
    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        request = json.loads(line)
        answers.write(json.dumps({"ok": _run(module, request["files"], Path(request["output"]))}) + "\n")


def take_over() -> TextIO:
    """The stream of answers; from now on prints go to stderr, and the process ends with its parent."""
    die_with_parent(signal.SIGKILL)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return answers


def load_script(script: Path) -> Any:
    sys.path.insert(0, str(script.parent))
    spec = importlib.util.spec_from_file_location("scoring_script", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(module: Any, files: list[str], output: Path) -> bool:
    try:
        text = _rows(module.run(files))
    except Exception:
        traceback.print_exc()
        return False
    part = output.with_suffix(".part")
    part.write_text(text)
    part.replace(output)
    return True


def _rows(result: Any) -> str:
    """One line per returned row: a data frame's columns separated by a space, other elements as they print."""
    if hasattr(result, "to_csv"):
        stream = io.StringIO()
        result.to_csv(stream, sep=" ", header=False, index=False)
        return stream.getvalue()
    return "".join(f"{row}\n" for row in result)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
