"""The program of a process that runs a batch scoring script.

Mini-batches come as JSON lines on stdin, answers go to stdout. What the script prints, and its exceptions, go to files
below LOGS, as in Azure: `stdout/NODE/PROCESS.stdout.txt`, `error/NODE/PROCESS.txt` and, of all processes, `error.txt`.
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


class Errors:
    """Keeps exceptions with their traces where Azure does: of *process*, and a summary of all."""

    def __init__(self, logs: Path, node: str, process: str) -> None:
        self._own, self._all_processes, self._process = (
            logs / "error" / node / f"{process}.txt",
            logs / "error.txt",
            process,
        )

    def keep(self, doing: str) -> None:
        """The exception that is being handled."""
        traceback.print_exc()
        for file in (self._own, self._all_processes):
            with file.open("a") as stream:
                stream.write(f"{self._process}: {doing}\n{traceback.format_exc()}")


def main(script: Path, logs: Path, node: str, process: str) -> None:
    """Say {"ready": true} after init, then answer each mini-batch with {"ok": bool}."""
    answers = take_over(logs / "stdout" / node / f"{process}.stdout.txt")
    errors = Errors(logs, node, process)
    try:
        module = load_script(script)
        if hasattr(module, "init"):
            module.init()
    except BaseException:
        errors.keep("the script could not be loaded")
        sys.exit(1)
    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        request = json.loads(line)
        answers.write(json.dumps({"ok": _run(module, request["files"], Path(request["output"]), errors)}) + "\n")


def take_over(prints: Path | None = None) -> TextIO:
    """The stream of answers; prints go to *prints*, or else to stderr, and the process ends with its parent."""
    die_with_parent(signal.SIGKILL)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2 if prints is None else os.open(prints, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
    return answers


def load_script(script: Path) -> Any:
    # A cached module is told from its source by whole seconds and by size: of a script that is mended at once, the old
    # one would run. The folder is the user's, too.
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(script.parent))
    spec = importlib.util.spec_from_file_location("scoring_script", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(module: Any, files: list[str], output: Path, errors: Errors) -> bool:
    try:
        text = _rows(module.run(files))
    except Exception:
        errors.keep(f"the mini-batch of {', '.join(Path(file).name for file in files)} failed")
        return False
    # Under another name until it is whole: a process may be killed for its time while it writes, and what it left would
    # be joined.
    part = output.with_suffix(".part")
    part.write_text(text)
    part.replace(output)
    return True


def _rows(result: Any) -> str:
    """One line per returned row: a data frame's columns separated by a space, other elements as they print.

    Raises TypeError for what is neither a data frame nor an array, which Azure ML takes alone.
    """
    if hasattr(result, "to_csv"):
        stream = io.StringIO()
        result.to_csv(stream, sep=" ", header=False, index=False)
        return stream.getvalue()
    if not isinstance(result, list | tuple) and not hasattr(result, "tolist"):
        wanted = "return a pandas DataFrame, or a list, with one element for each input row"
        raise TypeError(f"run() returned {type(result).__name__}; {wanted}")
    return "".join(f"{row}\n" for row in result)
